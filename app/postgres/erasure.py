"""Destroying applications and sealing them anew, in small batches. What is destroyed leaves a record, in the same statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.postgres.cipher import Sealed
from app.postgres.database import Connection

_RECORD: Final = """
INSERT INTO osago_purges (id, reason, request_ids, purged_at)
SELECT $1, $2, array_agg(id ORDER BY id), $3 FROM purged HAVING count(*) > 0
RETURNING request_ids
"""

_PURGE: Final = f"""
WITH due AS (
    SELECT id FROM osago_requests
    WHERE application IS NOT NULL AND completed_at IS NOT NULL AND created_at < $4
    ORDER BY created_at, id LIMIT $5 FOR UPDATE SKIP LOCKED
), purged AS (
    UPDATE osago_requests r SET application = NULL, application_key_id = NULL FROM due WHERE r.id = due.id
    RETURNING r.id
), links AS (
    UPDATE osago_quotes q SET offer = q.offer - 'purchaseUrl' - 'sealedUrl' FROM due
    WHERE q.request_id = due.id AND q.offer ?| ARRAY['purchaseUrl', 'sealedUrl']
){_RECORD}"""  # noqa: S608 - constants of this file

_FORGET: Final = f"""
WITH purged AS (DELETE FROM osago_requests WHERE id = ANY($4::uuid[]) RETURNING id){_RECORD}"""  # noqa: S608 - constants only

_OF_CUSTOMER: Final = """
SELECT id FROM osago_requests
WHERE customer_id = $1 AND ($2::text IS NULL OR tenant = $2) ORDER BY id LIMIT $3
"""

_FORGOTTEN: Final = """
SELECT t.id FROM unnest($1::uuid[]) AS t (id)
WHERE EXISTS (SELECT 1 FROM osago_purges p WHERE p.reason = 'forgotten' AND t.id = ANY(p.request_ids))
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


class PurgeReason(StrEnum):
    """Why something was destroyed."""

    RETENTION = "retention"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class Purge:
    """The record of a purge, about to be written."""

    id: UUID
    reason: PurgeReason
    at: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """A request's application as it lies there."""

    id: UUID
    created_at: datetime
    application: Sealed


async def purge_applications(
    connection: Connection, purge: Purge, *, created_before: datetime, most: int
) -> Sequence[UUID]:
    """Destroys applications of ended requests, the oldest first, and the links of their offers; the rest of the quotes stays."""
    arguments = (purge.id, purge.reason.value, purge.at, created_before, most)
    return await connection.fetchval(_PURGE, *arguments) or []


async def requests_of(connection: Connection, customer_id: str, tenant: str | None, *, most: int) -> list[UUID]:
    """Some of this customer's requests, of one calling service or of all."""
    return [row["id"] for row in await connection.fetch(_OF_CUSTOMER, customer_id, tenant, most)]


async def forgotten_requests(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these requests that a customer had destroyed. Reads every record of it: for what is missing, which is rare."""
    return {row["id"] for row in await connection.fetch(_FORGOTTEN, ids)}


async def delete_requests(connection: Connection, purge: Purge, ids: Sequence[UUID]) -> None:
    """Destroys requests with everything that belongs to them."""
    await connection.execute(_FORGET, purge.id, purge.reason.value, purge.at, ids)


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
