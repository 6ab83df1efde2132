"""Carries events to one destination while this process has its lease: followers of all shards, deliveries, places, dead letters."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from app.domain.errors import Unavailable
from app.observability import metrics
from app.postgres.database import connected, reading
from app.resources import Resources
from app.runtime.periodic import periodic
from app.runtime.supervision import Part
from bridge.bridge_file import DestinationSettings
from bridge.bridge_rows import (
    BridgeDeadLetter,
    BridgePlace,
    bury_event,
    drop_dead_letters,
    published_until,
    read_dead_letters,
    read_places,
    save_places,
)
from bridge.cloud_event import CloudEvent, CloudEventMaker
from bridge.destinations.destination import Destination
from bridge.event_delivery import EventDelivery
from bridge.feed_streams import BEGINNING, FeedStreams, milliseconds_of
from bridge.request_queues import RequestQueues, WaitingEvent
from bridge.shard_follower import ShardFollower

log: Final = structlog.get_logger(__name__)

SAVE_EVERY_S: Final = 0.5
RETRIES_EVERY_S: Final = 2.0
RETRIES_MAX: Final = 100
LAG_EVERY_S: Final = 0.5


class EventCarrier:
    """One destination. `begin` first, then `parts` run; at the end `drain` and `save`."""

    def __init__(
        self,
        settings: DestinationSettings,
        destination: Destination,
        maker: CloudEventMaker,
        feed: FeedStreams,
        resources: Resources,
        *,
        holder: str,
    ) -> None:
        self._settings = settings
        self._resources = resources
        self._holder = holder
        self._maker = maker
        self._feed = feed
        self._queues = RequestQueues(settings.buffer)
        self._delivery = EventDelivery(settings, destination, self._queues, resources.clock, self._bury)
        self._followers: list[ShardFollower] = []
        self._horizon = datetime.fromtimestamp(0, UTC)
        self._saved: dict[int, BridgePlace] = {}
        self._retried: dict[str, WaitingEvent] = {}

    async def begin(self) -> None:
        """Reads where the destination stands; one that has never been served gets its first place.

        Raises:
            Unavailable: PostgreSQL, or Redis, is not there.
        """
        async with reading(self._resources.pool) as connection:
            self._horizon = await published_until(connection)
            self._saved = dict(await read_places(connection, self._settings.name))
        new = {shard: await self._first_place(shard) for shard in range(self._feed.shards) if shard not in self._saved}
        await self._write(new)
        self._followers = [self._follower(shard, self._saved[shard]) for shard in range(self._feed.shards)]

    def parts(self) -> list[Part]:
        clock = self._resources.clock
        return [
            *self._delivery.parts(),
            *(
                periodic(f"follower:{one.shard}", partial(self._follow, one), every_s=0, clock=clock)
                for one in self._followers
            ),
            periodic("places", self.save, every_s=SAVE_EVERY_S, clock=clock),
            periodic("retries", self._retry, every_s=RETRIES_EVERY_S, clock=clock),
            periodic("lag", self._measure, every_s=LAG_EVERY_S, clock=clock),
        ]

    async def drain(self, *, max_s: float) -> None:
        """Sends nothing more, and waits for what is under way."""
        await self._delivery.drain(max_s=max_s)

    async def save(self) -> None:
        """Writes places that have changed, and learns up to when all ends were published.

        Raises:
            Unavailable: PostgreSQL is not there; the places are written later.
        """
        changed = {
            one.shard: one.progress.place for one in self._followers if one.progress.place != self._saved.get(one.shard)
        }
        await self._write(changed)
        async with reading(self._resources.pool) as connection:
            self._horizon = await published_until(connection)

    async def _write(self, places: dict[int, BridgePlace]) -> None:
        if not places:
            return
        name, now = self._settings.name, self._resources.clock.now()
        async with connected(self._resources.pool) as connection:
            await save_places(connection, name, places, now, self._holder)
        self._saved |= places

    async def _first_place(self, shard: int) -> BridgePlace:
        page = await self._feed.read(shard, BEGINNING, 1)
        if self._settings.begin == "now":
            return BridgePlace(page.last_id, page.epoch, self._horizon)
        since = self._horizon
        if page.entries:
            since = min(since, datetime.fromtimestamp(milliseconds_of(page.entries[0].id) / 1000, UTC))
        return BridgePlace(BEGINNING, page.epoch, since)

    def _follower(self, shard: int, place: BridgePlace) -> ShardFollower:
        return ShardFollower(
            shard,
            place,
            destination=self._settings.name,
            feed=self._feed,
            pool=self._resources.pool,
            queues=self._queues,
            maker=self._maker,
            delivered=self._delivery.delivered,
            horizon=lambda: self._horizon,
            clock=self._resources.clock,
        )

    async def _follow(self, follower: ShardFollower) -> None:
        try:
            await follower.run_once()
        except Unavailable:
            await self._resources.clock.sleep(SAVE_EVERY_S)
            raise

    async def _measure(self) -> None:
        name = self._settings.name
        metrics.BRIDGE_LAG.labels(name).set(max(one.lag_s for one in self._followers))
        metrics.BRIDGE_WAITING.labels(name).set(self._queues.size)

    async def _bury(self, delivery: WaitingEvent, why: str) -> None:
        letter = BridgeDeadLetter(
            destination=self._settings.name,
            event_id=delivery.event.id,
            request_id=UUID(delivery.event.request_id),
            document=delivery.event.document.decode(),
            reason=why,
            attempts=delivery.attempts,
            given_up_at=self._resources.clock.now(),
            is_retried=False,
        )
        async with connected(self._resources.pool) as connection:
            await bury_event(connection, letter)

    async def _retry(self) -> None:
        """Puts dead letters that an operator wants retried, and removes those that went through."""
        name = self._settings.name
        through = [id_ for id_, one in self._retried.items() if one.is_done and not one.is_given_up]
        if through:
            async with connected(self._resources.pool) as connection:
                await drop_dead_letters(connection, name, through)
        self._retried = {id_: one for id_, one in self._retried.items() if not one.is_done}
        async with reading(self._resources.pool) as connection:
            letters = await read_dead_letters(connection, name, only_retried=True, most=RETRIES_MAX)
        for letter in letters:
            if letter.event_id not in self._retried and self._queues.room:
                self._retried[letter.event_id] = delivery = WaitingEvent(_event_of(letter), lambda: None)
                self._queues.put(delivery)


def _event_of(letter: BridgeDeadLetter) -> CloudEvent:
    return CloudEvent(letter.event_id, str(letter.request_id), letter.document.encode())


async def first_of(*events: asyncio.Event) -> None:
    """Returns once any of them is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
