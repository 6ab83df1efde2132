"""Reads of reports about personal data: a customer's requests, stored applications in pages, insurers' answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.postgres.database import Connection
from app.postgres.erasure import COLUMNS, StoredRequest, stored_request

_OF_CUSTOMER: Final = f"""
SELECT {COLUMNS} FROM osago_requests
WHERE customer_id = $1 AND ($2::text IS NULL OR tenant = $2) AND id > $3 ORDER BY id LIMIT $4
"""  # noqa: S608 - constants of this file

_BY_ID: Final = f"SELECT {COLUMNS} FROM osago_requests WHERE id = ANY($1::uuid[]) ORDER BY id"  # noqa: S608 - constants

_WITH_APPLICATION: Final = f"""
SELECT {COLUMNS} FROM osago_requests
WHERE application IS NOT NULL AND created_at < $1 AND (created_at, id) > ($2, $3) ORDER BY created_at, id LIMIT $4
"""  # noqa: S608 - constants of this file

_ANSWERS: Final = """
SELECT request_id, insurer_id, status, reason->>'code' AS reason, received_at, trail FROM osago_quotes
WHERE request_id = ANY($1::uuid[]) ORDER BY request_id, received_at
"""

_CONSENTS: Final = "SELECT count(*) FROM osago_consents WHERE accepted_at < $1"

_CUSTOMERS: Final = """
SELECT customer_id, tenant, count(*) FILTER (WHERE created_at < $1) AS held FROM osago_requests
WHERE customer_id >= $2 AND (customer_id, tenant) > ($2, $3)
GROUP BY customer_id, tenant ORDER BY customer_id, tenant LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """How an insurer answered; `reason` is the code of what was no offer, `trail` how the answer came about."""

    request_id: UUID
    insurer_id: str
    status: str
    reason: str | None
    received_at: datetime
    trail: str | None


async def requests_of_customer(
    connection: Connection, customer_id: str, tenant: str | None, *, after: UUID, most: int
) -> list[StoredRequest]:
    """A page of a customer's requests, of one calling service or of all, in the order of their ids."""
    return [stored_request(row) for row in await connection.fetch(_OF_CUSTOMER, customer_id, tenant, after, most)]


async def requests_by_id(connection: Connection, ids: Sequence[UUID]) -> list[StoredRequest]:
    """The requests of these ids that are there."""
    return [stored_request(row) for row in await connection.fetch(_BY_ID, list(ids))]


async def stored_applications(
    connection: Connection, accepted_before: datetime, *, after: tuple[datetime, UUID], most: int
) -> list[StoredRequest]:
    """A page of the requests that have their application, in the order of (created_at, id)."""
    return [stored_request(row) for row in await connection.fetch(_WITH_APPLICATION, accepted_before, *after, most)]


async def answers_of(connection: Connection, ids: Sequence[UUID]) -> list[StoredAnswer]:
    """How the insurers of these requests answered."""
    return [
        StoredAnswer(
            row["request_id"], row["insurer_id"], row["status"], row["reason"], row["received_at"], row["trail"]
        )
        for row in await connection.fetch(_ANSWERS, list(ids))
    ]


async def count_consents(connection: Connection, accepted_before: datetime) -> int:
    """Consents that have outlived their applications."""
    return await connection.fetchval(_CONSENTS, accepted_before)


async def customers_page(
    connection: Connection, accepted_before: datetime, *, after: tuple[str, str], most: int
) -> list[tuple[str, str, int]]:
    """A page of (customer's id, calling service, how many requests of theirs are as old), in their order."""
    rows = await connection.fetch(_CUSTOMERS, accepted_before, *after, most)
    return [(row["customer_id"], row["tenant"], row["held"]) for row in rows]
