"""`osago_subject_key`: the one key that makes identifiers of people and customers, sealed. Keys of applications rotate, it does not.

An identifier has to be the same for the three years that records of destruction are kept.
"""

from typing import Final

from app.postgres.cipher import Sealed
from app.postgres.database import Connection

_READ: Final = "SELECT key_id, sealed FROM osago_subject_key"
_INSERT: Final = "INSERT INTO osago_subject_key (one, key_id, sealed) VALUES (true, $1, $2) ON CONFLICT DO NOTHING"
_RESEAL: Final = "UPDATE osago_subject_key SET key_id = $1, sealed = $2 WHERE key_id = $3"


async def read_subject_key(connection: Connection) -> Sealed | None:
    row = await connection.fetchrow(_READ)
    return None if row is None else Sealed(row["key_id"], row["sealed"])


async def insert_subject_key(connection: Connection, sealed: Sealed) -> None:
    """Stores it, unless there is one."""
    await connection.execute(_INSERT, sealed.key_id, sealed.box)


async def reseal_subject_key(connection: Connection, sealed: Sealed, old_key_id: str) -> None:
    """Puts the newly sealed key in the place of the old one."""
    await connection.execute(_RESEAL, sealed.key_id, sealed.box, old_key_id)


async def delete_subject_key(connection: Connection, key_id: str) -> None:
    """Removes it where this key has sealed it."""
    await connection.execute("DELETE FROM osago_subject_key WHERE key_id = $1", key_id)
