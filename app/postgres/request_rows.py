"""Quote requests in PostgreSQL: accepting, reading, ending. Moments are parameters, never `now()`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg
import msgspec

from app.codecs.quote_codec import decode_answer
from app.codecs.substitutes import substitute_for
from app.domain.quote import Ending, Outcome, Quote, QuoteRequest
from app.observability.metrics import EndedRequest
from app.postgres.cipher import Sealed
from app.postgres.database import Connection

_ACCEPT: Final = """
WITH new AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bool[],
        $7::bytea[], $8::text[], $9::timestamptz[], $10::timestamptz[], $11::text[]
    ) AS t (
        id, tenant, customer_id, client_reference, insurers, insurers_chosen,
        application, application_key_id, created_at, expires_at, trace
    )
), accepted AS (
    INSERT INTO osago_requests (
        id, tenant, customer_id, client_reference, insurers, insurers_chosen,
        application, application_key_id, created_at, expires_at, trace
    )
    SELECT id, tenant, customer_id, client_reference, string_to_array(insurers, ','), insurers_chosen,
           application, application_key_id, created_at, expires_at, trace
    FROM new
    ON CONFLICT (tenant, client_reference) WHERE client_reference IS NOT NULL DO NOTHING
    RETURNING id, created_at
), announced AS (
    INSERT INTO osago_outbox (request_id, kind, created_at) SELECT id, 'accepted', created_at FROM accepted
)
SELECT id FROM new WHERE id NOT IN (SELECT id FROM accepted)
"""

_COLUMNS: Final = "r.id, r.tenant, r.customer_id, r.client_reference, r.insurers, r.created_at, r.expires_at, r.completed_at, r.outcome, r.trace"

_WITH_QUOTES: Final = f"""
SELECT {_COLUMNS}, q.insurer_id, q.status, q.offer::text, q.reason::text, q.received_at
FROM osago_requests r LEFT JOIN osago_quotes q ON q.request_id = r.id
"""  # noqa: S608 - constants of this file

_BY_ID: Final = _WITH_QUOTES + "WHERE r.id = ANY($1::uuid[])"

_BY_REFERENCE: Final = f"""
SELECT {_COLUMNS}, r.insurers_chosen, r.application, r.application_key_id
FROM osago_requests r
WHERE (r.tenant, r.client_reference) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""  # noqa: S608 - constants of this file

_GONE: Final = """
SELECT t.id FROM unnest($1::uuid[]) AS t (id) WHERE NOT EXISTS (SELECT 1 FROM osago_requests r WHERE r.id = t.id)
"""

_PROGRESS: Final = """
SELECT r.id, r.completed_at IS NOT NULL AS ended,
       (SELECT count(*) FROM osago_quotes q WHERE q.request_id = r.id) AS settled
FROM osago_requests r WHERE r.id = ANY($1::uuid[])
"""

_OVERDUE: Final = """
SELECT id FROM osago_requests
WHERE completed_at IS NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2
"""

_OPEN: Final = """
SELECT r.id, r.expires_at, r.trace, ARRAY(
    SELECT insurer FROM unnest(r.insurers) AS insurer
    WHERE NOT EXISTS (SELECT 1 FROM osago_quotes q WHERE q.request_id = r.id AND q.insurer_id = insurer)
) AS missing
FROM osago_requests r
WHERE r.completed_at IS NULL AND r.expires_at > $1 AND r.created_at <= $2 AND r.id > $3
ORDER BY r.id LIMIT $4
"""

_OPEN_OF: Final = """
SELECT c.tenant, c.customer_id, r.id FROM unnest($1::text[], $2::text[]) AS c (tenant, customer_id)
CROSS JOIN LATERAL (
    SELECT id FROM osago_requests
    WHERE tenant = c.tenant AND customer_id = c.customer_id AND completed_at IS NULL ORDER BY id LIMIT $3
) AS r
"""

_LOCK: Final = """
SELECT id FROM osago_requests
WHERE id = ANY($1::uuid[]) AND completed_at IS NULL ORDER BY id FOR UPDATE
"""

_OFFERS: Final = """
SELECT count(*) AS offers, min(received_at) AS first_offer_at
FROM osago_quotes q WHERE q.request_id = ended.id AND q.status = 'OFFERED'
"""

