"""Rate limits of callers and of their customers, over all API processes; in each process alone while Redis is away."""

import asyncio
import hashlib
import zlib
from typing import Final

import structlog

from app.config.quantities import Rate
from app.domain.errors import RateLimitExceeded, RedisAway
from app.observability import metrics
from app.redis import keys
from app.redis.rate_cells import Cell, LocalRates, Wait, take
from app.redis.redis_client import RedisClient
from app.runtime.clock import Clock

log: Final = structlog.get_logger(__name__)

REDIS_S_MAX: Final = 0.25
"""A limit must not cost more than what it limits."""
LOCAL_S: Final = 1.0
"""Seconds for which Redis is not called again after it was found away."""


class CallerRateLimiter:
    """The rate limit of callers and customers. `salt` is a secret of all processes: the customers' ids are not for Redis."""

    def __init__(
        self, redis: RedisClient, clock: Clock, *, salt: str, shards: int, caller: Rate | None, customer: Rate | None
    ) -> None:
        self._redis = redis
        self._clock = clock
        self._salt = hashlib.sha256(salt.encode()).digest()
        self._shards = shards
        self._caller = caller
        self._customer = customer
        self._local = LocalRates(clock)
        self._local_until_s = float("-inf")

    async def check(self, tenant: str, customer_id: str) -> None:
        """Counts one more request.

        Raises:
            RateLimitExceeded: it is one too many; it is not counted.
        """
        if self._caller is None and self._customer is None:
            return
        cells = self._cells(tenant, customer_id)
        wait = await self._take(list(cells.values()))
        if wait:
            metrics.RATE_LIMITED.labels(list(cells)[wait.place]).inc()
            raise RateLimitExceeded(wait.seconds)

    async def _take(self, cells: list[Cell]) -> Wait | None:
        if self._clock.monotonic() >= self._local_until_s:
            try:
                async with asyncio.timeout(REDIS_S_MAX):
                    return await take(self._redis, cells)
            except (RedisAway, TimeoutError) as error:
                self._local_until_s = self._clock.monotonic() + LOCAL_S
                log.warning("limits.local", error=str(error) or type(error).__name__)
        return self._local.take(cells)

    def _cells(self, tenant: str, customer_id: str) -> dict[str, Cell]:
        # A tenant's cells share a hash tag: one script takes from both.
        shard = zlib.crc32(tenant.encode()) % self._shards
        cells: dict[str, Cell] = {}
        if self._caller:
            cells["caller"] = Cell(keys.rate(shard, "caller", self._hidden(tenant)), self._caller)
        if self._customer:
            cells["customer"] = Cell(keys.rate(shard, "customer", self._hidden(tenant, customer_id)), self._customer)
        return cells

    def _hidden(self, *names: str) -> str:
        text = "\0".join(names).encode(errors="surrogatepass")
        return hashlib.blake2b(text, key=self._salt, digest_size=16).hexdigest()
