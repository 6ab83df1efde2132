"""A watch of all requests of a customer: the open ones are found by a notification and, without one, in PostgreSQL.

What happens in each request is `app.watch.hub`'s to know.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from app.domain.errors import NotFound, Overloaded, Unavailable
from app.domain.quote import QuoteRequest
from app.postgres.database import Pool, connected
from app.postgres.request_rows import Customer, open_requests_of
from app.redis import keys
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import Clock
from app.runtime.group_commit import GroupCommit
from app.runtime.supervision import Part
from app.use_cases.caller_shares import CallerShare
from app.watch.events import Event, Follower
from app.watch.hub import LOOK_EVERY_S, POLL_EVERY_S, WatchHub

log: Final = structlog.get_logger(__name__)

OPEN_MAX: Final = 100
"""Open requests of one customer that a subscription follows at once; it comes to the next ones as these end."""
CUSTOMERS_MAX: Final = 20_000
_TOLD_MAX: Final = 1000


@dataclass(slots=True, eq=False)
class _Listener:
    """One subscription. `named` are requests that may be this customer's and are not followed yet."""

    customer: Customer
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    named: set[UUID] = field(default_factory=set[UUID])

    def name(self, ids: Iterable[UUID]) -> None:
        self.named.update(ids)
        if self.named:
            self.changed.set()


class _Followed:
    """The requests that one subscription follows, each until its end."""

    def __init__(self, live: WatchHub, listener: _Listener, share: CallerShare | None) -> None:
        self._live = live
        self._share = share
        self._listener = listener
        self._open: dict[UUID, tuple[Follower, AsyncExitStack]] = {}
        self._told: deque[UUID] = deque(maxlen=_TOLD_MAX)

    @property
    def followers(self) -> list[Follower]:
        return [follower for follower, _ in self._open.values()]

    async def begin(self) -> None:
        """Follows what has been named, as far as there is room; the next look names the rest again."""
        named, self._listener.named = self._listener.named, set()
        for request_id in sorted(named - set(self._open) - set(self._told))[: OPEN_MAX - len(self._open)]:
            async with AsyncExitStack() as stack:
                following = self._live.following(request_id, self._is_ours, self._listener.changed, share=self._share)
                try:
                    follower = await stack.enter_async_context(following)
                except NotFound:  # a ring names customers only roughly
                    self._told.append(request_id)
                    continue
                self._open[request_id] = (follower, stack.pop_all())

    async def end(self, *, everything: bool = False) -> None:
        """Follows no more what is over."""
        for request_id, (follower, stack) in list(self._open.items()):
            if everything or follower.is_over:
                del self._open[request_id]
                self._told.append(request_id)
                await stack.aclose()

    def _is_ours(self, request: QuoteRequest) -> bool:
        return (request.tenant, request.customer_id) == self._listener.customer


class CustomerWatches:
    """Every customer's subscription of this process. Its owner runs `parts`."""

    def __init__(self, pool: Pool, live: WatchHub, clock: Clock, *, shards: int) -> None:
        self._pool = pool
        self._live = live
        self._clock = clock
        self._listeners: dict[int, set[_Listener]] = {}
        self._looks = GroupCommit(self._look)
        live.bell.listen((keys.accepted(shard) for shard in range(shards)), self._on_ring)

    def parts(self) -> list[Part]:
        return [Part("customer-looks", self._looks.run), Part("customer-silence", self._look_without_a_ring)]

    async def follow(self, customer: Customer, share: CallerShare | None = None) -> AsyncGenerator[Event, None]:
        """Every answer and every end of the customer's open requests, also of those that begin later; without an end.

        Raises:
            Unavailable, InterruptedWatch: PostgreSQL is away.
            ShareExhausted: the caller has subscriptions enough; each open request is one.
        """
        with self._listening(customer, share) as listener:  # the ring is listened to before anything is read
            listener.name(await self._looks.submit(listener))
            followed = _Followed(self._live, listener, share)
            try:
                while True:
                    raise_if_cancelled()
                    listener.changed.clear()
                    await followed.begin()
                    for follower in followed.followers:
                        for event in follower.news():
                            yield event
                    await followed.end()
                    await self._live.wait(followed.followers, listener.changed)
            finally:
                await followed.end(everything=True)

    def _on_ring(self, message: str) -> None:
        if not self._listeners:
            return
        for word in message.split():
            mark, _, request_id = word.partition(":")
            for listener in self._listeners.get(int(mark), ()):
                listener.name([UUID(request_id)])

    async def _look_without_a_ring(self) -> None:
        """Now and then, and every second while the bell is down and once after it: rings may have been missed."""
        looked_at = self._clock.monotonic()
        while True:
            raise_if_cancelled()
            heard_before = self._live.bell.is_connected
            await self._clock.sleep(POLL_EVERY_S)
            is_heard = heard_before and self._live.bell.is_connected
            if is_heard and self._clock.monotonic() < looked_at + LOOK_EVERY_S:
                continue
            looked_at = self._clock.monotonic()
            try:
                await self._look_for_all()
            except Unavailable:
                log.warning("customer_watch.waits")

    async def _look_for_all(self) -> None:
        listeners = [listener for group in self._listeners.values() for listener in group]
        found = await asyncio.gather(*(self._looks.submit(listener) for listener in listeners))
        for listener, ids in zip(listeners, found, strict=True):
            listener.name(ids)

    async def _look(self, listeners: Sequence[_Listener]) -> list[Sequence[UUID]]:
        customers = {listener.customer for listener in listeners}
        async with connected(self._pool) as connection:
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
