"""One snapshot a second for all viewers of a process, and none while there are no viewers."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

import msgspec

from app.domain.errors import Overloaded
from app.overview.system_snapshot import Snapshot
from app.runtime.clock import Clock

EVERY_S: Final = 1.0
VIEWERS_MAX: Final = 100
_RETRY_AFTER_S: Final = 5.0
_encode: Final = msgspec.json.Encoder().encode


class SnapshotFeed:
    """The snapshots of one process, as JSON."""

    def __init__(self, read: Callable[[], Awaitable[Snapshot]], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._reading = asyncio.Lock()
        self._read_at_s = float("-inf")
        self._latest = b""
        self.reads = 0
        self.viewers = 0

    async def latest(self) -> bytes:
        """A snapshot that is no older than EVERY_S."""
        async with self._reading:
            if self._clock.monotonic() - self._read_at_s >= EVERY_S:
                self._latest = _encode(await self._read())
                self._read_at_s = self._clock.monotonic()
                self.reads += 1
        return self._latest

    async def follow(self, is_over: Callable[[float], Awaitable[bool]]) -> AsyncGenerator[bytes, None]:
        """Snapshot after snapshot, until `is_over`, which is given the seconds to wait before the next one, returns True.

        Raises:
            Overloaded: too many look on already.
        """
        if self.viewers >= VIEWERS_MAX:
            raise Overloaded("too many viewers", _RETRY_AFTER_S)
        self.viewers += 1
        try:
            yield await self.latest()
            while not await is_over(max(0.0, self._read_at_s + EVERY_S - self._clock.monotonic())):
                yield await self.latest()
        finally:
            self.viewers -= 1
