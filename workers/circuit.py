"""A circuit per insurer: aiobreaker's state machine over a sliding window of our own.

aiobreaker alone counts failures in a row, lets everybody through when half open, and reads the wall clock. The window
counts a failure rate, on a monotonic clock; the gate below lets one trial through at a time.
"""

import random
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar, cast

from aiobreaker import CircuitBreaker, CircuitBreakerError, CircuitBreakerState
from aiobreaker.storage.base import CircuitBreakerStorage

from app.clock import Clock
from app.domain.errors import CircuitOpen, InsurerError, InsurerUnavailable
from app.domain.insurer import Availability
from app.insurers import Breaker

Result = TypeVar("Result")

_CALLS_MOST: Final = 10_000
_JITTER: Final = 0.1
_TRIPPED: Final = 1
_AT_ONCE: Final = timedelta(microseconds=1)

_AVAILABILITY: Final = {
    CircuitBreakerState.CLOSED: Availability.AVAILABLE,
    CircuitBreakerState.HALF_OPEN: Availability.RECOVERING,
    CircuitBreakerState.OPEN: Availability.UNAVAILABLE,
}


class _Window(CircuitBreakerStorage):
    """The calls of the last seconds. Opening lasts longer each time that a trial fails."""

    def __init__(self, settings: Breaker, clock: Clock) -> None:
        super().__init__("window")
        self._settings = settings
        self._clock = clock
        self._calls: deque[tuple[float, bool]] = deque(maxlen=_CALLS_MOST)
        self._failures = 0
        self._state = CircuitBreakerState.CLOSED
        self._openings = 0
        self._open_until = 0.0
        self._opened_at = datetime.min  # noqa: DTZ901 - naive, as aiobreaker has it

    @property
    def state(self) -> CircuitBreakerState:
        if self._state is CircuitBreakerState.OPEN and self._clock.monotonic() >= self._open_until:
            self._state = CircuitBreakerState.HALF_OPEN
        return self._state

    @state.setter
    def state(self, state: CircuitBreakerState) -> None:
        self._state = state
        self._calls.clear()
        self._failures = 0
        if state is CircuitBreakerState.OPEN:
            lasting_s = min(self._settings.most, self._settings.reset_after * 2**self._openings)
            self._openings = min(self._openings + 1, 30)
            self._open_until = self._clock.monotonic() + lasting_s * random.uniform(1, 1 + _JITTER)
        elif state is CircuitBreakerState.CLOSED:
            self._openings = 0

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
        return _TRIPPED if tripped else 0

    @property
    def opened_at(self) -> datetime:
        """For aiobreaker's messages alone: how long it stays open is counted above."""
        return self._opened_at

    @opened_at.setter
    def opened_at(self, date_time: datetime) -> None:
        self._opened_at = date_time

    def _add(self, *, failed: bool) -> None:
        if len(self._calls) == _CALLS_MOST:
            self._failures -= self._calls.popleft()[1]
        self._calls.append((self._clock.monotonic(), failed))
        self._failures += failed
        self._forget()

    def _forget(self) -> None:
        oldest = self._clock.monotonic() - self._settings.window
        while self._calls and self._calls[0][0] < oldest:
            self._failures -= self._calls.popleft()[1]


class Circuit:
    """Stands before every call to one insurer."""

    def __init__(self, settings: Breaker, clock: Clock) -> None:
        self._window = _Window(settings, clock)
        self._breaker = CircuitBreaker(fail_max=_TRIPPED, timeout_duration=_AT_ONCE, state_storage=self._window)
        self._is_trying = False

    @property
    def availability(self) -> Availability:
        return _AVAILABILITY[self._window.state]

    async def call(self, step: Callable[[], Awaitable[Result]]) -> Result:
        """One call, counted. Whatever shows that the insurer is alive counts as success, a refusal too.

        Raises:
            CircuitOpen: the insurer is left alone.
        """
        match self._window.state:
            case CircuitBreakerState.CLOSED:
                return await self._counted(step)
            case CircuitBreakerState.HALF_OPEN if not self._is_trying:
                self._is_trying = True
                try:
                    return await self._counted(step)
                finally:
                    self._is_trying = False
            case _:
                raise CircuitOpen("open")

    async def _counted(self, step: Callable[[], Awaitable[Result]]) -> Result:
        async def only_breakdowns_raise() -> Result | InsurerError:
            try:
                return await step()
            except InsurerUnavailable:
                raise
            except InsurerError as error:
                return error

        try:
            result = await cast("Awaitable[Result | InsurerError]", self._breaker.call_async(only_breakdowns_raise))  # pyright: ignore[reportUnknownMemberType]
        except CircuitBreakerError as error:  # the failure that opened it; it is told as what it was
            raise error.__cause__ or CircuitOpen("open") from None
        if isinstance(result, InsurerError):
            raise result
        return result