_END: Final = f"""
WITH ended AS (
    UPDATE osago_requests r SET completed_at = $2, outcome = t.outcome
    FROM unnest($1::uuid[], $3::text[]) AS t (id, outcome) WHERE r.id = t.id
    RETURNING r.id, r.created_at, r.expires_at, r.outcome
), noticed AS (
    INSERT INTO osago_outbox (request_id, kind, created_at) SELECT id, 'completed', $2 FROM ended
)
SELECT ended.*, o.* FROM ended, LATERAL ({_OFFERS}) AS o
"""  # noqa: S608 - constants of this file

# One statement is enough: a request that has all its quotes keeps them. Of two that end it the second waits for the lock and
# finds it ended.
_END_FULL: Final = f"""
WITH full_ones AS (
    SELECT id FROM osago_requests r
    WHERE id = ANY($1::uuid[]) AND completed_at IS NULL
    AND cardinality(insurers) = (SELECT count(*) FROM osago_quotes q WHERE q.request_id = r.id)
    ORDER BY id FOR UPDATE
), ended AS (
    UPDATE osago_requests r SET completed_at = $2, outcome = $3
    FROM full_ones WHERE r.id = full_ones.id
    RETURNING {_COLUMNS}
), noticed AS (
    INSERT INTO osago_outbox (request_id, kind, created_at) SELECT id, 'completed', $2 FROM ended
)
SELECT ended.*, o.* FROM ended, LATERAL ({_OFFERS}) AS o
"""  # noqa: S608 - constants of this file


Customer: TypeAlias = tuple[str, str]
"""A tenant, and its own id of a customer."""


class NewRequest(msgspec.Struct, frozen=True):
    """A request about to be accepted, its application sealed."""

    request: QuoteRequest
    insurers_chosen: bool
    application: Sealed


@dataclass(frozen=True, slots=True)
class Repeated:
    """The request that a client reference names already. `application` is None once it has been purged."""

    request: QuoteRequest
    insurers_chosen: bool
    application: Sealed | None


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """An open request, with the insurers that have not answered."""

    id: UUID
    expires_at: datetime
    missing: tuple[str, ...]
    trace: str | None = None


async def insert_requests(connection: Connection, batch: Sequence[NewRequest]) -> set[UUID]:
    """Stores requests with their outbox rows; returns the ids of those with a client reference that is taken."""
    rows = await connection.fetch(
        _ACCEPT,
        [new.request.id for new in batch],
        [new.request.tenant for new in batch],
        [new.request.customer_id for new in batch],
        [new.request.client_reference for new in batch],
        [",".join(new.request.insurers) for new in batch],
        [new.insurers_chosen for new in batch],
        [new.application.box for new in batch],
        [new.application.key_id for new in batch],
        [new.request.created_at for new in batch],
        [new.request.expires_at for new in batch],
        [new.request.trace for new in batch],
    )
    return {row["id"] for row in rows}


async def find_repeated(
    connection: Connection, references: Sequence[tuple[str, str]]
) -> Mapping[tuple[str, str], Repeated]:
    """The requests that (tenant, client reference) pairs name."""
    if not references:
        return {}
    rows = await connection.fetch(_BY_REFERENCE, [tenant for tenant, _ in references], [ref for _, ref in references])
    return {(row["tenant"], row["client_reference"]): _repeated(row) for row in rows}


async def read_requests(connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, QuoteRequest]:
    """Requests with their quotes, by id, as one snapshot."""
    if not ids:
        return {}
    found: dict[UUID, QuoteRequest] = {}
    quotes: dict[UUID, dict[str, Quote]] = {}
    for row in await connection.fetch(_BY_ID, ids):
        request_id: UUID = row["id"]
        if request_id not in found:
            found[request_id] = _request(row, quotes.setdefault(request_id, {}))
        if row["insurer_id"] is not None:
            quotes[request_id][row["insurer_id"]] = quote_of(request_id, row)
    return found


async def missing_requests(connection: Connection, ids: Sequence[UUID]) -> list[UUID]:
    """The ids among these without a request."""
    return [row["id"] for row in await connection.fetch(_GONE, ids)]


