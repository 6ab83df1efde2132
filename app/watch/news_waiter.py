"""Watches for a task: an `asyncio.Event` that any number of push watches set, and `async for` over the events of one."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from app.domain.quote import QuoteRequest
from app.runtime.cancellation import raise_if_cancelled
from app.use_cases.caller_shares import CallerShare
from app.watch.events import Event, Follower
from app.watch.hub import WatchHub
from app.watch.push_watch import PushWatch


class NewsWaiter:
    """`notify` and `fail` are what its watches call, `wait` is what the task awaits."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._failure: Exception | None = None

    def watch(self, hub: WatchHub) -> PushWatch:
        """A watch, not started yet, whose news ends a wait here."""
        return PushWatch(hub, self.notify, self.fail)

    def notify(self) -> None:
        self._changed.set()

    def fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._changed.set()

    async def wait(self) -> None:
        """Waits until there is news since the last wait; raises what a watch has failed with."""
        await self._changed.wait()
        self._changed.clear()
        if self._failure:
            raise self._failure


@asynccontextmanager
async def watching(
    hub: WatchHub,
    waiter: NewsWaiter,
    request_id: UUID,
    may_see: Callable[[QuoteRequest], bool],
    after: str | None = None,
    share: CallerShare | None = None,
) -> AsyncGenerator[Follower, None]:
    """A place in this request, whose news ends the waits of `waiter`; raises as `WatchHub.enter`."""
    watch = waiter.watch(hub)
    await watch.start(request_id, may_see, after, share)
    try:
        watch.notify()
        yield watch.follower
    finally:
        watch.stop()


async def watch_events(
    hub: WatchHub,
    request_id: UUID,
    may_see: Callable[[QuoteRequest], bool],
    after: str | None = None,
    share: CallerShare | None = None,
) -> AsyncGenerator[Event, None]:
    """Every answer that the client lacks, each once, then the end. Raises as `WatchHub.enter`, and:

    Raises:
        InterruptedWatch: PostgreSQL is away at the deadline, so that the end cannot be known.
    """
    waiter = NewsWaiter()
    async with watching(hub, waiter, request_id, may_see, after, share) as follower:
        while True:
            raise_if_cancelled()
            for event in follower.news():
                yield event
            if follower.is_over:
                return
            await waiter.wait()
