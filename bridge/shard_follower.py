"""Follows one shard's feed from its place on. Where something may be missing, PostgreSQL is read, and then the feed goes on.

Something may be missing when Redis has another epoch or another server, or when the entry at the place is not in the feed any more.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.observability import metrics
from app.postgres.database import Pool
from app.redis.keys import shard_of
from app.runtime.clock import Clock
from app.runtime.periodic import LogThrottle
from bridge.bridge_rows import BridgePlace, changed_requests
from bridge.cloud_event import CloudEvent, CloudEventMaker
from bridge.event_delivery import DeliveredIds
from bridge.feed_streams import FeedEntry, FeedPage, FeedStreams, milliseconds_of, order_of
from bridge.request_queues import RequestQueues, WaitingEvent
from bridge.shard_progress import ShardProgress

log: Final = structlog.get_logger(__name__)

OVERLAP: Final = timedelta(minutes=2)
"""Clocks differ, and commits take their time: so much more is read than seems to be missing."""
AGAIN_AFTER_S: Final = 5.0
"""For what processes that noticed a failover later have sent to the server before."""
READ_MAX: Final = 500
STEPS_MAX: Final = 50_000
"""Events of a shard delivered out of order behind one that is not: with so many the feed is read no further."""
POLL_S: Final = 0.1


class ShardFollower:
    """Follows a shard for a destination. `horizon` returns a moment: what had ended by then was published before."""

    def __init__(
        self,
        shard: int,
        place: BridgePlace,
        *,
        destination: str,
        feed: FeedStreams,
        pool: Pool,
        queues: RequestQueues,
        maker: CloudEventMaker,
        delivered: DeliveredIds,
        horizon: Callable[[], datetime],
        clock: Clock,
    ) -> None:
        self.shard = shard
        self.progress = ShardProgress(place)
        self._destination = destination
        self._feed = feed
        self._pool = pool
        self._queues = queues
        self._maker = maker
        self._delivered = delivered
        self._horizon = horizon
        self._clock = clock
        self._read_to = place.cursor
        self._epoch = place.epoch
        self._since = place.since
        self._checkpoint: tuple[str, datetime] | None = None
        """Once the feed is read up to this entry, all that had ended by this moment has been read."""
        self._again_at_s: float | None = None
        self._foreign = LogThrottle(clock)
        self._read_at_s = clock.monotonic()
        self._now_ms = 0

    async def run_once(self) -> None:
        """Reads what is there; waits while there is no room for it, or nothing to read.

        Raises:
            Unavailable: Redis, or PostgreSQL, is not there. What was read stays read.
        """
        await self._queues.wait_for_room()
        if len(self.progress) >= STEPS_MAX:
            await self._clock.sleep(POLL_S)
            return
        horizon = self._horizon()
        page = await self._feed.read(self.shard, self._read_to, max(1, min(READ_MAX, self._queues.room)))
        self._read_at_s, self._now_ms = self._clock.monotonic(), page.now_ms
        if why := self._missing(page):
            await self._recover(page, horizon, why)
            return
        self._look_out(page, horizon)
        for entry in page.entries:
            self._take(entry)
        if not page.entries:
            await self._clock.sleep(POLL_S)

    @property
    def lag_s(self) -> float:
        """Age of the oldest event that is known and not delivered; while nothing can be read, how long that has been so."""
        silent_s = self._clock.monotonic() - self._read_at_s
        if not len(self.progress):
            return silent_s if silent_s > 1 else 0.0
        if oldest := self.progress.oldest:
            return max(0.0, (self._now_ms - milliseconds_of(oldest)) / 1000 + silent_s)
        return max(0.0, -self._clock.seconds_until(self._since))

    def _missing(self, page: FeedPage) -> str:
        """Why events may be missing; empty: none is."""
        if page.epoch != self._epoch:
            return "epoch"
        if page.has_gap:
            return "gap"
        if self._again_at_s is not None and self._clock.monotonic() >= self._again_at_s:
            return "again"
        return ""

    async def _recover(self, page: FeedPage, horizon: datetime, why: str) -> None:
        """Reads from PostgreSQL what has changed; all that the feed had up to its last entry is among it."""
        log.info("bridge.recovers", destination=self._destination, shard=self.shard, why=why)
        metrics.BRIDGE_RECOVERIES.labels(self._destination).inc()
        async for requests in changed_requests(self._pool, self.progress.place.since - OVERLAP):
            for request in requests:
                if shard_of(request.id, self._feed.shards) == self.shard:
                    for event in self._maker.of_request(request):
                        await self._put(event)
        self._read_to, self._epoch, self._since = page.last_id, page.epoch, horizon
        self._checkpoint = None
        self._again_at_s = None if why == "again" else self._clock.monotonic() + AGAIN_AFTER_S
        self.progress.begin(BridgePlace(page.last_id, page.epoch, horizon))()

    async def _put(self, event: CloudEvent) -> None:
        if event.id not in self._delivered:
            await self._queues.wait_for_room()
            self._queues.put(WaitingEvent(event, self.progress.begin(None)))

    def _look_out(self, page: FeedPage, horizon: datetime) -> None:
        """Sets the next checkpoint; where all has been read already it is reached."""
        if self._checkpoint is None and horizon > self._since:
            self._checkpoint = page.last_id, horizon
        if self._checkpoint and self._is_reached(self._read_to):
            self.progress.begin(BridgePlace(self._read_to, self._epoch, self._since))()

    def _is_reached(self, entry_id: str) -> bool:
        if self._checkpoint is None or order_of(entry_id) < order_of(self._checkpoint[0]):
            return False
        self._since, self._checkpoint = self._checkpoint[1], None
        return True

    def _take(self, entry: FeedEntry) -> None:
        self._read_to = entry.id
        self._is_reached(entry.id)
        done = self.progress.begin(BridgePlace(entry.id, self._epoch, self._since))
        event = None if entry.is_foreign else self._event_of(entry)
        if event is None:
            metrics.BRIDGE_EVENTS.labels(self._destination, "foreign").inc()
            if self._foreign.is_due:
                log.warning("bridge.foreign", destination=self._destination, shard=self.shard)
        if event is None or event.id in self._delivered:
            done()
        else:
            self._queues.put(WaitingEvent(event, done))

    def _event_of(self, entry: FeedEntry) -> CloudEvent | None:
        """None: the MAC holds, but another release wrote it in another way."""
        try:
            return self._maker.of_entry(entry.request_id, entry.kind, entry.document)
        except ValueError:
            return None
