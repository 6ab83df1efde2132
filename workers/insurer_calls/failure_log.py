"""Logs how an insurer fails: one line a minute while it does, and one when it has recovered."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

import structlog

from app.domain.errors import InsurerBusy, InsurerError
from app.runtime.clock import Clock
from workers.insurer_calls.failure_causes import detail_of

log: Final = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 1.0
FIRST_AFTER_S: Final = 5.0
"""From the first failure to the first line: by then its kinds are known."""
REPORT_EVERY_S: Final = 60.0
FAILED_SHARE_MIN: Final = 0.2
"""The share of a period's calls: fewer failures are mended by repeating, and are only counted in the metric."""
_KINDS_MAX: Final = 5


class FailureLog:
    """Counts the results of one insurer's calls since the last line."""

    def __init__(self, insurer_id: str, clock: Clock) -> None:
        self._insurer_id = insurer_id
        self._clock = clock
        self._is_failing = False
        self._begin()

    def _begin(self) -> None:
        self._calls = 0
        self._kinds: Counter[str] = Counter()
        self._slowest_s = 0.0
        self._since: float | None = None
        """The moment of the period's first failure; while the insurer is failing, of its first call."""

    def count(self, error: InsurerError | None, seconds: float) -> None:
        """Counts a call that was answered, or how it failed. A plea for patience is an answer."""
        is_failure = error is not None and not isinstance(error, InsurerBusy)
        self._calls += 1
        self._slowest_s = max(self._slowest_s, seconds)
        if error is not None and is_failure:
            self._kinds[detail_of(error)] += 1
        if self._since is None and (is_failure or self._is_failing):
            self._since = self._clock.monotonic()

    def report(self) -> None:
        """Writes a line where one is due."""
        now_s = self._clock.monotonic()
        if self._since is None:
            self._forget_quiet_calls()
            return
        if now_s - self._since < (REPORT_EVERY_S if self._is_failing else FIRST_AFTER_S):
            return
        failed = self._kinds.total()
        if failed >= self._calls * FAILED_SHARE_MIN:
            log.warning("insurer.failing", insurer=self._insurer_id, **self._figures(failed))
            self._is_failing = True
        elif self._is_failing:
            log.warning("insurer.recovered", insurer=self._insurer_id, calls=self._calls, failed=failed)
            self._is_failing = False
        self._begin()

    def _figures(self, failed: int) -> Mapping[str, object]:
        statuses = " ".join(f"{kind}×{count}" for kind, count in self._kinds.most_common(_KINDS_MAX))
        slowest_s = round(self._slowest_s, 2)
        return {"calls": self._calls, "failed": failed, "statuses": statuses, "slowest_s": slowest_s}

    def _forget_quiet_calls(self) -> None:
        """Calls from before a failure say nothing about it."""
        self._calls, self._slowest_s = 0, 0.0
