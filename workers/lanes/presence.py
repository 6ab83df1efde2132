"""Presence: this worker beats, and takes over the jobs of those that beat no more.

After an outage or a flush every worker looks dead. So a worker with an old or missing beat takes nothing over, and reads
what it still owns before its next call to an insurer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

import structlog

from app.domain.errors import RedisAway
from app.observability import metrics
from app.redis.job_streams import JobStreams, Remembered, Tick
from app.redis.keys import shard_of
from app.redis.master_changes import MasterChanges
from app.runtime.clock import Clock
from app.runtime.periodic import periodic
from app.runtime.split_commit import SplitCommit
from app.runtime.supervision import Part
from workers.job import Job, NotOurs
from workers.lanes.lane import Lane

log: Final = structlog.get_logger(__name__)

TICKS_PER_LEASE: Final = 6


class Presence:
    """One worker's presence in every shard."""

    def __init__(
        self,
        jobs: JobStreams,
        clock: Clock,
        *,
        consumer: str,
        lease_s: float,
        on_epoch: Callable[[int], Awaitable[None]],
        beats: JobStreams | None = None,
        masters: MasterChanges | None = None,
    ) -> None:
        """`beats`: the same streams over a client that does not wait for a frozen server; `masters` learns which server answered."""
        self._jobs = jobs
        self._beats = beats or jobs
        self._masters = masters
        self._clock = clock
        self._consumer = consumer
        self._lease_s = lease_s
        self._on_epoch = on_epoch
        self._lanes: Mapping[str, Lane] = {}
        self._epochs: dict[int, tuple[str, str]] = {}
        self._beaten_at = dict.fromkeys(range(jobs.shards), float("-inf"))
        self._memory = SplitCommit(
            "memory",
            self._remember,
            count=jobs.shards,
            number_of=lambda one: shard_of(one.request_id, jobs.shards),
        )
        self.begun = asyncio.Event()
        """Set once a shard has this worker's beat."""
        self._begun_in = {shard: asyncio.Event() for shard in range(jobs.shards)}
        self._ticking = {shard: asyncio.Lock() for shard in range(jobs.shards)}

    def attend(self, lanes: Mapping[str, Lane]) -> None:
        """The lanes for which jobs are taken over."""
        self._lanes = lanes

    @property
    def every_s(self) -> float:
        return self._lease_s / TICKS_PER_LEASE

    def parts(self) -> list[Part]:
        """A beat in every shard, and what keeps what is to be remembered."""
        beats = [
            periodic(f"presence:{shard}", partial(self.tick, shard), every_s=self.every_s, clock=self._clock)
            for shard in range(self._jobs.shards)
        ]
        return [*self._memory.parts(), *beats]

    async def tick(self, shard: int) -> None:
        """Beats once.

        Raises:
            RedisAway: Redis is not there.
        """
        async with self._ticking[shard]:
            await self._tick(shard)

    async def _tick(self, shard: int) -> None:
        begun_at = self._clock.monotonic()
        free = {insurer_id: lane.free for insurer_id, lane in self._lanes.items()}
        try:
            tick = await self._beats.tick(shard, self._consumer, lease_s=self._lease_s, free=free)
        except RedisAway:
            for lane in self._lanes.values():
                lane.doubt(shard)  # the reply that was lost may have handed jobs over
            raise
        if not tick.fresh:
            for lane in self._lanes.values():
                await lane.drop_what_is_not_owned(shard)
        if self._begun_in[shard].is_set():
            metrics.HEARTBEAT_LATE.observe(max(0.0, begun_at - self._beaten_at[shard] - self.every_s))
        self._beaten_at[shard] = begun_at
        self._begun_in[shard].set()
        self.begun.set()
        for lost in tick.lost:
            log.warning("worker.lost", consumer=lost.consumer, silent_s=lost.silent_s, jobs=lost.jobs)
            metrics.worker_lost(lost.consumer)
        for insurer_id, deliveries in tick.taken_over.items():
            metrics.CLAIMED.labels(insurer_id).inc(len(deliveries))
            log.debug("jobs.taken_over", insurer=insurer_id, shard=shard, jobs=len(deliveries))
            self._lanes[insurer_id].begin(deliveries)
        await self._compare(shard, tick)

    async def _compare(self, shard: int, tick: Tick) -> None:
        """Has a shard recovered whose server, or its content, is another than at the last beat."""
        known, self._epochs[shard] = self._epochs.get(shard), (tick.epoch, tick.server)
        if known != self._epochs[shard]:
            await self._on_epoch(shard)
        if known and known[1] != tick.server:
            await asyncio.gather(*(lane.drop_connection(shard) for lane in self._lanes.values()))
        if self._masters:  # last: it may ask several nodes of a Cluster, one of them frozen
            await self._masters.learn(shard, tick.server)

    async def begun_in(self, shard: int) -> None:
        """Returns once this shard has this worker's beat: a worker that reads jobs without one is taken for dead."""
        await self._begun_in[shard].wait()

    async def confirm(self, job: Job) -> None:
        """Returns if the job is still this worker's, as far as can be known.

        Raises:
            NotOurs: another worker has it.
        """
        shard = job.holding.delivery.shard
        if self._clock.monotonic() - self._beaten_at[shard] >= self._lease_s:
            await self._look_again(shard)
        if job.holding.is_lost:
            raise NotOurs

    async def remember(self, job: Job, application_id: str) -> None:
        """Keeps the insurer's own id; if Redis loses it, the same idempotency key brings it back."""
        try:
            await self._memory.submit(Remembered(job.request_id, job.insurer_id, application_id, job.expires_at))
        except RedisAway as error:
            log.debug("presence.not_remembered", insurer=job.insurer_id, error=str(error))

    async def _remember(self, batch: Sequence[Remembered]) -> list[None]:
        await self._jobs.remember(batch)
        return [None] * len(batch)

    async def _look_again(self, shard: int) -> None:
        """Without Redis no worker can take a job over, and PostgreSQL is the fence anyway: calls go on."""
        async with self._ticking[shard]:
            if self._clock.monotonic() - self._beaten_at[shard] < self._lease_s:
                return
            try:
                await self._tick(shard)
            except RedisAway as error:
                log.debug("presence.unknown", shard=shard, error=str(error))
                self._beaten_at[shard] = self._clock.monotonic() - self._lease_s + self.every_s
