"""The metrics of a group commit: items at once, seconds in which they wait for their turn, seconds of a turn."""

import time

from app.observability import metrics


class CommitMeter:
    """Costs a look at the clock where the queue was empty, and three observations a turn."""

    def __init__(self, name: str) -> None:
        self._size = metrics.COMMIT_SIZE.labels(name)
        self._wait = metrics.COMMIT_WAIT.labels(name)
        self._seconds = metrics.COMMIT_SECONDS.labels(name)
        self._since_s = 0.0
        """The moment since which the oldest item waits; for items that a full turn has left, that of the turn."""

    def fill(self) -> None:
        """Called when the first item has come into an empty queue."""
        self._since_s = time.monotonic()

    def begin(self) -> float:
        """Called when a turn begins; returns its moment for `end`."""
        now_s = time.monotonic()
        self._wait.observe(now_s - self._since_s)
        self._since_s = now_s
        return now_s

    def end(self, began_s: float, size: int) -> None:
        self._size.observe(size)
        self._seconds.observe(time.monotonic() - began_s)
