"""The state of one circuit: aiobreaker's state machine over an own storage: a failure rate over a sliding window.

aiobreaker alone counts failures in a row and reads the wall clock; this counts a rate, on a monotonic clock. Every outcome is
reported to it in one step, after the call, so that nothing changes between the outcome and its count.
"""

import contextlib
import random
from collections import deque
from datetime import datetime, timedelta
from typing import Final

from aiobreaker import CircuitBreaker, CircuitBreakerError, CircuitBreakerState
from aiobreaker.storage.base import CircuitBreakerStorage

from app.config.insurers_file import Breaker
from app.domain.insurer import Availability
from app.redis.insurer_states import OpenCircuit
from app.runtime.clock import Clock

TRIPPED: Final = 1
JITTER: Final = 0.1
_CALLS_MAX: Final = 10_000
_OPENINGS_MAX: Final = 30
_AVAILABILITY: Final = {
    CircuitBreakerState.CLOSED: Availability.AVAILABLE,
    CircuitBreakerState.HALF_OPEN: Availability.RECOVERING,
    CircuitBreakerState.OPEN: Availability.UNAVAILABLE,
}
_AT_ONCE: Final = timedelta(microseconds=1)


class _Failed(Exception):
    """An error that aiobreaker counts as a failure."""


class CountedCall:
    """One call in the window."""

    __slots__ = ("at", "failed", "is_in")

    def __init__(self, at: float, *, failed: bool) -> None:
        self.at = at
        self.failed = failed
        self.is_in = True


class FailureWindow(CircuitBreakerStorage):
    """The calls of the last seconds. Opening lasts longer each time that a trial fails."""

    def __init__(self, settings: Breaker, clock: Clock) -> None:
        super().__init__("window")
        self._settings = settings
        self._clock = clock
        self._calls: deque[CountedCall] = deque()
        self._failures = 0
        self._state = CircuitBreakerState.CLOSED
        self._openings = 0
        self._open_until = 0.0
        self._opened_at = datetime.min  # noqa: DTZ901 - naive, as aiobreaker has it
        self._last: CountedCall | None = None
        """The call that aiobreaker has counted last."""
        self.generation = 0
        """Changes with the state."""
        self.needs_answer = False
        """Whether only an answered job closes it: jobs without an answer have opened it."""
        self.is_unpublished = False
        """Whether this worker has opened or closed it, and the others do not know."""
        self._breaker = CircuitBreaker(fail_max=TRIPPED, timeout_duration=_AT_ONCE, state_storage=self)

    def succeeded(self) -> None:
        """Counts a call that succeeded; closes the circuit if it was half open."""
        with contextlib.suppress(CircuitBreakerError):
            self._breaker.call(_succeed)  # pyright: ignore[reportUnknownMemberType]

    def failed(self) -> CountedCall | None:
        """Counts a call that failed, and returns it; opens the circuit if that was one too many, or if it was half open."""
        self._last = None
        with contextlib.suppress(CircuitBreakerError, _Failed):
            self._breaker.call(_fail)  # pyright: ignore[reportUnknownMemberType]
        return self._last

    def open(self) -> None:
        """Opens it for jobs without an answer."""
        self._breaker.open()
        self.needs_answer = True

    def published(self) -> None:
        """The other workers know its state."""
        self.is_unpublished = False

    @property
    def state(self) -> CircuitBreakerState:
        if self._state is CircuitBreakerState.OPEN and self._clock.monotonic() >= self._open_until:
            self._become(CircuitBreakerState.HALF_OPEN)
        return self._state

    @state.setter
    def state(self, state: CircuitBreakerState) -> None:
        self._become(state)
        self.is_unpublished = True
        if state is CircuitBreakerState.OPEN:
            lasting_s = min(self._settings.most, self._settings.reset_after * 2**self._openings)
            self._openings = min(self._openings + 1, _OPENINGS_MAX)
            self._open_until = self._clock.monotonic() + lasting_s * random.uniform(1, 1 + JITTER)

    @property
    def availability(self) -> Availability:
        return _AVAILABILITY[self.state]

    def apply(self, shared: OpenCircuit | None) -> None:
        """Takes the state that all workers share; None: closed."""
        self.is_unpublished = False
        if shared is None:
            wanted = CircuitBreakerState.CLOSED
        else:
            wanted = CircuitBreakerState.OPEN if shared.open_s > 0 else CircuitBreakerState.HALF_OPEN
            self._openings = min(shared.openings + 1, _OPENINGS_MAX)
            self.needs_answer = shared.needs_answer
            self._open_until = self._clock.monotonic() + shared.open_s
        if self._state is not wanted:
            self._become(wanted)

    def increment_counter(self) -> None:
        self._add(failed=True)

    def reset_counter(self) -> None:
        """Counts a success: it is aiobreaker's word for a call that succeeded."""
        self._add(failed=False)

    @property
    def counter(self) -> int:
        """Trips the breaker when the failure rate is reached, by enough calls."""
        self._forget()
        calls = len(self._calls)
        tripped = calls >= self._settings.min_calls and self._failures >= calls * self._settings.failure_rate
        return TRIPPED if tripped else 0

    @property
    def opened_at(self) -> datetime:
        """For aiobreaker's messages alone: how long it stays open is counted above."""
        return self._opened_at

    @opened_at.setter
    def opened_at(self, date_time: datetime) -> None:
        self._opened_at = date_time

    def _become(self, state: CircuitBreakerState) -> None:
        self._state = state
        self.generation += 1
        for call in self._calls:
            call.is_in = False
        self._calls.clear()
        self._failures = 0
        if state is CircuitBreakerState.CLOSED:
            self._openings = 0
            self.needs_answer = False

    def _add(self, *, failed: bool) -> None:
        if self._state is not CircuitBreakerState.CLOSED:
            return
        if len(self._calls) == _CALLS_MAX:
            self._drop_oldest()
        self._last = CountedCall(self._clock.monotonic(), failed=failed)
        self._calls.append(self._last)
        self._failures += failed
        self._forget()

    def forgive(self, call: CountedCall) -> None:
        """A repetition of this call was answered: it proves nothing against the insurer any more."""
        if call.is_in and call.failed:
            call.failed = False
            self._failures -= 1

    def _forget(self) -> None:
        oldest = self._clock.monotonic() - self._settings.window
        while self._calls and self._calls[0].at < oldest:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        call = self._calls.popleft()
        call.is_in = False
        self._failures -= call.failed


def _succeed() -> None:
    """The call has been made already."""


def _fail() -> None:
    raise _Failed
