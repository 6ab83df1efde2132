"""The outbox: committed notices that Redis does not have yet. A row is deleted when its notice is published."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from app.postgres.database import Connection

_OLDER: Final = "SELECT request_id, kind FROM osago_outbox WHERE created_at <= $1 ORDER BY created_at LIMIT $2"
_DELETE: Final = """
DELETE FROM osago_outbox WHERE (request_id, kind) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))
"""
_OLDEST: Final = "SELECT min(created_at) FROM osago_outbox"


class Kind(StrEnum):
    """The kinds of notices."""

    ACCEPTED = "accepted"
    COMPLETED = "completed"


class Notice(NamedTuple):
    """A row of the outbox."""

    request_id: UUID
    kind: Kind


async def notices_until(connection: Connection, moment: datetime, *, most: int) -> list[Notice]:
    """The oldest notices written until `moment`. Nothing is locked: publishing twice changes nothing."""
    return [Notice(row["request_id"], Kind(row["kind"])) for row in await connection.fetch(_OLDER, moment, most)]


async def delete_notices(connection: Connection, notices: Sequence[Notice]) -> None:
    ordered = sorted(notices)
    await connection.execute(_DELETE, [n.request_id for n in ordered], [n.kind.value for n in ordered])


async def oldest_notice(connection: Connection) -> datetime | None:
    """When the oldest notice was written, None if there is none."""
    return await connection.fetchval(_OLDEST)
