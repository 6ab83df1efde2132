"""From the notifier to the subscribers: which requests are watched, and what is new there.

A watch holds what is known of one request and is shared by its subscribers; each of them keeps nothing but a cursor,
so what waits for a slow one is never more than the answers of one request. `app.watch.push_watch` is how one subscribes.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Final, TypeAlias
from uuid import UUID

import structlog

from app.codecs.quote_codec import to_event
from app.domain.cursor import Cursor
from app.domain.errors import NotFound, Overloaded, RedisAway, RequestLost, Unavailable
from app.domain.quote import Outcome, QuoteRequest
from app.observability import metrics
from app.postgres.database import Pool, reading
from app.postgres.link_cipher import LinkCipher
from app.postgres.personal.purge_rows import forgotten_requests
from app.postgres.request_rows import read_progress, read_requests
from app.redis import keys
from app.redis.event_streams import EventStreams
from app.redis.notifier import Notifier
from app.redis.redis_client import RedisClient
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import Clock
from app.runtime.group_commit import Gathered, GroupCommit
from app.runtime.periodic import LogThrottle
from app.runtime.supervision import Part
from app.use_cases.caller_shares import CallerShare
from app.use_cases.complete import RequestCompleter
from app.watch.events import Follower, Listener, Watch

log: Final = structlog.get_logger(__name__)

Viewing: TypeAlias = Callable[[QuoteRequest], bool]
"""Whether the caller may see a request."""
Holder: TypeAlias = CallerShare | None

LOOK_EVERY_S: Final = 5.0
"""A subscription without a notification for this long rereads PostgreSQL."""
SILENT_GATHER_S: Final = 0.25
"""Seconds that a reread waits for other subscriptions: those that are due by then share its transaction."""
POLL_EVERY_S: Final = 1.0
"""While the notifier is disconnected, one read for all subscriptions of this process."""
PATIENCE_S: Final = 10.0
"""A subscription that begins while PostgreSQL is away waits this long for it before it fails."""
END_S_MAX: Final = 2.0
"""A subscription that waits longer for PostgreSQL at its deadline is interrupted."""
TRY_AGAIN_S: Final = 0.25
SUBSCRIPTIONS_MAX: Final = 20_000
_BEGUN: Final = {how: metrics.SUBSCRIPTIONS_BEGUN.labels(how) for how in ("new", "resumed")}
_READ_MAX: Final = 500
"""Requests whose events are read at once: what has been read is pushed before more is."""


class WatchHub:
    """Every subscription of this process. Its owner runs `parts`."""

    def __init__(
        self,
        pool: Pool,
        client: RedisClient,
        events: EventStreams,
        completer: RequestCompleter,
        links: LinkCipher,
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._links = links
        self._events = events
        self._completer = completer
        self.clock = clock
        self._watches: dict[str, Watch] = {}
        """The watches by the ids of their requests, as notifications name them."""
        self.subscriptions = 0
        self._foreign_seen = LogThrottle(clock)
        self._notified = [Gathered[str]() for _ in range(events.shards)]
        self._suspected = Gathered[UUID]()
        self._silent = Gathered[UUID](gather_s=SILENT_GATHER_S)
        self._snapshots = GroupCommit(self._snapshot, name="watch-snapshots")
        self._ends = GroupCommit(self._end, name="watch-ends", wait_s_max=END_S_MAX)
        pool.primary.promotions.append(self._recheck_all)
        self.notifier = Notifier(client)
        for shard, notified in enumerate(self._notified):
            self.notifier.listen([keys.news(shard)], partial(self._on_notification, notified))

    def parts(self) -> list[Part]:
        return [
            Part("notifier", self.notifier.run),
            Part("watch-snapshots", self._snapshots.run),
            Part("watch-ends", self._ends.run),
            *self._parts_of_shards(),
            Part("watch-suspected", partial(self._reread_gathered, self._suspected)),
            Part("watch-silent", partial(self._reread_gathered, self._silent)),
            Part("watch-disconnected", self._poll_while_disconnected),
        ]

    def _parts_of_shards(self) -> list[Part]:
        if len(self._notified) == 1:
            return [Part("watch-notified", partial(self._read_notified, self._notified[0]))]
        return [Part(f"watch-notified:{n}", partial(self._read_notified, one)) for n, one in enumerate(self._notified)]

    async def enter(
        self, request_id: UUID, may_see: Viewing, on_news: Listener, after: str | None, share: Holder = None
    ) -> Follower:
        """A place in this request until `leave`, counted in the caller's share. `on_news` is called, also before this returns, when there is something new.

        Raises:
            NotFound: there is no such request, or none that may be seen.
            RequestLost: it is not there after PostgreSQL was away meanwhile.
            InvalidCursor: `after` is none of this request's.
            Unavailable: PostgreSQL is away, and stays away for longer than a restart of it takes.
            Overloaded: this process has subscriptions enough; ShareExhausted: the caller has.
        """
        watch = self._join(request_id, on_news, share)  # its notifications count before anything is read
        try:
            request = await self._first_look(request_id, may_see)
            cursor = Cursor(request_id, request.insurers)
            if after is not None:
                cursor = Cursor.decode(after, request_id, request.insurers)
        except BaseException:
            self._part(request_id, watch, on_news, share)
            raise
        _BEGUN["new" if after is None else "resumed"].inc()
        return Follower(request, watch, cursor, self.clock.now(), share)

    def leave(self, follower: Follower, on_news: Listener) -> None:
        """Gives the place up. Call it once."""
        self._part(follower.request.id, follower.watch, on_news, follower.share)

    async def _first_look(self, request_id: UUID, may_see: Viewing) -> QuoteRequest:
        patient_until, was_away = self.clock.monotonic() + PATIENCE_S, False
        while True:
            raise_if_cancelled()
            try:
                request = await self._seen(request_id)
            except Unavailable:
                if self.clock.monotonic() >= patient_until:
                    raise
                was_away = True
                await self.clock.sleep(TRY_AGAIN_S)
                continue
            if request is None and was_away:
                raise RequestLost
            if request is None or not may_see(request):
                raise NotFound
            return request

    async def _seen(self, request_id: UUID) -> QuoteRequest | None:
        """The request as it stands in PostgreSQL, and safely so where it shows anything."""
        request = await self._snapshots.submit(request_id)
        if request and (request.quotes or request.ending):
            await self._pool.confirm()
            self._learn([request])
        self._events.note_watched(request)
        return request

    def wait_s(self, follower: Follower, *, silent_s: float) -> float:
        """Seconds until it is time to reread PostgreSQL, or to end the request, after this long a silence."""
        return max(0.0, min(LOOK_EVERY_S - silent_s, self.left_s(follower)))

    def left_s(self, follower: Follower) -> float:
        """Seconds until this request is to be ended, by any process that finds that it is time."""
        return self.clock.seconds_until(self._completer.due_at(follower.request))

    def recheck(self, follower: Follower, *, is_silent: bool = False) -> None:
        """Has PostgreSQL read for what the watch may lack: at once, or together with other silent watches."""
        (self._silent if is_silent else self._suspected).add([follower.request.id])

    def end(self, follower: Follower) -> asyncio.Future[None]:
        """Ends the request; Unavailable: PostgreSQL is away."""
        return self._ends.put(follower.request.id)

    def _on_notification(self, notified: Gathered[str], message: str) -> None:
        notified.add(id_ for id_ in message.split() if id_ in self._watches)

    async def _read_notified(self, notified: Gathered[str]) -> None:
        """Reads the notified requests of one shard: the others do not wait for a server that is frozen."""
        while True:
            raise_if_cancelled()
            ids = list(await notified.take())
            try:
                for first in range(0, len(ids), _READ_MAX):
                    await self._read_events(ids[first : first + _READ_MAX])
            except Exception:  # of any kind: the news of these requests is in PostgreSQL too
                self._suspected.add(UUID(id_) for id_ in ids if id_ in self._watches)
                raise

    async def _read_events(self, notified: Sequence[str]) -> None:
        """Takes in the events of these requests. Where there are none, or foreign ones, PostgreSQL is reread."""
        watches = {id_: watch for id_ in notified if (watch := self._watches.get(id_))}
        try:
            news = await self._events.read([watch.position for watch in watches.values()])
        except RedisAway:
            self._suspected.add(map(UUID, watches))
            return
        for watch, events in zip(watches.values(), news, strict=True):  # all before the first is written: in caches
            for quote in events.quotes:
                self._links.open_event(watch.position.request_id, quote.offer)
        for (id_, watch), events in zip(watches.items(), news, strict=True):
            watch.learn(events.quotes, events.ending)
            if events.foreign:
                self._report_foreign(id_, events.foreign)
            if events.foreign or events.unreadable or (not events.quotes and events.ending is None):
                self._suspected.add([UUID(id_)])

    def _report_foreign(self, request_id: str, events: int) -> None:
        metrics.FOREIGN.inc(events)
        if self._foreign_seen.is_due:
            log.warning("events.foreign", request_id=request_id, events=events)

    async def _poll_while_disconnected(self) -> None:
        """While the notifier is disconnected, and once after each break, every watch is reread: notifications may be missed."""
        while True:
            raise_if_cancelled()
            unbroken = self.notifier.unbroken
            await self.clock.sleep(POLL_EVERY_S)
            if unbroken is None or self.notifier.unbroken != unbroken:
                self._suspected.add(map(UUID, self._watches))

    async def _snapshot(self, ids: Sequence[UUID]) -> list[QuoteRequest | None]:
        async with reading(self._pool) as connection:
            requests = await read_requests(connection, list(set(ids)))
        return [requests.get(id_) for id_ in ids]

    async def _reread_gathered(self, gathered: Gathered[UUID]) -> None:
        while True:
            raise_if_cancelled()
            ids = await gathered.take()
            try:
                await self._reread(list(ids))
            except Unavailable as error:  # a watch without notifications is checked again
                log.warning("watch.waits", of=error.of, requests=len(ids))

    async def _reread(self, ids: Sequence[UUID]) -> None:
        async with reading(self._pool) as connection:
            progress = await read_progress(connection, ids)
            stale = [id_ for id_ in progress if self._is_behind(id_, *progress[id_])]
            requests = await read_requests(connection, stale)
            gone = [id_ for id_ in ids if id_ not in progress]
            forgotten = await forgotten_requests(connection, gone) if gone else set[UUID]()
        self._fail(gone, forgotten)
        if requests:
            await self._pool.confirm()
        self._learn(requests.values())

    async def _end(self, ids: Sequence[UUID]) -> list[None]:
        requests = await self._completer.complete(set(ids), Outcome.DEADLINE)
        self._suspected.add(id_ for id_ in ids if id_ not in requests)
        self._learn(requests.values())
        return [None] * len(ids)

    def _fail(self, gone: Iterable[UUID], forgotten: Collection[UUID]) -> None:
        """Ends the watches of requests that are not there any more."""
        for request_id in gone:
            if watch := self._watches.get(str(request_id)):
                log.warning("watch.of_nothing", request_id=str(request_id), forgotten=request_id in forgotten)
                watch.fail(NotFound() if request_id in forgotten else RequestLost())

    def _recheck_all(self) -> None:
        """Another primary may lack requests that the one before had."""
        self._suspected.add(map(UUID, self._watches))

    def _is_behind(self, request_id: UUID, settled: int, ended: bool) -> bool:  # noqa: FBT001 - a column of a row
        watch = self._watches.get(str(request_id))
        return watch is not None and (len(watch.quotes) < settled or (ended and watch.ending is None))

    def _learn(self, requests: Iterable[QuoteRequest]) -> None:
        for request in requests:
            if watch := self._watches.get(str(request.id)):
                news = [to_event(quote) for id_, quote in request.quotes.items() if id_ not in watch.quotes]
                for quote in news:
                    self._links.open_event(request.id, quote.offer)
                watch.learn(news, request.ending)

    def _join(self, request_id: UUID, on_news: Listener, share: Holder) -> Watch:
        if self.subscriptions >= SUBSCRIPTIONS_MAX:
            raise Overloaded("too many subscriptions")
        if share:
            share.begin_subscription()
        watch = self._watches.get(str(request_id))
        if watch is None:
            watch = self._watches[str(request_id)] = Watch(self._events.beginning(request_id))
        watch.listeners.add(on_news)
        self.subscriptions += 1
        metrics.SUBSCRIPTIONS.inc()
        return watch

    def _part(self, request_id: UUID, watch: Watch, on_news: Callable[[], None], share: Holder) -> None:
        if share:
            share.end_subscription()
        self.subscriptions -= 1
        metrics.SUBSCRIPTIONS.dec()
        watch.listeners.discard(on_news)
        if not watch.listeners:
            self._watches.pop(str(request_id), None)
