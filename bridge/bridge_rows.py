"""The bridge's own rows: its place for each destination and shard, its lease, its dead letters; and the requests changed since a moment.

A lease is a row, not an advisory lock: behind a pooler a session belongs to no process. Its time is the server's own.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from app.domain.quote import QuoteRequest
from app.postgres.database import Connection, Pool, reading
from app.postgres.request_rows import read_requests

_PLACES: Final = "SELECT shard, cursor, epoch, since FROM osago_bridge WHERE destination = $1"

_SAVE: Final = """
INSERT INTO osago_bridge (destination, shard, cursor, epoch, since, updated_at)
SELECT $1, t.shard, t.cursor, t.epoch, t.since, $6
FROM unnest($2::int[], $3::text[], $4::text[], $5::timestamptz[]) AS t (shard, cursor, epoch, since)
WHERE EXISTS (SELECT 1 FROM osago_bridge_leases WHERE destination = $1 AND holder = $7)
ON CONFLICT (destination, shard) DO UPDATE
SET cursor = excluded.cursor, epoch = excluded.epoch, since = excluded.since, updated_at = excluded.updated_at
"""

_HOLD: Final = """
INSERT INTO osago_bridge_leases AS held (destination, holder, until)
VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (destination) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE held.holder = excluded.holder OR held.until <= clock_timestamp()
RETURNING holder
"""

_LEAVE: Final = "DELETE FROM osago_bridge_leases WHERE destination = $1 AND holder = $2"

_PUBLISHED_UNTIL: Final = "SELECT least(clock_timestamp(), min(created_at)) FROM osago_outbox WHERE kind = 'completed'"

# With a request that is forgotten its events are, too.
_BURY: Final = """
INSERT INTO osago_bridge_dead_letters
    (destination, event_id, request_id, document, reason, attempts, given_up_at, is_retried)
SELECT $1, $2, $3, $4, $5, $6, $7, false WHERE EXISTS (SELECT 1 FROM osago_requests WHERE id = $3 FOR KEY SHARE)
ON CONFLICT (destination, event_id) DO UPDATE
SET reason = excluded.reason, attempts = excluded.attempts, given_up_at = excluded.given_up_at, is_retried = false
"""

_LETTERS: Final = """
SELECT destination, event_id, request_id, document, reason, attempts, given_up_at, is_retried
FROM osago_bridge_dead_letters WHERE ($1 = '' OR destination = $1) AND (is_retried OR NOT $2)
ORDER BY given_up_at, event_id LIMIT $3
"""

_RETRY: Final = """
UPDATE osago_bridge_dead_letters SET is_retried = true WHERE destination = $1 AND event_id = ANY($2::text[])
RETURNING event_id
"""

_DROP: Final = (
    "DELETE FROM osago_bridge_dead_letters WHERE destination = $1 AND event_id = ANY($2::text[]) RETURNING event_id"
)

_STATE: Final = """
SELECT b.destination, b.shard, b.cursor, b.since, b.updated_at, l.holder,
       (SELECT count(*) FROM osago_bridge_dead_letters d WHERE d.destination = b.destination) AS dead
FROM osago_bridge b LEFT JOIN osago_bridge_leases l ON l.destination = b.destination AND l.until > clock_timestamp()
ORDER BY b.destination, b.shard
"""

_OPEN: Final = "SELECT id FROM osago_requests WHERE completed_at IS NULL"

_ENDED: Final = """
SELECT id, completed_at FROM osago_requests
WHERE completed_at IS NOT NULL AND (completed_at, id) > ($1, $2) ORDER BY completed_at, id LIMIT $3
"""

_PAGE: Final = 200
_FIRST: Final = UUID(int=0)


class BridgePlace(NamedTuple):
    """How far a destination has got in a shard: all up to `cursor` is delivered, of a feed of this `epoch`."""

    cursor: str
    epoch: str
    since: datetime
    """All requests that had ended by then were in the feed up to `cursor`."""


class BridgeState(NamedTuple):
    """A place, as an operator sees it. `holder` is the process that serves the destination now, None: none does."""

    destination: str
    shard: int
    cursor: str
    since: datetime
    updated_at: datetime
    holder: str | None
    dead_letters: int
    """The dead letters of the whole destination."""


@dataclass(frozen=True, slots=True)
class BridgeDeadLetter:
    """An event that was given up."""

    destination: str
    event_id: str
    request_id: UUID
    document: str
    reason: str
    attempts: int
    given_up_at: datetime
    is_retried: bool


async def read_places(connection: Connection, destination: str) -> Mapping[int, BridgePlace]:
    """By shard; none before the destination's first start."""
    rows = await connection.fetch(_PLACES, destination)
    return {row["shard"]: BridgePlace(row["cursor"], row["epoch"], row["since"]) for row in rows}


