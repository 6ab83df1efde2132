"""Open requests as figures: how many there are, and which end next. Cheap enough to be asked once a second."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.postgres.database import Connection

OPEN_MAX: Final = 10_000
"""The most open requests that are counted: of more it is only known that there are more."""
NEAR_MAX: Final = 20

# Both go along the partial index of open requests, which is in the order of their ends.
_OPEN: Final = """
SELECT count(*) AS open, min(expires_at) AS first_end,
       count(*) FILTER (WHERE expires_at <= $1) AS near, count(*) FILTER (WHERE expires_at <= $2) AS overdue
FROM (SELECT expires_at FROM osago_requests WHERE completed_at IS NULL ORDER BY expires_at LIMIT $3) AS r
"""
_NEAR: Final = """
SELECT r.id, r.created_at, r.expires_at, cardinality(r.insurers) AS asked, ARRAY(
    SELECT insurer FROM unnest(r.insurers) AS insurer
    WHERE NOT EXISTS (SELECT 1 FROM osago_quotes q WHERE q.request_id = r.id AND q.insurer_id = insurer)
) AS missing
FROM osago_requests r
WHERE r.completed_at IS NULL AND r.expires_at <= $1 ORDER BY r.expires_at LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class NearEnd:
    """An open request that ends soon, and the insurers that have not answered."""

    id: UUID
    created_at: datetime
    expires_at: datetime
    asked: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenFigures:
    """Open requests (of at most OPEN_MAX), those that end soon, and those past their end."""

    open: int
    near: int
    overdue: int
    first: Sequence[NearEnd]


async def read_open_figures(connection: Connection, now: datetime, *, near: timedelta) -> OpenFigures:
    """`first` has the requests that end within `near`, the first one first, at most NEAR_MAX."""
    row = await connection.fetchrow(_OPEN, now + near, now, OPEN_MAX)
    first = await connection.fetch(_NEAR, now + near, NEAR_MAX) if row and row["near"] else []
    return OpenFigures(
        open=row["open"] if row else 0,
        near=row["near"] if row else 0,
        overdue=row["overdue"] if row else 0,
        first=[NearEnd(r["id"], r["created_at"], r["expires_at"], r["asked"], tuple(r["missing"])) for r in first],
    )
