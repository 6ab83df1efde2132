"""The one clock for everything about requests: PostgreSQL's time, carried on by this machine's monotonic clock.

A wrong wall clock of a machine changes only its log lines. Redis's own time is for presence alone.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

import structlog

from app.observability import metrics

log: Final = structlog.get_logger(__name__)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
JUMP_S_MAX: Final = 1.0
"""The most that PostgreSQL's clock may be corrected at once. More is another server's clock, or one that was set."""
RESYNC_S: Final = 30.0
"""Monotonic clocks drift by some milliseconds a minute at worst."""


class Clock:
    """Moments are aware datetimes in UTC, with microseconds; durations are seconds."""

    def __init__(self, *, deadline_s: float = 60.0) -> None:
        """`deadline_s` is how long a request lasts: a jump is taken over by a second for each, so that none moves by more."""
        self._offset_s = time.time() - time.monotonic()
        self._deadline_s = deadline_s
        self._stepped_at_s: float | None = None
        self._wall_offset_s = self._offset_s
        self.ahead_s = 0.0
        """By how much the machine's wall clock was ahead of PostgreSQL's at the last `sync`, seconds."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.unix_s(), UTC)

    def unix_s(self) -> float:
        """Seconds since 1970, at the same moment."""
        return self._offset_s + self.monotonic()

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, for measuring durations."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970 by this machine's own wall clock."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, callback)

    def seconds_until(self, moment: datetime) -> float:
        """The seconds are negative when it has passed."""
        return (moment - self.now()).total_seconds()

    def start_from(self, unix_s: float) -> None:
        """Starts from this time before the first `sync`, which then moves it as slowly as later ones."""
        self._stepped_at_s = self.monotonic()
        self._offset_s = unix_s - self._stepped_at_s
        self._wall_offset_s = self.wall() - self._stepped_at_s

    async def sync(self, read: Callable[[], Awaitable[datetime]]) -> None:
        """Takes over the time that `read` returns, where it disagrees.

        The time was read at some moment between the query and its answer. As long as this clock's own reckoning lies in
        between, nothing is wrong with it: on a busy machine the answer may have been waiting for a second.
        A jump of more than JUMP_S_MAX is logged, and taken over slowly: deadlines of open requests stay where they are.
        """
        asked_at_s = self.monotonic()
        read_s = (await read() - _EPOCH).total_seconds()
        now_s = self.monotonic()
        min_s, max_s = read_s - now_s, read_s - asked_at_s
        if not min_s <= self._offset_s <= max_s:
            self._follow((min_s + max_s) / 2, now_s)
        self._stepped_at_s = now_s
        self.ahead_s = self.wall() - now_s - (min_s + max_s) / 2
        metrics.CLOCK_OFFSET.set(self.ahead_s)
        self._wall_offset_s = self.wall() - now_s

    def _follow(self, offset_s: float, now_s: float) -> None:
        jump_s = offset_s - self._offset_s
        # A machine that was suspended finds the same jump in its own wall clock: the time has passed.
        suspended_s = self.wall() - now_s - self._wall_offset_s
        if self._stepped_at_s is None or min(abs(jump_s), abs(jump_s - suspended_s)) <= JUMP_S_MAX:
            self._offset_s = offset_s
            return
        step_s = min(abs(jump_s), JUMP_S_MAX * (now_s - self._stepped_at_s) / self._deadline_s)
        self._offset_s += math.copysign(step_s, jump_s)
        log.warning("clock.jumped", seconds=round(jump_s, 3), taken_over=round(step_s, 3))
