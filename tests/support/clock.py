"""A clock that tests move."""

import asyncio
import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

from app.runtime.clock import Clock

START = datetime(2026, 11, 22, 12, tzinfo=UTC)


class MovedClock(Clock):
    """Stands still until it is moved; sleeping tasks wake on the way."""

    def __init__(self) -> None:
        super().__init__()
        self._passed_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> datetime:
        return START + timedelta(seconds=self._passed_s)

    def unix_s(self) -> float:
        return self.now().timestamp()

    def monotonic(self) -> float:
        return self._passed_s

    async def sleep(self, seconds: float) -> None:
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._passed_s + seconds, next(self._order), waking))
        await waking

    def call_later(self, seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        timer = asyncio.TimerHandle(loop.time(), callback, (), loop)
        waking: asyncio.Future[None] = loop.create_future()
        waking.add_done_callback(lambda _: None if timer.cancelled() else callback())
        heapq.heappush(self._sleepers, (self._passed_s + seconds, next(self._order), waking))
        return timer

    async def advance(self, seconds: float) -> None:
        """Moves on, and lets the tasks act that wake on the way."""
        until = self._passed_s + seconds
        while self._sleepers and self._sleepers[0][0] <= until:
            self._passed_s, _, waking = heapq.heappop(self._sleepers)
            if not waking.done():
                waking.set_result(None)
            await asyncio.sleep(0)
        self._passed_s = until
