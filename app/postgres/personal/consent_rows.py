"""`osago_consents`: the sealed consents of applications that are destroyed, until their own time is up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from app.postgres.cipher import Sealed
from app.postgres.database import Connection

_INSERT: Final = """
INSERT INTO osago_consents (request_id, tenant, accepted_at, consent, consent_key_id)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bytea[], $5::text[])
ON CONFLICT (request_id) DO NOTHING
"""

_COLUMNS: Final = "c.request_id, c.tenant, c.accepted_at, c.consent, c.consent_key_id"

_OF: Final = f"SELECT {_COLUMNS} FROM osago_consents c WHERE c.request_id = ANY($1::uuid[])"  # noqa: S608 - constants

# The request goes first: what is left of it says which offers the consent was given for.
_DUE: Final = f"""
SELECT {_COLUMNS} FROM osago_consents c
WHERE c.accepted_at < $1 AND NOT EXISTS (SELECT 1 FROM osago_requests r WHERE r.id = c.request_id)
ORDER BY c.accepted_at, c.request_id LIMIT $2 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - constants of this file

_SEALED_BY: Final = f"""
SELECT {_COLUMNS} FROM osago_consents c WHERE c.consent_key_id = $1
ORDER BY c.accepted_at, c.request_id LIMIT $2 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - constants of this file

_SEALED_OTHERWISE: Final = f"""
SELECT {_COLUMNS} FROM osago_consents c WHERE (c.accepted_at, c.request_id) > ($1, $2) AND c.consent_key_id <> $3
ORDER BY c.accepted_at, c.request_id LIMIT $4
"""  # noqa: S608 - constants of this file

_RESEAL: Final = """
UPDATE osago_consents c SET consent = t.box, consent_key_id = t.key_id
FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[]) AS t (id, old_key_id, box, key_id)
WHERE c.request_id = t.id AND c.consent_key_id = t.old_key_id
"""


@dataclass(frozen=True, slots=True)
class StoredConsent:
    """A consent as it is stored."""

    request_id: UUID
    tenant: str
    accepted_at: datetime
    sealed: Sealed


async def insert_consents(connection: Connection, consents: Sequence[StoredConsent]) -> None:
    """Stores consents; one that is there already stays."""
    if consents:
        await connection.execute(
            _INSERT,
            [one.request_id for one in consents],
            [one.tenant for one in consents],
            [one.accepted_at for one in consents],
            [one.sealed.box for one in consents],
            [one.sealed.key_id for one in consents],
        )


async def consents_of(connection: Connection, ids: Sequence[UUID]) -> list[StoredConsent]:
    """The consents of these requests."""
    return [_stored(row) for row in await connection.fetch(_OF, list(ids))]


async def due_consents(connection: Connection, accepted_before: datetime, *, most: int) -> list[StoredConsent]:
    """The oldest consents without a request, locked until the transaction ends."""
    return [_stored(row) for row in await connection.fetch(_DUE, accepted_before, most)]


async def consents_sealed_by(connection: Connection, key_id: str, *, most: int) -> list[StoredConsent]:
    """Consents that this key has sealed, locked until the transaction ends."""
    return [_stored(row) for row in await connection.fetch(_SEALED_BY, key_id, most)]


async def consents_sealed_otherwise(
    connection: Connection, key_id: str, *, after: tuple[datetime, UUID], most: int
) -> list[StoredConsent]:
    """A page of the consents that another key has sealed, in the order of (accepted_at, request_id)."""
    return [_stored(row) for row in await connection.fetch(_SEALED_OTHERWISE, *after, key_id, most)]


async def reseal_consents(connection: Connection, before: Sequence[StoredConsent], after: Sequence[Sealed]) -> None:
    """Puts the newly sealed consents in the place of the old ones."""
    await connection.execute(
        _RESEAL,
        [one.request_id for one in before],
        [one.sealed.key_id for one in before],
        [one.box for one in after],
        [one.key_id for one in after],
    )


async def delete_consents(connection: Connection, ids: Sequence[UUID]) -> None:
    """Destroys them; the caller writes the record in the same transaction."""
    await connection.execute("DELETE FROM osago_consents WHERE request_id = ANY($1::uuid[])", list(ids))


def _stored(row: asyncpg.Record) -> StoredConsent:
    return StoredConsent(
        row["request_id"], row["tenant"], row["accepted_at"], Sealed(row["consent_key_id"], row["consent"])
    )
