"""Reads of one request's story from PostgreSQL, and the search for it: for operators, over requests of every caller."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.domain.quote import Outcome, Quote, QuoteStatus
from app.postgres.database import Connection
from app.postgres.outbox import Kind
from app.postgres.request_rows import quote_of
from app.story.answer_trail import StoredTrail, decode_trail

FOUND_MAX: Final = 20

_REQUEST: Final = """
SELECT r.tenant, r.insurers, r.created_at, r.expires_at, r.completed_at, r.outcome, r.application IS NULL AS purged, r.trace,
       ARRAY(SELECT o.kind FROM osago_outbox o WHERE o.request_id = r.id) AS notices
FROM osago_requests r WHERE r.id = $1
"""

_QUOTES: Final = """
SELECT insurer_id, status, offer::text, reason::text, received_at, trail FROM osago_quotes WHERE request_id = $1
"""

# The index begins with the tenant, so the tenants are walked through, each with one look into it.
_BY_REFERENCE: Final = """
WITH RECURSIVE tenants AS (
    (SELECT tenant FROM osago_requests WHERE client_reference IS NOT NULL ORDER BY tenant LIMIT 1)
    UNION ALL
    SELECT (SELECT r.tenant FROM osago_requests r
            WHERE r.client_reference IS NOT NULL AND r.tenant > tenants.tenant ORDER BY r.tenant LIMIT 1)
    FROM tenants WHERE tenants.tenant IS NOT NULL
)
SELECT r.id, r.tenant, r.created_at, r.completed_at
FROM tenants JOIN osago_requests r ON r.tenant = tenants.tenant AND r.client_reference = $1
WHERE $2::text IS NULL OR r.tenant = $2
ORDER BY r.created_at DESC LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class RequestRows:
    """A request as PostgreSQL has it; `notices` are its outbox rows."""

    id: UUID
    tenant: str
    insurers: Sequence[str]
    created_at: datetime
    expires_at: datetime
    completed_at: datetime | None
    outcome: Outcome | None
    is_purged: bool
    trace: str | None
    notices: frozenset[Kind]
    quotes: Mapping[str, Quote]
    trails: Mapping[str, StoredTrail]
    """The trails, by insurer, of quotes that have one which this release can read."""

    @property
    def open_insurers(self) -> list[str]:
        """The insurers without a quote; none once the request has ended."""
        return [] if self.completed_at else [id_ for id_ in self.insurers if id_ not in self.quotes]

    def status_of(self, insurer_id: str) -> QuoteStatus:
        quote = self.quotes.get(insurer_id)
        return quote.status if quote else QuoteStatus.PENDING


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A request that a client reference names."""

    id: UUID
    tenant: str
    created_at: datetime
    completed_at: datetime | None


async def read_request_rows(connection: Connection, request_id: UUID) -> RequestRows | None:
    """All of it; None where there is no such request."""
    row = await connection.fetchrow(_REQUEST, request_id)
    if row is None:
        return None
    quotes = await connection.fetch(_QUOTES, request_id)
    outcome = row["outcome"]
    return RequestRows(
        id=request_id,
        tenant=row["tenant"],
        insurers=row["insurers"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        completed_at=row["completed_at"],
        outcome=None if outcome is None else Outcome(outcome),
        is_purged=row["purged"],
        trace=row["trace"],
        notices=frozenset(map(Kind, row["notices"])),
        quotes={quote["insurer_id"]: quote_of(request_id, quote) for quote in quotes},
        trails={quote["insurer_id"]: trail for quote in quotes if (trail := decode_trail(quote["trail"]))},
    )


async def find_by_reference(connection: Connection, reference: str, tenant: str | None) -> list[FoundRow]:
    """The requests of this client reference, at most one of each caller, the newest first; of `tenant` alone where it is given."""
    rows = await connection.fetch(_BY_REFERENCE, reference, tenant, FOUND_MAX)
    return [FoundRow(row["id"], row["tenant"], row["created_at"], row["completed_at"]) for row in rows]
