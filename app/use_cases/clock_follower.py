"""Keeps a process's clock with PostgreSQL's, and from its start with those of the other processes, which it finds in Redis.

After a failover to a server with a wrong clock the others follow it slowly, so that no deadline moves by more than a second.
A process that begins then and went by the new server alone would end what they have accepted too early, or too late.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from app.domain.errors import Unavailable
from app.postgres.database import Pool, read_time
from app.redis import keys
from app.redis.lua_scripts import CLOCK
from app.redis.redis_client import RedisAway, RedisClient
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import RESYNC_S, Clock
from app.runtime.periodic import periodic
from app.runtime.supervision import Part

SHARED_S: Final = 4 * RESYNC_S
"""Seconds for which the time of the others counts; each process writes it every RESYNC_S."""
TRIP_S_MAX: Final = 0.5
"""A reading of Redis's time with a longer trip is not used: it says too little about the moment."""

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _RedisTime:
    """A reading of Redis: its own time, and how far the processes' is ahead of it, where that is known."""

    server: str
    now_ms: int
    ahead_ms: int | None
    took_s: float


class ClockFollower:
    """Its owner calls `begin` once, then runs `parts`."""

    def __init__(self, pool: Pool, redis: RedisClient, clock: Clock) -> None:
        self._pool = pool
        self._redis = redis
        self._clock = clock

    async def begin(self) -> None:
        """Starts from the time of the others, else from PostgreSQL's.

        Raises:
            Unavailable: PostgreSQL does not answer.
        """
        if (unix_s := await self._shared_s()) is not None:
            self._clock.start_from(unix_s)
        await self.sync()

    async def sync(self) -> None:
        """Follows PostgreSQL's clock, and shares the time that comes of it.

        Raises:
            Unavailable: PostgreSQL does not answer.
        """

        async def read() -> datetime:
            return await read_time(self._pool)

        await self._clock.sync(read)
        if (reading := await self._read()) and reading.took_s <= TRIP_S_MAX:
            ahead_ms = round(self._clock.unix_s() * 1000) - reading.now_ms
            with contextlib.suppress(RedisAway):  # the next time is soon
                await CLOCK.run(self._redis, [keys.clock()], [reading.server, ahead_ms, int(SHARED_S * 1000)])

    async def _shared_s(self) -> float | None:
        reading = await self._read()
        if reading is None or reading.ahead_ms is None or reading.took_s > TRIP_S_MAX:
            return None
        return (reading.now_ms + reading.ahead_ms) / 1000

    async def _read(self) -> "_RedisTime | None":
        """The moment of Redis is brought forward by half of the trip. None where there is no answer in time."""
        asked_at_s = self._clock.monotonic()
        try:
            async with asyncio.timeout(TRIP_S_MAX):
                server, now_ms, ahead_ms = await CLOCK.run(self._redis, [keys.clock()], ["", "", ""])
        except (RedisAway, TimeoutError):
            return None
        took_s = self._clock.monotonic() - asked_at_s
        return _RedisTime(server, now_ms + round(took_s * 500), int(ahead_ms) if ahead_ms else None, took_s)

    async def _sync_after_failovers(self) -> None:
        """Another primary has another clock."""
        failed_over = asyncio.Event()
        self._pool.primary.promotions.append(failed_over.set)
        while True:
            raise_if_cancelled()
            await failed_over.wait()
            failed_over.clear()
            try:
                await self.sync()
            except Unavailable:  # the next look at the clock is soon
                log.info("clock.waits", of="postgresql")

    def parts(self) -> list[Part]:
        return [
            periodic("clock", self.sync, every_s=RESYNC_S, clock=self._clock),
            Part("clock-after-failover", self._sync_after_failovers),
        ]
