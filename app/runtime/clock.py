"""The one clock for everything about requests: PostgreSQL's time, carried on by this machine's monotonic clock.

A wrong wall clock of a machine changes only its log lines. Redis's own time is for presence alone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
RESYNC_S: Final = 30.0
"""Monotonic clocks drift by some milliseconds a minute at worst."""


class Clock:
    """Moments are aware datetimes in UTC, with microseconds; durations are seconds."""

    def __init__(self) -> None:
        self._offset_s = time.time() - time.monotonic()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.unix_s(), UTC)

    def unix_s(self) -> float:
        """Seconds since 1970, at the same moment."""
        return self._offset_s + self.monotonic()

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, for measuring durations."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, callback)

    def seconds_until(self, moment: datetime) -> float:
        """Negative when it has passed."""
        return (moment - self.now()).total_seconds()

    async def sync(self, read: Callable[[], Awaitable[datetime]]) -> None:
        """Takes over the time that `read` returns, where it disagrees.

        The time was read at some moment between the query and its answer. As long as our own reckoning lies in
        between, nothing is wrong with it: on a busy machine the answer may have been waiting for a second.
        """
        asked_at_s = self.monotonic()
        read_s = (await read() - _EPOCH).total_seconds()
        min_s, max_s = read_s - self.monotonic(), read_s - asked_at_s
        if not min_s <= self._offset_s <= max_s:
            self._offset_s = (min_s + max_s) / 2
