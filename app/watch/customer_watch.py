"""Subscriptions to all requests of a customer: which of them are open, by notifications and, without one, by PostgreSQL.

`app.watch.hub` watches each of these requests.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from app.domain.errors import NotFound, Overloaded, Unavailable
from app.domain.quote import QuoteRequest
from app.postgres.database import Pool, reading
from app.postgres.request_rows import Customer, open_requests_of
from app.redis import keys
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import Clock
from app.runtime.group_commit import DataRefused, GroupCommit
from app.runtime.supervision import Part
from app.use_cases.caller_shares import CallerShare
from app.watch.events import Event, Follower
from app.watch.hub import LOOK_EVERY_S, POLL_EVERY_S, WatchHub
from app.watch.news_waiter import NewsWaiter
from app.watch.push_watch import PushWatch

log: Final = structlog.get_logger(__name__)

OPEN_MAX: Final = 100
"""Open requests of one customer that a subscription watches at once; it comes to the next ones as these end."""
CUSTOMERS_MAX: Final = 20_000
_ENDED_MAX: Final = 1000


@dataclass(slots=True, eq=False)
class _Listener:
    """One subscription. `named` are requests that may be this customer's and are not watched yet."""

    customer: Customer
    waiter: NewsWaiter = field(default_factory=NewsWaiter)
    named: set[UUID] = field(default_factory=set[UUID])

    def name(self, ids: Iterable[UUID]) -> None:
        self.named.update(ids)
        if self.named:
            self.waiter.notify()


class _OpenWatches:
    """The watches of one subscription, each until its request's end."""

    def __init__(self, hub: WatchHub, listener: _Listener, share: CallerShare | None) -> None:
        self._hub = hub
        self._share = share
        self._listener = listener
        self._open: dict[UUID, PushWatch] = {}
        self._ended: deque[UUID] = deque(maxlen=_ENDED_MAX)

    @property
    def followers(self) -> list[Follower]:
        return [watch.follower for watch in self._open.values()]

    async def start_named(self) -> None:
        """Watches what has been named, as far as there is room; the next look names the rest again."""
        named, self._listener.named = self._listener.named, set()
        for request_id in sorted(named - set(self._open) - set(self._ended))[: OPEN_MAX - len(self._open)]:
            watch = self._listener.waiter.watch(self._hub)
            try:
                await watch.start(request_id, self._is_ours, share=self._share)
            except NotFound:  # a notification names customers only roughly
                self._ended.append(request_id)
                continue
            self._open[request_id] = watch
            watch.notify()

    def stop(self, *, everything: bool = False) -> None:
        """Ends the watches of requests that have ended."""
        for request_id, watch in list(self._open.items()):
            if everything or watch.follower.is_over:
                del self._open[request_id]
                self._ended.append(request_id)
                watch.stop()

    def _is_ours(self, request: QuoteRequest) -> bool:
        return (request.tenant, request.customer_id) == self._listener.customer


class CustomerWatches:
    """Every customer's subscription of this process. Its owner runs `parts`."""

    def __init__(self, pool: Pool, hub: WatchHub, clock: Clock, *, shards: int) -> None:
        self._pool = pool
        self._hub = hub
        self._clock = clock
        self._listeners: dict[int, set[_Listener]] = {}
        self._looks = GroupCommit(self._look, name="customer-looks")
        hub.notifier.listen((keys.accepted(shard) for shard in range(shards)), self._on_notification)

    def parts(self) -> list[Part]:
        return [Part("customer-looks", self._looks.run), Part("customer-silence", self._look_without_notification)]

    async def follow(self, customer: Customer, share: CallerShare | None = None) -> AsyncGenerator[Event, None]:
        """Every answer and every end of the customer's open requests, also of those that begin later; without an end.

        Raises:
            Unavailable, InterruptedWatch: PostgreSQL is away.
            ShareExhausted: the caller has subscriptions enough; each open request is one.
        """
        with self._listening(customer, share) as listener:  # notifications count before anything is read
            listener.name(await self._looks.submit(listener))
            watches = _OpenWatches(self._hub, listener, share)
            try:
                while True:
                    raise_if_cancelled()
                    await watches.start_named()
                    for follower in watches.followers:
                        for event in follower.news():
                            yield event
                    watches.stop()
                    await listener.waiter.wait()
            finally:
                watches.stop(everything=True)

    def _on_notification(self, message: str) -> None:
        if not self._listeners:
            return
        for word in message.split():
            mark, _, request_id = word.partition(":")
            for listener in self._listeners.get(int(mark), ()):
                listener.name([UUID(request_id)])

    async def _look_without_notification(self) -> None:
        """Now and then, every second while the notifier is disconnected, and once after each break: notifications may be missed."""
        looked_at = self._clock.monotonic()
        while True:
            raise_if_cancelled()
            unbroken = self._hub.notifier.unbroken
            await self._clock.sleep(POLL_EVERY_S)
            is_unbroken = unbroken is not None and unbroken == self._hub.notifier.unbroken
            if is_unbroken and self._clock.monotonic() < looked_at + LOOK_EVERY_S:
                continue
            looked_at = self._clock.monotonic()
            try:
                await self._look_for_all()
            except Unavailable as error:
                log.warning("customer_watch.waits", of=error.of)

    async def _look_for_all(self) -> None:
        """Reads the open requests of every subscription. A customer that PostgreSQL refuses to look for is left out.

        Raises:
            Unavailable: PostgreSQL is away.
        """
        listeners = [listener for group in self._listeners.values() for listener in group]
        looks = (self._looks.submit(listener) for listener in listeners)
        found = await asyncio.gather(*looks, return_exceptions=True)
        for listener, ids in zip(listeners, found, strict=True):
            if not isinstance(ids, BaseException):
                listener.name(ids)
        failures = [one for one in found if isinstance(one, BaseException) and not isinstance(one, DataRefused)]
        if failures:
            raise failures[0]

    async def _look(self, listeners: Sequence[_Listener]) -> list[Sequence[UUID]]:
        customers = {listener.customer for listener in listeners}
        async with reading(self._pool) as connection:
            found = await open_requests_of(connection, sorted(customers), most=OPEN_MAX)
        return [found.get(listener.customer, ()) for listener in listeners]

    @contextmanager
    def _listening(self, customer: Customer, share: CallerShare | None) -> Generator[_Listener, None, None]:
        if sum(map(len, self._listeners.values())) >= CUSTOMERS_MAX:
            raise Overloaded("too many subscriptions")
        if share:
            share.begin_subscription()
        mark = keys.customer_mark(*customer)
        listener = _Listener(customer)
        self._listeners.setdefault(mark, set()).add(listener)
        try:
            yield listener
        finally:
            if share:
                share.end_subscription()
            self._listeners[mark].discard(listener)
            if not self._listeners[mark]:
                del self._listeners[mark]
