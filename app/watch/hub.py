"""From the notifier to the subscribers: the watched requests, and their new events.

A watch holds what is known of one request and is shared by its subscribers; each of them keeps nothing but a cursor,
so what waits for a slow one is never more than the answers of one request. Some wait in a task of their own (`follow`,
`wait`), others are only called (`app.watch.push_watch`).
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeAlias
from uuid import UUID

import structlog

from app.codecs.quote_codec import to_event
from app.domain.cursor import Cursor
from app.domain.errors import NotFound, Overloaded, RedisAway, Unavailable
from app.domain.quote import Outcome, QuoteRequest
from app.observability import metrics
from app.postgres.database import Pool, connected
from app.postgres.link_cipher import LinkCipher
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
from app.use_cases.complete import RequestCompleter as Ender
from app.watch.events import Event, Follower, InterruptedWatch, Listener, Watch

log: Final = structlog.get_logger(__name__)

Viewing: TypeAlias = Callable[[QuoteRequest], bool]
"""Whether the caller may see a request."""
Holder: TypeAlias = CallerShare | None

LOOK_EVERY_S: Final = 5.0
"""A subscription that hears no bell for so long looks into PostgreSQL."""
POLL_EVERY_S: Final = 1.0
"""While the doorbell is down, one read for all subscriptions of this process."""
PATIENCE_S: Final = 10.0
"""A subscription that begins while PostgreSQL is away waits so long before it fails."""
TRY_AGAIN_S: Final = 0.25
SUBSCRIPTIONS_MAX: Final = 20_000
_READ_MAX: Final = 500
"""Requests whose events are read at once: what has been read is pushed before more is."""


class WatchHub:
    """Every subscription of this process. Its owner runs `parts`."""

    def __init__(
        self, pool: Pool, client: RedisClient, events: EventStreams, ender: Ender, links: LinkCipher, clock: Clock
    ) -> None:
        self._pool = pool
        self._links = links
        self._events = events
        self._ender = ender
        self._clock = clock
        self._watches: dict[str, Watch] = {}
        """By the ids of their requests as bells name them."""
        self.subscriptions = 0
        self._foreign_seen = LogThrottle(clock)
        self._rung = Gathered[str]()
        self._doubted = Gathered[UUID]()
        self._snapshots = GroupCommit(self._snapshot)
        self._ends = GroupCommit(self._end)
        self.bell = Notifier(client)
        self.bell.listen((keys.bell(shard) for shard in range(events.shards)), self._on_ring)

    def parts(self) -> list[Part]:
        return [
            Part("bell", self.bell.run),
            Part("live-snapshots", self._snapshots.run),
            Part("live-ends", self._ends.run),
            Part("live-rings", self._answer_bells),
            Part("live-doubts", self._look_up_doubted),
            Part("live-silence", self._stand_in_for_the_bell),
        ]

    async def follow(
        self, request_id: UUID, may_see: Viewing, after: str | None, share: Holder = None
    ) -> AsyncGenerator[Event, None]:
        """Every answer that the client lacks, each once, then the end. Raises as `enter`, and:

        Raises:
            InterruptedWatch: PostgreSQL is away at the deadline, so that the end cannot be known.
        """
        changed = asyncio.Event()
        async with self.following(request_id, may_see, changed, after, share) as follower:
            while True:
                raise_if_cancelled()
                changed.clear()
                for event in follower.news():
                    yield event
                if follower.is_over:
                    return
                await self.wait([follower], changed)

    @asynccontextmanager
    async def following(
        self, request_id: UUID, may_see: Viewing, changed: asyncio.Event, after: str | None = None, share: Holder = None
    ) -> AsyncGenerator[Follower, None]:
        """A place in this request, for a task that reads its news whenever `changed` is set; raises as `enter`."""
        follower = await self.enter(request_id, may_see, changed.set, after, share)
        try:
            yield follower
        finally:
            self.leave(follower, changed.set)

    async def enter(
        self, request_id: UUID, may_see: Viewing, on_news: Listener, after: str | None, share: Holder = None
    ) -> Follower:
        """A place in this request until `leave`, counted in the caller's share. `on_news` is called, also before this returns, when there is something new.

        Raises:
            NotFound: there is no such request, or none that may be seen.
            InvalidCursor: `after` is none of this request's.
            Unavailable: PostgreSQL is away, and stays away for longer than a restart of it takes.
            Overloaded: this process has subscriptions enough; ShareExhausted: the caller has.
        """
        watch = self._join(request_id, on_news, share)  # the bell is listened to before anything is read
        try:
            request = await self._first_look(request_id, may_see)
            cursor = Cursor(request_id, request.insurers)
            if after is not None:
                cursor = Cursor.decode(after, request_id, request.insurers)
        except BaseException:
            self._part(request_id, watch, on_news, share)
            raise
        return Follower(request, watch, cursor, self._clock.now(), share)

    def leave(self, follower: Follower, on_news: Listener) -> None:
        """Gives the place up. Call it once."""
        self._part(follower.request.id, follower.watch, on_news, follower.share)

    async def _first_look(self, request_id: UUID, may_see: Viewing) -> QuoteRequest:
        patient_until = self._clock.monotonic() + PATIENCE_S
        while True:
            raise_if_cancelled()
            try:
                request = await self._snapshots.submit(request_id)
            except Unavailable:
                if self._clock.monotonic() >= patient_until:
                    raise
                await self._clock.sleep(TRY_AGAIN_S)
                continue
            if request is None or not may_see(request):
                raise NotFound
            return request

    async def wait(self, followers: Sequence[Follower], changed: asyncio.Event) -> None:
        """Until there is news, or until it is time to look without a bell, or to end a request oneself."""
        self.doubt(follower for follower in followers if follower.is_in_doubt)
        due = [(self.left_s(follower), follower) for follower in followers]
        wait_s = max(0, min([LOOK_EVERY_S, *(left_s for left_s, _ in due)]))
        try:
            async with asyncio.timeout(wait_s):
                await changed.wait()
        except TimeoutError:
            for left_s, follower in due:
                if left_s > wait_s:
                    self.doubt([follower])
                else:
                    await self._end_now(follower)

    def wait_s(self, follower: Follower, *, silent_s: float) -> float:
        """Seconds until it is time to look without a bell, or to end the request, when none was heard for so long."""
        return max(0.0, min(LOOK_EVERY_S - silent_s, self.left_s(follower)))

    def left_s(self, follower: Follower) -> float:
        """Seconds until this request is to be ended."""
        return self._clock.seconds_until(self._ender.due_at(follower.request))

    def doubt(self, followers: Iterable[Follower]) -> None:
        """Has PostgreSQL asked, soon, whether these know everything."""
        self._doubted.add(follower.request.id for follower in followers)

    def end(self, follower: Follower) -> asyncio.Future[None]:
        """Ends the request; Unavailable: PostgreSQL is away."""
        return self._ends.put(follower.request.id)

    async def _end_now(self, follower: Follower) -> None:
        try:
            await self.end(follower)
        except Unavailable as error:
            raise InterruptedWatch(follower.cursor, error.retry_after_s) from error

    def _on_ring(self, message: str) -> None:
        self._rung.add(id_ for id_ in message.split() if id_ in self._watches)

    async def _answer_bells(self) -> None:
        while True:
            raise_if_cancelled()
            rung = list(await self._rung.take())
            try:
                for first in range(0, len(rung), _READ_MAX):
                    await self._answer(rung[first : first + _READ_MAX])
            except Exception:  # after any error the events of these notifications are in PostgreSQL too
                self._doubted.add(UUID(id_) for id_ in rung if id_ in self._watches)
                raise

    async def _answer(self, rung: Sequence[str]) -> None:
        """Takes in the events behind a bell. Where there are none to be found, or foreign ones, PostgreSQL knows."""
        watches = {id_: watch for id_ in rung if (watch := self._watches.get(id_))}
        try:
            news = await self._events.read([watch.position for watch in watches.values()])
        except RedisAway:
            self._doubted.add(map(UUID, watches))
            return
        for (id_, watch), events in zip(watches.items(), news, strict=True):
            for quote in events.quotes:
                self._links.open_event(watch.position.request_id, quote.offer)
            watch.learn(events.quotes, events.ending)
            if events.foreign:
                self._report_foreign(id_, events.foreign)
            if events.foreign or events.unreadable or (not events.quotes and events.ending is None):
                self._doubted.add([UUID(id_)])

    def _report_foreign(self, request_id: str, events: int) -> None:
        metrics.FOREIGN.inc(events)
        if self._foreign_seen.is_due:
            log.warning("events.foreign", request_id=request_id, events=events)

    async def _stand_in_for_the_bell(self) -> None:
        """While the notifier is disconnected, and once after it, every watch reads PostgreSQL: notifications may have been missed."""
        while True:
            raise_if_cancelled()
            heard_before = self.bell.is_connected
            await self._clock.sleep(POLL_EVERY_S)
            if not (heard_before and self.bell.is_connected):
                self._doubted.add(map(UUID, self._watches))

    async def _snapshot(self, ids: Sequence[UUID]) -> list[QuoteRequest | None]:
        async with connected(self._pool) as connection:
            requests = await read_requests(connection, list(set(ids)))
        self._learn(requests.values())
        return [requests.get(id_) for id_ in ids]

    async def _look_up_doubted(self) -> None:
        while True:
            raise_if_cancelled()
            doubted = await self._doubted.take()
            try:
                await self._look(list(doubted))
            except Unavailable:  # a watch without notifications is checked again
                log.warning("watch.waits", requests=len(doubted))

    async def _look(self, ids: Sequence[UUID]) -> None:
        async with connected(self._pool) as connection:
            progress = await read_progress(connection, ids)
            stale = [id_ for id_ in progress if self._is_behind(id_, *progress[id_])]
            requests = await read_requests(connection, stale)
        self._learn(requests.values())

    async def _end(self, ids: Sequence[UUID]) -> list[None]:
        self._learn((await self._ender.complete(set(ids), Outcome.DEADLINE)).values())
        return [None] * len(ids)

    def _is_behind(self, request_id: UUID, settled: int, ended: bool) -> bool:  # noqa: FBT001 - a column of a row
        watch = self._watches.get(str(request_id))
        return watch is not None and (len(watch.told) < settled or (ended and watch.ending is None))

    def _learn(self, requests: Iterable[QuoteRequest]) -> None:
        for request in requests:
            if watch := self._watches.get(str(request.id)):
                news = [to_event(quote) for id_, quote in request.quotes.items() if id_ not in watch.told]
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