async def read_progress(connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, tuple[int, bool]]:
    """How many quotes of each request are settled, and whether it has ended: cheap enough to ask again and again."""
    return {row["id"]: (row["settled"], row["ended"]) for row in await connection.fetch(_PROGRESS, ids)}


async def overdue_requests(connection: Connection, until: datetime, *, most: int) -> list[UUID]:
    """Open requests with a deadline up to `until`, the oldest first."""
    return [row["id"] for row in await connection.fetch(_OVERDUE, until, most)]


async def open_requests(
    connection: Connection, *, expire_after: datetime, created_until: datetime, after: UUID, most: int
) -> list[OpenRequest]:
    """A page of open requests in the order of their ids, from the one that follows `after`."""
    rows = await connection.fetch(_OPEN, expire_after, created_until, after, most)
    return [OpenRequest(row["id"], row["expires_at"], tuple(row["missing"]), row["trace"]) for row in rows]


async def open_requests_of(
    connection: Connection, customers: Sequence[Customer], *, most: int
) -> Mapping[Customer, Sequence[UUID]]:
    """The open requests of each customer, the oldest first."""
    found: dict[Customer, list[UUID]] = {}
    tenants, ids = [tenant for tenant, _ in customers], [customer_id for _, customer_id in customers]
    for row in await connection.fetch(_OPEN_OF, tenants, ids, most):
        found.setdefault((row["tenant"], row["customer_id"]), []).append(row["id"])
    return found


async def lock_open(connection: Connection, ids: Sequence[UUID]) -> list[UUID]:
    """Locks those of the requests that are open, against their end and against new quotes, until the transaction ends.

    A quote's foreign key takes KEY SHARE on its request, which only FOR UPDATE holds off.
    """
    return [row["id"] for row in await connection.fetch(_LOCK, sorted(ids))]


async def end_requests(connection: Connection, outcomes: Mapping[UUID, Outcome], now: datetime) -> list[EndedRequest]:
    """Writes the end of locked requests, and the outbox rows that announce it."""
    rows = await connection.fetch(_END, list(outcomes), now, [outcome.value for outcome in outcomes.values()])
    return [_ended(row, now) for row in rows]


async def end_full_requests(
    connection: Connection, ids: Sequence[UUID], now: datetime
) -> tuple[list[QuoteRequest], list[EndedRequest]]:
    """Ends those of the requests that are open though every insurer has answered, with the outbox rows that announce it.

    They come back without their quotes: the settler has published those already.
    """
    rows = await connection.fetch(_END_FULL, ids, now, Outcome.ALL_ANSWERED.value)
    return [_request(row, {}) for row in rows], [_ended(row, now) for row in rows]


def quote_of(request_id: UUID, row: asyncpg.Record) -> Quote:
    """A settled quote out of the columns of `osago_quotes`; a substitute where they cannot be read."""
    try:
        answer = decode_answer(row["status"], row["offer"], row["reason"])
    except Exception:  # noqa: BLE001 - one row is isolated from the others of its request
        answer = substitute_for(request_id, row["insurer_id"])
    return Quote(request_id, row["insurer_id"], answer, row["received_at"])


def _ended(row: asyncpg.Record, now: datetime) -> EndedRequest:
    first = row["first_offer_at"]
    first_offer_s = None if first is None else (first - row["created_at"]).total_seconds()
    return EndedRequest(row["outcome"], row["offers"], first_offer_s, now > row["expires_at"])


def _request(row: asyncpg.Record, quotes: Mapping[str, Quote]) -> QuoteRequest:
    outcome, completed_at = row["outcome"], row["completed_at"]
    return QuoteRequest(
        id=row["id"],
        tenant=row["tenant"],
        customer_id=row["customer_id"],
        client_reference=row["client_reference"],
        insurers=tuple(row["insurers"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        ending=None if outcome is None else Ending(Outcome(outcome), completed_at),
        quotes=quotes,
        trace=row["trace"],
    )


def _repeated(row: asyncpg.Record) -> Repeated:
    box, key_id = row["application"], row["application_key_id"]
    return Repeated(_request(row, {}), row["insurers_chosen"], None if box is None else Sealed(key_id, box))