async def save_places(
    connection: Connection, destination: str, places: Mapping[int, BridgePlace], now: datetime, holder: str
) -> None:
    """Does nothing where another process has the lease by now."""
    cursors, epochs, since = zip(*places.values(), strict=True)
    await connection.execute(_SAVE, destination, list(places), list(cursors), list(epochs), list(since), now, holder)


async def hold_lease(connection: Connection, destination: str, holder: str, *, lease_s: float) -> bool:
    """Takes the lease, or makes it longer; False: another process has it."""
    return await connection.fetchval(_HOLD, destination, holder, lease_s) is not None


async def leave_lease(connection: Connection, destination: str, holder: str) -> None:
    """Lets another process take over at once."""
    await connection.execute(_LEAVE, destination, holder)


async def read_states(connection: Connection) -> list[BridgeState]:
    """Every destination and shard that has been served."""
    return [BridgeState(*row) for row in await connection.fetch(_STATE)]


async def published_until(connection: Connection) -> datetime:
    """All requests that had ended by then have been published; later ones may wait in the outbox."""
    return await connection.fetchval(_PUBLISHED_UNTIL)


async def bury_event(connection: Connection, letter: BridgeDeadLetter) -> None:
    """Keeps an event that a destination would not take."""
    await connection.execute(
        _BURY,
        letter.destination,
        letter.event_id,
        letter.request_id,
        letter.document,
        letter.reason,
        letter.attempts,
        letter.given_up_at,
    )


async def read_dead_letters(
    connection: Connection, destination: str = "", *, only_retried: bool = False, most: int
) -> list[BridgeDeadLetter]:
    """The oldest first; of all destinations if none is named."""
    return [BridgeDeadLetter(*row) for row in await connection.fetch(_LETTERS, destination, only_retried, most)]


async def retry_dead_letters(connection: Connection, destination: str, event_ids: Sequence[str]) -> list[str]:
    """Has the running bridge deliver these again; returns those that are there."""
    return [row["event_id"] for row in await connection.fetch(_RETRY, destination, event_ids)]


async def drop_dead_letters(connection: Connection, destination: str, event_ids: Sequence[str]) -> list[str]:
    """Removes these; returns those that were there."""
    return [row["event_id"] for row in await connection.fetch(_DROP, destination, event_ids)]


async def changed_requests(pool: Pool, since: datetime) -> AsyncGenerator[Sequence[QuoteRequest], None]:
    """Pages of the requests that are open, and of those that have ended since; each is safe with the standby, if there is one.

    The open ones are listed first: one that ends between the two lists is in both.

    Raises:
        Unavailable: PostgreSQL is not there.
    """
    async with reading(pool) as connection:
        ids = [row["id"] for row in await connection.fetch(_OPEN)]
    for first in range(0, len(ids), _PAGE):
        yield await _read(pool, ids[first : first + _PAGE])
    after, after_id = since, _FIRST
    while True:
        async with reading(pool) as connection:
            rows = await connection.fetch(_ENDED, after, after_id, _PAGE)
        if not rows:
            return
        yield await _read(pool, [row["id"] for row in rows])
        after_id, after = rows[-1]


async def _read(pool: Pool, ids: Sequence[UUID]) -> Sequence[QuoteRequest]:
    async with reading(pool) as connection:
        requests = await read_requests(connection, ids)
    await pool.confirm()
    return [requests[id_] for id_ in ids if id_ in requests]
