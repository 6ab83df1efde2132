"""Another server has taken over: a failover, a restart, a slot that has moved. All connections to the one before are dropped.

What the one before had not replicated is gone, and what is still sent to it, frozen or cut off as it may be, will be. So no
connection waits until its server hangs up. A server is known by its replication id, which every promotion changes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from app.observability import metrics
from app.redis.redis_client import RedisClient
from app.runtime.clock import Clock
from app.runtime.periodic import periodic
from app.runtime.supervision import Part

LOOK_EVERY_S: Final = 0.25
DROP_AGAIN_S: Final = 1.0
"""Two signs of one failover come within less: Sentinel's word, and the new server's replication id."""

log: Final = structlog.get_logger(__name__)


class MasterChanges:
    """The servers behind the Redis of one process, as it knows them. Its owner runs `parts`."""

    def __init__(self, client: RedisClient, clock: Clock, *, has_sentinel: bool) -> None:
        self._client = client
        self._clock = clock
        self._has_sentinel = has_sentinel
        self._servers: dict[int, str] = {}
        self._dropped_at_s = float("-inf")
        self._listeners: list[Callable[[], Awaitable[None]]] = [client.drop_connections]

    def parts(self) -> list[Part]:
        """Sentinel is asked now and then: a connection to a master that was deposed may look well for a long time."""
        if not self._has_sentinel:
            return []
        return [periodic("redis-master", self.look, every_s=LOOK_EVERY_S, clock=self._clock)]

    def on_change(self, drop: Callable[[], Awaitable[None]]) -> None:
        """Has this called too when another server has taken over; it drops connections, and never raises."""
        self._listeners.append(drop)

    async def look(self) -> None:
        """Asks Sentinel once.

        Raises:
            RedisAway: it knows no master just now.
        """
        if await self._client.has_other_master():
            log.warning("redis.moved", by="sentinel")
            await self.drop()

    async def learn(self, shard: int, server: str) -> None:
        """Takes in which server serves a shard now; where another one did before, connections are dropped."""
        known = self._servers.get(shard)
        is_new = server not in self._servers.values()
        self._servers[shard] = server
        if known in {None, server}:
            return
        if is_new:  # else a slot has moved to a server that serves others already
            metrics.FAILOVERS.labels("redis").inc()
            log.warning("redis.failover", shard=shard)
        await self.drop()

    async def drop(self) -> None:
        """Drops what this process has open; not twice for one failover."""
        if self._clock.monotonic() - self._dropped_at_s < DROP_AGAIN_S:
            return
        self._dropped_at_s = self._clock.monotonic()
        await asyncio.gather(*(drop() for drop in self._listeners))
