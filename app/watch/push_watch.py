"""A place in a request whose owner is called when there is news: the one engine of watching. It needs a timer, and no task.

The timer rereads PostgreSQL after a silence, and ends the request when its time is up. A task that would rather wait than
be called has `app.watch.news_waiter`.
"""

import asyncio
from collections.abc import Callable
from uuid import UUID

from app.domain.errors import Overloaded, Unavailable
from app.domain.quote import QuoteRequest
from app.postgres.database import RETRY_AFTER_S
from app.use_cases.caller_shares import CallerShare
from app.watch.events import Follower, InterruptedWatch
from app.watch.hub import TRY_AGAIN_S, WatchHub


class PushWatch:
    """From `start` to `stop`. `on_failure` is called when the watch cannot go on; its owner stops it then."""

    __slots__ = ("_hub", "_notified_at_s", "_on_failure", "_on_news", "_timer", "follower", "is_on")

    follower: Follower
    """The place in the request; set when `start` has returned."""

    def __init__(self, hub: WatchHub, on_news: Callable[[], None], on_failure: Callable[[Exception], None]) -> None:
        self._hub = hub
        self._on_news = on_news
        self._on_failure = on_failure
        self.is_on = False
        self._notified_at_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def start(
        self,
        request_id: UUID,
        may_see: Callable[[QuoteRequest], bool],
        after: str | None = None,
        share: CallerShare | None = None,
    ) -> None:
        """Raises as `WatchHub.enter`. What is known by then is news too: the owner calls the first `notify`."""
        self.follower = await self._hub.enter(request_id, may_see, self.notify, after, share)
        self.is_on = True
        self._notified_at_s = self._hub.clock.monotonic()
        self._set_timer()

    def stop(self) -> None:
        """Ends all calls. Calling it again changes nothing."""
        if self.is_on:
            self.is_on = False
            self._hub.leave(self.follower, self.notify)
            if self._timer:
                self._timer.cancel()

    def notify(self) -> None:
        """Called when there is news, or may be."""
        if not self.is_on:  # it has not started yet
            return
        self._notified_at_s = self._hub.clock.monotonic()
        self._on_news()
        if self.is_on and (failure := self.follower.watch.failure):
            self._on_failure(failure)
        elif self.is_on and self.follower.watch_lacks_answers:
            self._hub.recheck(self.follower)

    def _set_timer(self, *, min_s: float = 0.0) -> None:
        wait_s = self._hub.wait_s(self.follower, silent_s=self._hub.clock.monotonic() - self._notified_at_s)
        self._timer = self._hub.clock.call_later(max(wait_s, min_s), self._look)

    def _look(self) -> None:
        if self._hub.left_s(self.follower) <= 0:
            self._end_request()
            return
        now_s = self._hub.clock.monotonic()
        if self._hub.wait_s(self.follower, silent_s=now_s - self._notified_at_s) <= 0:
            self._hub.recheck(self.follower, is_silent=True)
            self._notified_at_s = now_s
        self._set_timer()

    def _end_request(self) -> None:
        try:
            self._hub.end(self.follower).add_done_callback(self._on_ended)
        except Overloaded as error:
            self._on_failure(error)

    def _on_ended(self, ending: asyncio.Future[None]) -> None:
        if not self.is_on or ending.cancelled():
            return
        error = ending.exception()
        if isinstance(error, Unavailable | TimeoutError):
            retry_after_s = error.retry_after_s if isinstance(error, Unavailable) else RETRY_AFTER_S
            self._on_failure(InterruptedWatch(self.follower.cursor, retry_after_s))
        elif isinstance(error, Exception):
            self._on_failure(error)
        else:
            self._set_timer(min_s=TRY_AGAIN_S)
