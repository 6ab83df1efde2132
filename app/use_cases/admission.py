"""Admission: while jobs wait too long to be read, new requests are refused at once instead of being accepted into a queue.

A slow insurer delays only itself and causes no refusal. A request is refused when at least half of its
insurers have a job that has waited longer than the bound, or when Redis is away and the outbox has.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from app.domain.errors import Overloaded, RedisAway
from app.postgres.database import Pool, reading
from app.postgres.outbox import oldest_notice
from app.redis.job_streams import JobStreams
from app.redis.redis_client import RedisClient
from app.runtime.clock import Clock

MEASURE_EVERY_S: Final = 0.5
RETRY_AFTER_S: Final = 5.0


class Admission:
    """The owner keeps `measure` running."""

    def __init__(
        self,
        pool: Pool,
        redis: RedisClient,
        jobs: JobStreams,
        clock: Clock,
        *,
        insurers: Sequence[str],
        age_s_max: float | None,
    ) -> None:
        self._pool = pool
        self._redis = redis
        self._jobs = jobs
        self._clock = clock
        self._insurers = insurers
        self._age_s_max = age_s_max
        self._late: frozenset[str] = frozenset()

    def check(self, insurers: Sequence[str]) -> None:
        """Returns if a request to these insurers may come in.

        Raises:
            Overloaded: too much is waiting already.
        """
        if self._late and 2 * len(self._late.intersection(insurers)) >= len(insurers):
            raise Overloaded("too much is waiting to be asked", RETRY_AFTER_S)

    async def measure(self) -> None:
        """Looks how long the oldest jobs have waited.

        Raises:
            Unavailable: PostgreSQL is away; nothing is accepted then anyway.
        """
        if self._age_s_max is None:
            return
        try:
            ages_s = await self._ages_of_jobs()
        except RedisAway:
            ages_s = await self._ages_of_notices()
        self._late = frozenset(id_ for id_, age_s in ages_s.items() if age_s > self._age_s_max)

    async def _ages_of_jobs(self) -> Mapping[str, float]:
        seconds, microseconds = await self._redis.time()
        now_ms = seconds * 1000 + microseconds // 1000
        backlog = await self._jobs.backlog(self._insurers)
        return {id_: (now_ms - one.oldest_ms) / 1000 for id_, one in backlog.items() if one.oldest_ms is not None}

    async def _ages_of_notices(self) -> Mapping[str, float]:
        """Without Redis no job can be read: the age of the outbox counts for every insurer."""
        async with reading(self._pool) as connection:
            oldest = await oldest_notice(connection)
        age_s = 0.0 if oldest is None else -self._clock.seconds_until(oldest)
        return dict.fromkeys(self._insurers, age_s)
