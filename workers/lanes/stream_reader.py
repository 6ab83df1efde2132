"""A lane's reader in one shard: a blocking connection of its own, and what to do when a read fails."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import structlog

from app.domain.errors import RedisAway
from app.redis.job_streams import Delivery, JobReader, NoGroup
from app.resources import Resources
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.periodic import LogThrottle

log: Final = structlog.get_logger(__name__)

RETRY_S_MIN: Final = 0.2
RETRY_S_MAX: Final = 1.0
_OWN_MAX: Final = 1000
AUDIT_EVERY_S: Final = 10.0
READ_MAX: Final = 32
"""At once, so that a long queue does not keep the other lanes waiting."""
BUSY_S: Final = 0.01
_TURNS: Final = 3


class StreamReader:
    """Reads until its lane stops. A read is never cancelled: what Redis has delivered by then would be orphaned.

    An error that is neither Redis's refusal nor its absence ends `run`; the next one begins with a new connection, and with
    the jobs that may have been delivered meanwhile.

    `room` returns for how many jobs the lane has places, 0 when it stops; `begin` takes jobs on. `refusals` throttles the log
    for all readers of the lane: Redis may refuse for hours.
    """

    def __init__(
        self,
        insurer_id: str,
        resources: Resources,
        room: Callable[[], Awaitable[int]],
        begin: Callable[[Sequence[Delivery]], None],
        refusals: LogThrottle,
        *,
        is_stopping: Callable[[], bool],
        shard: int,
        consumer: str,
    ) -> None:
        self._insurer_id = insurer_id
        self._room = room
        self._begin = begin
        self._refusals = refusals
        self._is_stopping = is_stopping
        self.shard = shard
        self._is_doubtful = True
        """Redis may hold jobs for this worker that the lane does not have."""
        self._audited_at = resources.clock.monotonic()
        self._clock = resources.clock
        self._retry_s = RETRY_S_MIN
        self._moved = asyncio.Event()
        self._reader: JobReader | None = None
        self._make = partial(JobReader, resources.redis_address, shard=shard, insurer_id=insurer_id, consumer=consumer)

    async def run(self) -> None:
        self._reader = reader = self._make()
        self.doubt()
        try:
            while not self._is_stopping():
                raise_if_cancelled()
                await self.run_once(reader)
        finally:
            await reader.close()

    async def drop_connection(self) -> None:
        """Breaks off a read under way, or the wait after a failed one: the server behind it may be the wrong one."""
        self._moved.set()
        if self._reader:
            await self._reader.drop_connection()

    def doubt(self) -> None:
        """Has the jobs looked up, before the next read, that are pending for this consumer."""
        self._is_doubtful = True

    async def run_once(self, reader: JobReader) -> None:
        """Reads once, as many jobs as the lane has places for."""
        try:
            if self._is_doubtful or self._clock.monotonic() > self._audited_at + AUDIT_EVERY_S:
                await self._read_own(reader)
            if room := await self._room():
                deliveries = await reader.read(room)
                self._begin(deliveries)
                if len(deliveries) == READ_MAX:
                    await self._give_way()
        except NoGroup:
            await self._clock.sleep(RETRY_S_MIN)
            await self._make_group(reader)
        except RedisAway as error:
            if error.refusal:
                self._report_refusal(error)
            # The reply may have been lost on its way: what it held is pending for this consumer.
            self.doubt()
            log.debug("reader.waits", of=error.of, insurer=self._insurer_id, error=str(error))
            await self._wait_before_retry()
        else:
            self._retry_s = RETRY_S_MIN

    async def _wait_before_retry(self) -> None:
        """Longer each time, for in a Cluster each attempt asks for all its nodes; a new master ends the wait."""
        self._moved.clear()
        try:
            async with asyncio.timeout(self._retry_s):
                await self._moved.wait()
        except TimeoutError:
            self._retry_s = min(RETRY_S_MAX, self._retry_s * 2)

    def _report_refusal(self, error: RedisAway) -> None:
        if self._refusals.is_due:
            log.warning("reader.refused", of=error.of, insurer=self._insurer_id, error=error.refusal)

    async def _give_way(self) -> None:
        """Leaves the other lanes as much of this worker's time as this lane's queue takes."""
        began_at = self._clock.monotonic()
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        busy_s = self._clock.monotonic() - began_at
        if busy_s > BUSY_S:
            await self._clock.sleep(busy_s)

    async def _make_group(self, reader: JobReader) -> None:
        try:
            await reader.make_group()
        except RedisAway:
            self.doubt()

    async def _read_own(self, reader: JobReader) -> None:
        """Begins the jobs that are pending for this consumer and not in its lane: no other worker would take them over."""
        self._audited_at = self._clock.monotonic()
        self._is_doubtful = False
        after = "0"
        while deliveries := await reader.read_own(_OWN_MAX, after):
            self._begin(deliveries)
            after = deliveries[-1].entry
