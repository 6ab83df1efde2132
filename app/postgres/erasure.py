"""Destroying applications, requests and links, and sealing applications anew, in small batches.

What is destroyed is locked and read first: `app.use_cases.personal` makes its record, and writes it in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from app.postgres.cipher import Sealed
from app.postgres.database import Connection
from app.postgres.quote_rows import Key

COLUMNS: Final = "id, tenant, customer_id, insurers, created_at, application, application_key_id"

_DUE_APPLICATIONS: Final = f"""
SELECT {COLUMNS} FROM osago_requests
WHERE application IS NOT NULL AND completed_at IS NOT NULL AND created_at < $1
ORDER BY created_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - constants of this file

_DUE_REQUESTS: Final = f"""
SELECT {COLUMNS} FROM osago_requests
WHERE application IS NULL AND completed_at IS NOT NULL AND created_at < $1
ORDER BY created_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - constants of this file

_SEALED_BY: Final = f"""
SELECT {COLUMNS} FROM osago_requests
WHERE application IS NOT NULL AND completed_at IS NOT NULL AND application_key_id = $1
ORDER BY created_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - constants of this file

_LOCK: Final = f"SELECT {COLUMNS} FROM osago_requests WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"  # noqa: S608

_CLEAR_APPLICATIONS: Final = """
WITH cleared AS (
    UPDATE osago_requests SET application = NULL, application_key_id = NULL WHERE id = ANY($1::uuid[])
)
UPDATE osago_quotes q SET offer = q.offer - 'purchaseUrl' - 'sealedUrl'
WHERE q.request_id = ANY($1::uuid[]) AND q.offer ?| ARRAY['purchaseUrl', 'sealedUrl']
"""

_CLEAR_LINKS: Final = """
WITH page AS (
    SELECT request_id, insurer_id FROM osago_quotes
    WHERE (request_id, insurer_id) > ($2, $3) ORDER BY request_id, insurer_id LIMIT $4
), cleared AS (
    UPDATE osago_quotes q SET offer = q.offer - 'sealedUrl' FROM page
    WHERE q.request_id = page.request_id AND q.insurer_id = page.insurer_id
    AND q.offer ? 'sealedUrl' AND split_part(q.offer->>'sealedUrl', '.', 1) = $1
)
SELECT request_id, insurer_id FROM page ORDER BY request_id DESC, insurer_id DESC LIMIT 1
"""

_OF_CUSTOMER: Final = """
SELECT id FROM osago_requests
WHERE customer_id = $1 AND ($2::text IS NULL OR tenant = $2) ORDER BY id LIMIT $3
"""

_SEALED_OTHERWISE: Final = """
SELECT id, created_at, application, application_key_id FROM osago_requests
WHERE application IS NOT NULL AND (created_at, id) > ($1, $2) AND application_key_id <> $3
ORDER BY created_at, id LIMIT $4
"""

_RESEAL: Final = """
UPDATE osago_requests r SET application = t.box, application_key_id = t.key_id
FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[]) AS t (id, old_key_id, box, key_id)
WHERE r.id = t.id AND r.application_key_id = t.old_key_id
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A request's application as it lies there."""

    id: UUID
    created_at: datetime
    application: Sealed


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request as it is stored. `application` is None once it is destroyed."""

    id: UUID
    tenant: str
    customer_id: str
    insurers: tuple[str, ...]
    created_at: datetime
    application: Sealed | None


async def due_applications(connection: Connection, created_before: datetime, *, most: int) -> list[StoredRequest]:
    """The oldest ended requests that still have an application, locked until the transaction ends."""
    return [stored_request(row) for row in await connection.fetch(_DUE_APPLICATIONS, created_before, most)]


async def due_requests(connection: Connection, created_before: datetime, *, most: int) -> list[StoredRequest]:
    """The oldest ended requests without an application, locked until the transaction ends."""
    return [stored_request(row) for row in await connection.fetch(_DUE_REQUESTS, created_before, most)]


async def applications_sealed_by(connection: Connection, key_id: str, *, most: int) -> list[StoredRequest]:
    """Ended requests with an application that this key has sealed, locked until the transaction ends."""
    return [stored_request(row) for row in await connection.fetch(_SEALED_BY, key_id, most)]


async def lock_requests(connection: Connection, ids: Sequence[UUID]) -> list[StoredRequest]:
    """These requests, locked until the transaction ends."""
    return [stored_request(row) for row in await connection.fetch(_LOCK, list(ids))]


async def clear_applications(connection: Connection, ids: Sequence[UUID]) -> None:
    """Destroys applications and the links of their offers; the rest of the quotes stays."""
    await connection.execute(_CLEAR_APPLICATIONS, list(ids))


async def clear_links(connection: Connection, key_id: str, *, after: Key, most: int) -> Key | None:
    """Destroys the links that this key has sealed, of a page of the quotes; returns the last of them, None behind the end."""
    row = await connection.fetchrow(_CLEAR_LINKS, key_id, *after, most)
    return None if row is None else (row["request_id"], row["insurer_id"])


async def requests_of(connection: Connection, customer_id: str, tenant: str | None, *, most: int) -> list[UUID]:
    """Some of this customer's requests, of one calling service or of all."""
    return [row["id"] for row in await connection.fetch(_OF_CUSTOMER, customer_id, tenant, most)]


async def delete_requests(connection: Connection, ids: Sequence[UUID]) -> None:
    """Destroys requests with everything that belongs to them."""
    await connection.execute("DELETE FROM osago_requests WHERE id = ANY($1::uuid[])", list(ids))


async def sealed_otherwise(
    connection: Connection, key_id: str, *, after: tuple[datetime, UUID], most: int
) -> list[Stored]:
    """A page of the applications that another key has sealed, in the order of (created_at, id)."""
    rows = await connection.fetch(_SEALED_OTHERWISE, *after, key_id, most)
    return [Stored(r["id"], r["created_at"], Sealed(r["application_key_id"], r["application"])) for r in rows]


async def reseal(connection: Connection, before: Sequence[Stored], after: Sequence[Sealed]) -> None:
    """Puts the newly sealed applications in the place of the old ones, unless those were purged meanwhile."""
    await connection.execute(
        _RESEAL,
        [stored.id for stored in before],
        [stored.application.key_id for stored in before],
        [sealed.box for sealed in after],
        [sealed.key_id for sealed in after],
    )


def stored_request(row: asyncpg.Record) -> StoredRequest:
    """Out of `COLUMNS`."""
    sealed = None if row["application"] is None else Sealed(row["application_key_id"], row["application"])
    return StoredRequest(
        row["id"], row["tenant"], row["customer_id"], tuple(row["insurers"]), row["created_at"], sealed
    )
