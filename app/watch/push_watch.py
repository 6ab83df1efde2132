"""A subscription to one request that calls back instead of blocking: it needs no task, only one timer.

The timer does what `Live.wait` does for a task: it looks into PostgreSQL when no bell was heard for a
while, and ends the request when its time is up.
"""

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

from app.domain.errors import Overloaded, Unavailable
from app.domain.quote import QuoteRequest
from app.use_cases.caller_shares import CallerShare
from app.watch.events import Follower, InterruptedWatch
from app.watch.hub import TRY_AGAIN_S, WatchHub


class PushWatch:
    """From `begin` to `end`. `on_failure` is called when the follower cannot go on, and has to end it."""

    __slots__ = ("_heard_at_s", "_live", "_on_failure", "_on_news", "_timer", "follower", "is_on")

    follower: Follower
    """Since `begin` has returned."""

    def __init__(self, live: WatchHub, on_news: Callable[[], None], on_failure: Callable[[Exception], None]) -> None:
        self._live = live
        self._on_news = on_news
        self._on_failure = on_failure
        self.is_on = False
        self._heard_at_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def begin(
        self,
        request_id: UUID,
        may_see: Callable[[QuoteRequest], bool],
        after: str | None,
        share: CallerShare | None = None,
    ) -> None:
        """Raises as `Live.enter`. What is known by then is delivered by the first `hear`, which the caller calls."""
        self.follower = await self._live.enter(request_id, may_see, self.hear, after, share)
        self.is_on = True
        self._heard_at_s = time.monotonic()
        self._set_timer()

    def end(self) -> None:
        """Nothing is called any more. Calling it again changes nothing."""
        if self.is_on:
            self.is_on = False
            self._live.leave(self.follower, self.hear)
            if self._timer:
                self._timer.cancel()

    def hear(self) -> None:
        """There is news, or may be."""
        if not self.is_on:  # it has not begun yet
            return
        self._heard_at_s = time.monotonic()
        self._on_news()
        if self.is_on and self.follower.is_in_doubt:
            self._live.doubt([self.follower])

    def _set_timer(self, *, least_s: float = 0.0) -> None:
        wait_s = self._live.wait_s(self.follower, silent_s=time.monotonic() - self._heard_at_s)
        self._timer = asyncio.get_running_loop().call_later(max(wait_s, least_s), self._look)

    def _look(self) -> None:
        if self._live.left_s(self.follower) <= 0:
            self._end_request()
            return
        now_s = time.monotonic()
        if self._live.wait_s(self.follower, silent_s=now_s - self._heard_at_s) <= 0:
            self._live.doubt([self.follower])
            self._heard_at_s = now_s
        self._set_timer()

    def _end_request(self) -> None:
        try:
            self._live.end(self.follower).add_done_callback(self._has_ended)
        except Overloaded as error:
            self._on_failure(error)

    def _has_ended(self, ending: asyncio.Future[None]) -> None:
        if not self.is_on or ending.cancelled():
            return
        error = ending.exception()
        if isinstance(error, Unavailable):
            self._on_failure(InterruptedWatch(self.follower.cursor, error.retry_after_s))
        elif isinstance(error, Exception):
            self._on_failure(error)
        else:
            self._set_timer(least_s=TRY_AGAIN_S)
