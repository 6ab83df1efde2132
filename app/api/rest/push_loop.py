"""One watch of one request, behind a WebSocket or an event stream: pushes its events until either side ends it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.datastructures import State

from app.api.auth.tokens import Grant
from app.api.services import Services
from app.runtime.cancellation import raise_if_cancelled
from app.watch.events import Event, Follower
from app.watch.news_waiter import NewsWaiter

HEARTBEAT_S: Final = 15.0


class Stopping:
    """Why a stream ends before the request does: the client has left, the token has expired, the process stops."""

    def __init__(self, waiter: NewsWaiter) -> None:
        self._waiter = waiter
        self.has_left = False
        self.reason = ""

    async def when_left(self, left: Callable[[], Awaitable[object]]) -> None:
        await left()
        self.has_left = True
        self._stop("LEFT")

    async def when_draining(self, draining: asyncio.Event) -> None:
        await draining.wait()
        self._stop("DRAINING")

    async def when_expired(self, grant: Grant, services: Services) -> None:
        while (left_s := grant.expires_at_s - services.clock.now().timestamp()) > 0:
            await services.clock.sleep(min(left_s, 3600))
        self._stop("UNAUTHENTICATED")

    def _stop(self, reason: str) -> None:
        self.reason = self.reason or reason
        self._waiter.notify()


class Push:
    """Sends the news of a follower, and a heartbeat where it is silent. Nothing waits here but a cursor."""

    def __init__(self, services: Services, follower: Follower, waiter: NewsWaiter) -> None:
        self._services = services
        self._follower = follower
        self._waiter = waiter

    async def run(
        self, stopping: Stopping, send: Callable[[Event], Awaitable[None]], beat: Callable[[], Awaitable[None]]
    ) -> None:
        """Until the request has ended, or the stream is to stop.

        Raises:
            InterruptedWatch: PostgreSQL is away at the deadline, so that the end cannot be known.
        """
        clock = self._services.clock
        sent_at = clock.monotonic()
        while not stopping.reason:
            raise_if_cancelled()
            for event in self._follower.news():
                await send(event)
                self._services.pushed.measure(event)
                sent_at = clock.monotonic()
            if self._follower.is_over or stopping.reason:
                return
            try:
                async with asyncio.timeout(max(0.0, sent_at + HEARTBEAT_S - clock.monotonic())):
                    await self._waiter.wait()
            except TimeoutError:
                await beat()
                sent_at = clock.monotonic()


def draining_of(state: State) -> asyncio.Event:
    """Set when this process is to stop."""
    draining: asyncio.Event = state.draining
    return draining
