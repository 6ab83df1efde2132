"""The metrics of the calls to one insurer."""

from datetime import datetime
from typing import Final

from prometheus_client import Counter, Histogram

from app.domain.errors import InsurerError
from app.domain.ids import made_at
from app.observability import metrics
from app.observability.recent_calls import RECENT_CALLS
from app.runtime.clock import Clock
from workers.insurer_calls.failure_causes import OK, why_of
from workers.job import Job

_RESULT_OK: Final = "ok"


class CallMeter:
    """Looking a label up costs as much as counting: each is looked up once."""

    def __init__(self, insurer_id: str, clock: Clock) -> None:
        self._insurer_id = insurer_id
        self._clock = clock
        self._calls: dict[tuple[str, str, str], Counter] = {}
        self._seconds: dict[str, Histogram] = {}
        self._first = metrics.FIRST_CALL.labels(insurer_id)
        self._empty = metrics.POLLS_EMPTY.labels(insurer_id)

    def begin(self, job: Job, *, held_until: datetime) -> None:
        """Called when the first call about this job may begin. A job that an operator's pause has held until this moment is not observed."""
        accepted_at = made_at(job.request_id)
        if accepted_at >= held_until:
            self._first.observe(max(0.0, -self._clock.seconds_until(accepted_at)))

    def count(self, step: str, error: InsurerError | None, seconds: float) -> None:
        """Counts a call that was answered, or failed."""
        key = (step, _RESULT_OK, OK) if error is None else (step, type(error).__name__, why_of(error))
        counter = self._calls.get(key)
        if counter is None:
            counter = self._calls[key] = metrics.CALLS.labels(self._insurer_id, *key)
        counter.inc()
        took = self._seconds.get(step)
        if took is None:
            took = self._seconds[step] = metrics.CALL_SECONDS.labels(self._insurer_id, step)
        took.observe(seconds)
        RECENT_CALLS.called(self._insurer_id, step, key[2] or _RESULT_OK, seconds)

    def count_empty_poll(self) -> None:
        self._empty.inc()
