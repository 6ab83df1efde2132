"""A lane: one insurer's jobs in one worker. It reads as many as it has places for; the rest waits in Redis.
A slow insurer fills its own lane and no other.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from app.codecs.application_codec import UnknownForm
from app.config.insurers_file import InsurerSettings
from app.domain.errors import RedisAway, Unavailable
from app.domain.quote import Quote
from app.observability import metrics
from app.observability.tracing.spans import current_wire
from app.postgres.cipher import Sealed
from app.postgres.quote_rows import Work
from app.redis.job_streams import Delivery
from app.resources import Resources
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.group_commit import DataRefused
from app.runtime.periodic import LogThrottle
from app.runtime.supervision import IsolatedTasks, Part
from app.use_cases.settle import Answered, QuoteSettler
from workers.insurer_calls.exchange import InsurerExchange
from workers.job import Holding, Job, NotOurs, ShardOwnership
from workers.lanes.application_loader import ApplicationLoader
from workers.lanes.holding_metrics import measure_holdings
from workers.lanes.job_return import JobReturner
from workers.lanes.job_spans import JobSpans
from workers.lanes.job_trails import JobTrails
from workers.lanes.stream_reader import READ_MAX, StreamReader
from workers.poison_jobs.quarantine import Quarantine

log: Final = structlog.get_logger(__name__)

RETRY_S: Final = 0.5


class Lane:
    """Its owner runs `parts`, its readers; what they read is worked on in tasks of the lane's own."""

    def __init__(
        self,
        settings: InsurerSettings,
        resources: Resources,
        asking: InsurerExchange,
        settling: QuoteSettler,
        loading: ApplicationLoader,
        ownership: ShardOwnership,
        quarantine: Quarantine,
        trails: JobTrails,
        *,
        consumer: str,
    ) -> None:
        self.insurer_id = settings.id
        self.places = settings.max_in_flight
        self._resources = resources
        self._asking = asking
        self._settling = settling
        self._works = loading
        self._ownership = ownership
        self._quarantine = quarantine
        self._trails = trails
        self._returner = JobReturner(settings.id, resources.jobs, consumer, self.doubt)
        self._consumer = consumer
        self._spans = JobSpans(resources, settings.id, consumer)
        self._holdings: dict[UUID, Holding] = {}
        self.in_flight = self._holdings.__len__
        self._freed = asyncio.Event()
        self._loading = 0  # batches that are being begun with
        self._tasks = IsolatedTasks(f"lane:{settings.id}")
        self._waiting = LogThrottle(resources.clock)
        self.is_stopping = False
        refusals = LogThrottle(resources.clock)
        read = partial(StreamReader, self.insurer_id, resources, self.room, self.begin, refusals, consumer=consumer)
        self._readers = [
            read(is_stopping=lambda: self.is_stopping, shard=shard) for shard in range(resources.jobs.shards)
        ]
        measure_holdings(self.insurer_id, self._holdings, resources.clock)

    @property
    def free(self) -> int:
        """Places for jobs."""
        return 0 if self.is_stopping else max(0, self.places - len(self._holdings))

    async def room(self) -> int:
        """Waits until there is a free place, or the lane stops; returns how many jobs to read now.

        One batch after the other is begun with: the lane of an insurer with a long queue gives way to the others.
        """
        while (self._loading or not self.free) and not self.is_stopping:
            self._freed.clear()
            await self._freed.wait()
        return min(self.free, READ_MAX)

    def parts(self) -> list[Part]:
        """A reader for each shard; they end when the lane stops."""
        return [
            Part(f"reader:{self.insurer_id}:{one.shard}", partial(self._read, one), may_end=True)
            for one in self._readers
        ]

    async def _read(self, reader: StreamReader) -> None:
        """Reads a shard. Its server may be away when the worker starts: the other shards do not wait for it."""
        while not self.is_stopping:
            try:
                async with asyncio.timeout(RETRY_S):
                    await self._ownership.begun_in(reader.shard)
            except TimeoutError:
                continue
            await reader.run()
            return

    async def finish(self, *, max_s: float) -> None:
        """Waits, at most so long, until jobs in work are done; those left then are cut off."""
        await self._tasks.ended(max_s=max_s)

    def begin(self, deliveries: Sequence[Delivery]) -> None:
        """Takes jobs on. One that is being worked on already goes on under its new delivery."""
        begun: list[Holding] = []
        for delivery in deliveries:
            held = self._holdings.get(delivery.request_id)
            if held:
                held.redeliver(delivery)
            else:
                begun.append(Holding(delivery, trail=self._trails.begin()))
                self._holdings[delivery.request_id] = begun[-1]
        if begun:
            self._loading += 1
            self._tasks.start(self._load(begun)).add_done_callback(self._loaded)

    def end(self, request_id: UUID) -> None:
        """Ends the job of a request that has ended: its answer is no longer needed."""
        held = self._holdings.get(request_id)
        if held and held.task and not held.is_settling:
            self._trails.end(self.insurer_id, held)
            held.task.cancel()

    def held(self, request_id: UUID) -> Holding | None:
        """The hold on this request's job."""
        return self._holdings.get(request_id)

    def doubt(self, shard: int) -> None:
        """Has the jobs looked up that Redis may have delivered to this worker in this shard."""
        self._readers[shard].doubt()

    async def drop_connection(self, shard: int) -> None:
        """Breaks off a read under way: another server has taken over."""
        await self._readers[shard].drop_connection()

    async def drop_what_is_not_owned(self, shard: int) -> None:
        """Marks the jobs that others may have taken over; each is left before its next call to the insurer."""
        held = {h.delivery.entry: h for h in self._holdings.values() if h.delivery.shard == shard}
        if held:
            owned = await self._resources.jobs.owned(shard, self.insurer_id, self._consumer, list(held))
            for entry, holding in held.items():
                if holding.delivery.entry == entry:  # it may have been delivered anew meanwhile
                    holding.is_lost = entry not in owned

    async def stop(self) -> None:
        """Reads nothing new, and hands back the jobs that are not being settled."""
        self.is_stopping = True
        self._freed.set()
        unsettled = [h for h in self._holdings.values() if not h.is_settling]
        for holding in unsettled:
            if holding.task:
                holding.task.cancel()
        await self._returner.give_back(unsettled, "stopping", counted=False)

    async def _load(self, begun: Sequence[Holding]) -> None:
        """Reads the jobs' requests, as soon as PostgreSQL is there, and begins to work on them."""
        left = deque(begun)
        try:
            works = await self._read_work([holding.delivery.request_id for holding in begun])
            recalled = await self._recall([h.delivery.request_id for h in begun if not h.delivery.is_first])
            while left:
                holding, request_id = left[0], left[0].delivery.request_id
                work = works.get(request_id)
                if work is None or holding.is_lost or self.is_stopping:
                    await self._leave(holding, work)
                else:
                    holding.task = self._tasks.start(self._work(holding, work, recalled.get(request_id)))
                    holding.task.add_done_callback(partial(self._worked, holding))
                left.popleft()
        except Exception:
            # Rows that this release cannot read: this batch is isolated from the rest of the lane.
            log.exception("jobs.unreadable", insurer=self.insurer_id, jobs=len(left))
            await self._returner.give_back(left, "bug", counted=True)
            for holding in left:
                self._release(holding)

    def _loaded(self, _: "asyncio.Task[None]") -> None:
        self._loading -= 1
        self._freed.set()

    async def _leave(self, holding: Holding, work: Work | None) -> None:
        self._release(holding)
        if work is None:
            log.error("job.without_request", insurer=self.insurer_id, request_id=str(holding.delivery.request_id))
            await self._discard(holding)

    async def _discard(self, holding: Holding) -> None:
        try:
            await self._resources.jobs.discard(self.insurer_id, holding.delivery)
        except RedisAway:
            self._readers[holding.delivery.shard].doubt()

    async def _recall(self, ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """Reads remembered ids. Without Redis there are none: the same idempotency key brings them back."""
        try:
            return await self._resources.jobs.recall(self.insurer_id, ids)
        except RedisAway:
            return {}

    async def _read_work(self, ids: Sequence[UUID]) -> Mapping[UUID, Work]:
        while True:
            raise_if_cancelled()
            try:
                return await self._works.read(self.insurer_id, ids)
            except Unavailable:
                if self._waiting.is_due:
                    log.warning("lane.waits", of="postgresql", insurer=self.insurer_id, jobs=len(ids))
            await self._resources.clock.sleep(RETRY_S)

    async def _work(self, holding: Holding, work: Work, application_id: str | None) -> None:
        request_id = holding.delivery.request_id
        try:
            with self._spans.around(holding):
                quote = work.settled or await self._quote(holding, work, application_id)
                if quote:
                    holding.is_settling = True
                    trail = None if work.settled else self._trails.settling(holding)
                    answered = Answered(quote, work.expires_at, holding.delivery.entry, trail, current_wire())
                    await self._settling.settle(answered)
        except NotOurs:
            log.info("job.lost", insurer=self.insurer_id, request_id=str(request_id))
            self._readers[holding.delivery.shard].doubt()
        except UnknownForm as unknown:
            # A later release wrote it: its workers run beside this one, or will before long.
            log.info("job.left_to_newer", insurer=self.insurer_id, request_id=str(request_id), form=unknown.form)
            await self._returner.give_back([holding], "form", counted=False)
        except DataRefused:
            log.exception("job.refused", insurer=self.insurer_id, request_id=str(request_id))
            await self._discard(holding)
        except Exception:
            # A bug in one job is isolated from the others: it is logged, and delivered again.
            log.exception("job.failed", insurer=self.insurer_id, request_id=str(request_id))
            await self._returner.give_back([holding], "bug", counted=True)
        finally:  # at once: in the next turn it may be delivered anew
            self._release(holding)

    def _worked(self, holding: Holding, _: "asyncio.Task[None]") -> None:
        """Frees the place of work that was ended before its first step."""
        if self._holdings.get(holding.delivery.request_id) is holding:
            self._release(holding)

    async def _quote(self, holding: Holding, work: Work, application_id: str | None) -> Quote | None:
        """The quote that the insurer's answer makes; None where the end of the request will write it."""
        if work.application is None or work.ended:
            return None
        request_id = holding.delivery.request_id
        if self._quarantine.is_suspect(holding.delivery):
            answer = await self._asking.paused_answer(work.expires_at)
            holding.trail.isolate(self._resources.clock.monotonic())
            answer = answer or await self._quarantine.ask_apart(self.insurer_id, holding.delivery, work.expires_at)
        else:
            job = self._job(holding, work.expires_at, work.application, application_id)
            began_at = self._resources.clock.monotonic()
            answer = await self._asking.ask(job, self._ownership)
            status = "NONE" if answer is None else getattr(answer, "status", "OFFERED")
            metrics.asked(self.insurer_id, status, self._resources.clock.monotonic() - began_at)
        if answer is None:
            self._trails.end(self.insurer_id, holding, work.expires_at)
            return None
        return Quote(request_id, self.insurer_id, answer, self._resources.clock.now())

    def _job(self, holding: Holding, expires_at: datetime, sealed: Sealed, application_id: str | None) -> Job:
        request_id = holding.delivery.request_id
        holding.application = self._resources.opened.open(request_id, sealed)
        return Job(
            insurer_id=self.insurer_id,
            request_id=request_id,
            application=holding.application,
            expires_at=expires_at,
            application_id=application_id,
            holding=holding,
        )

    def _release(self, holding: Holding) -> None:
        self._holdings.pop(holding.delivery.request_id, None)
        self._freed.set()
