"""Where the sandbox has its time from; a test hands in its own."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """Durations are measured on `monotonic`, in seconds; `now` is for moments that people read."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _now
