"""The descriptors that this process has left. At the limit libuv accepts connections and drops them silently."""

import os
import resource
import sys
from typing import Final

import structlog

from app.observability import metrics
from app.runtime.clock import Clock
from app.runtime.periodic import LogThrottle, periodic
from app.runtime.supervision import Part

LOOK_EVERY_S: Final = 1.0
LEFT_MIN: Final = 16
"""With fewer the process says so: probes, PostgreSQL, Redis and insurers need some too."""

log: Final = structlog.get_logger(__name__)


def descriptors_left() -> int:
    """The limit less the lowest free number: descriptors have the lowest numbers that are free, so it is exact or too high."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        number = os.dup(sys.__stderr__.fileno() if sys.__stderr__ else 0)
    except OSError:
        return 0
    os.close(number)
    return limit - number


class DescriptorWatch:
    """Looks once a second; `is_short` while there are fewer than LEFT_MIN."""

    def __init__(self, clock: Clock) -> None:
        self.is_short = False
        self._clock = clock
        self._waiting = LogThrottle(clock)

    def part(self) -> Part:
        return periodic("descriptors", self.look, every_s=LOOK_EVERY_S, clock=self._clock)

    async def look(self) -> None:
        """Looks once."""
        was_short, left = self.is_short, descriptors_left()
        self.is_short = left < LEFT_MIN
        if self.is_short:
            metrics.DESCRIPTORS_SHORT.inc()
            if self._waiting.is_due:
                limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
                log.warning("descriptors.short", left=left, limit=limit)
        elif was_short:
            log.info("descriptors.enough", left=left)
