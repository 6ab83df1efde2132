"""Loops that run one turn after the other, and wait for servers that are away."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import structlog

from app.domain.errors import Unavailable
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import Clock
from app.runtime.supervision import Part

LOG_EVERY_S: Final = 60.0

log: Final = structlog.get_logger(__name__)


class LogThrottle:
    """Throttles a repeated log message: the first at once, then one a minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due_s = 0.0

    @property
    def is_due(self) -> bool:
        """Whether to log now; a caller that gets True is taken to log."""
        now_s = self._clock.monotonic()
        if now_s < self._due_s:
            return False
        self._due_s = now_s + LOG_EVERY_S
        return True


def periodic(name: str, run_once: Callable[[], Awaitable[object]], *, every_s: float, clock: Clock) -> Part:
    """A part that runs a turn every so often."""
    return Part(name, partial(run_periodically, name, run_once, every_s=every_s, clock=clock))


async def run_periodically(
    name: str, run_once: Callable[[], Awaitable[object]], *, every_s: float, clock: Clock
) -> None:
    """Runs a turn every so often. An unavailable server is waited for; any other error of a turn ends the part, and its
    supervisor starts it again.
    """
    waiting = LogThrottle(clock)
    while True:
        raise_if_cancelled()
        try:
            await run_once()
        except Unavailable as error:
            if waiting.is_due:
                log.warning("loop.waits", of=error.of, loop=name, error=str(error))
        await clock.sleep(every_s)
