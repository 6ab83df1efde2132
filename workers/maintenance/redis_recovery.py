"""Recovery: Redis came back with other content, so every open request is enqueued again, and no more is needed."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from app.domain.errors import RedisAway, Unavailable
from app.domain.quote import Outcome
from app.observability import metrics
from app.postgres.database import Connection, connected
from app.postgres.request_rows import OpenRequest, open_requests
from app.redis.job_streams import RECOVERY, Enqueued
from app.redis.keys import shard_of
from app.resources import Resources
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.periodic import LogThrottle

log: Final = structlog.get_logger(__name__)

EVERY_S: Final = 10.0
AGAIN_AFTER_S: Final = 2.0
"""A recovery is repeated after this time: processes that notice a failover later write to the old server until then."""
OLDER_THAN: Final = timedelta(seconds=10)
_RETRY_S: Final = 0.5
_PAGE: Final = 1000
_FIRST: Final = UUID(int=0)
_LOCK: Final = "SELECT pg_try_advisory_lock(4039301, $1)"
_UNLOCK: Final = "SELECT pg_advisory_unlock(4039301, $1)"


class RedisRecovery:
    """Enqueues again what Redis has lost: at once when its epoch has changed, and now and then in any case."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._wanted: dict[int, None] = {}
        """The shards to recover, in this order: those with a server that did not answer come last."""
        self._again: dict[int, float] = {}
        self._called = asyncio.Event()
        self._waiting = LogThrottle(resources.clock)

    async def call(self, shard: int) -> None:
        """Called when Redis has a new epoch in this shard: its content may be gone."""
        self._wanted[shard] = None
        self._again[shard] = self._resources.clock.monotonic() + AGAIN_AFTER_S
        self._called.set()

    async def run(self) -> None:
        while True:
            raise_if_cancelled()
            try:
                async with asyncio.timeout(self._wait_s()):
                    await self._called.wait()
            except TimeoutError:
                pass
            self._call_again()
            try:
                await self.run_once()
            except Unavailable as error:
                if self._waiting.is_due:
                    log.warning("recovery.waits", of=error.of, error=str(error))
                await self._resources.clock.sleep(_RETRY_S)

    def _wait_s(self) -> float:
        now_s = self._resources.clock.monotonic()
        return max(0.0, min((due_s - now_s for due_s in self._again.values()), default=EVERY_S))

    def _call_again(self) -> None:
        now_s = self._resources.clock.monotonic()
        for shard in [shard for shard, due_s in self._again.items() if due_s <= now_s]:
            del self._again[shard]
            self._wanted[shard] = None

    async def run_once(self) -> None:
        """Recovers the shards that were called for; if none was, the requests that have been open for long.

        Raises:
            Unavailable: of shards whose server is away; the others have been recovered, and these are tried again.
        """
        self._called.clear()
        wanted, self._wanted = self._wanted, {}
        left = dict(wanted)
        away: Unavailable | None = None
        try:
            for shard in list(wanted) or range(self._resources.jobs.shards):
                try:
                    await recover(self._resources, shard, older_than=timedelta(0) if wanted else OLDER_THAN)
                    left.pop(shard, None)
                except RedisAway as error:
                    away = error
        finally:
            if left:
                self._wanted |= left
                self._called.set()
        if away:
            raise away


async def recover(resources: Resources, shard: int, *, older_than: timedelta) -> None:
    """Enqueues the open requests of a shard, for those of their insurers that have not answered.

    One worker at a time does it; enqueueing is idempotent, so that the others lose nothing by leaving it to that one.
    """
    async with connected(resources.pool) as connection:
        # Behind a pooler a session is not ours alone: all workers recover there.
        is_locking = not resources.pool.primary.is_pooled
        if is_locking and not await connection.fetchval(_LOCK, shard):
            return
        try:
            after = _FIRST
            while True:
                now = resources.clock.now()
                page = await open_requests(
                    connection, expire_after=now, created_until=now - older_than, after=after, most=_PAGE
                )
                await _recover(resources, [one for one in page if shard_of(one.id, resources.jobs.shards) == shard])
                if len(page) < _PAGE:
                    return
                after = page[-1].id
        finally:
            if is_locking:
                await _unlock(connection, shard)


async def _unlock(connection: Connection, shard: int) -> None:
    """Releases the shard's advisory lock. If the statement fails, closes the connection, which releases it too."""
    try:
        await connection.execute(_UNLOCK, shard)
    except BaseException:
        connection.terminate()
        raise


async def _recover(resources: Resources, page: Sequence[OpenRequest]) -> None:
    lacking = [Enqueued(one.id, one.missing, one.expires_at, trace=one.trace or "") for one in page if one.missing]
    added = await resources.jobs.enqueue(lacking, via=RECOVERY)
    if added:
        metrics.RECOVERED.inc(added)
        log.info("jobs.recovered", jobs=added)
    # A request that lacks no answer was left by its last settler.
    full = [one.id for one in page if not one.missing]
    if full:
        await resources.ending.complete(full, Outcome.ALL_ANSWERED)
