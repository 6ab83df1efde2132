"""The circuit before the aggregator: after ten failures in a row nobody waits for it, but one call a second tries.

aiobreaker counts; what it lacks is added here: one trial at a time when half open, and a monotonic clock.
"""

import time
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Final, TypeVar, cast

from aiobreaker import CircuitBreaker, CircuitBreakerError, CircuitBreakerState
from aiobreaker.storage.memory import CircuitMemoryStorage

Result = TypeVar("Result")

FAILURES_MAX: Final = 10
RESET_S: Final = 1.0
_AT_ONCE: Final = timedelta(microseconds=1)


class CircuitOpen(Exception):
    """The aggregator is left alone for a moment."""


class _Storage(CircuitMemoryStorage):
    """Half opens by the monotonic clock: aiobreaker reads the wall clock, and takes it for UTC."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__(CircuitBreakerState.CLOSED)
        self._monotonic = monotonic
        self._opened_at_s = 0.0

    @property
    def state(self) -> CircuitBreakerState:
        is_over = self._monotonic() - self._opened_at_s >= RESET_S
        if self._state is CircuitBreakerState.OPEN and is_over:
            self._state = CircuitBreakerState.HALF_OPEN
        return self._state

    @state.setter
    def state(self, state: CircuitBreakerState) -> None:
        self._state = state
        if state is CircuitBreakerState.OPEN:
            self._opened_at_s = self._monotonic()


class Circuit:
    """Stands before every call."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._storage = _Storage(monotonic)
        self._breaker = CircuitBreaker(fail_max=FAILURES_MAX, timeout_duration=_AT_ONCE, state_storage=self._storage)
        self._is_trying = False

    @property
    def is_closed(self) -> bool:
        return self._storage.state is CircuitBreakerState.CLOSED

    async def call(self, step: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """One call; whatever it raises counts as a failure, so its time-out belongs inside.

        Raises:
            CircuitOpen: it was not made.
        """
        match self._storage.state:
            case CircuitBreakerState.CLOSED:
                return await self._counted(step)
            case CircuitBreakerState.HALF_OPEN if not self._is_trying:
                self._is_trying = True
                try:
                    return await self._counted(step)
                finally:
                    self._is_trying = False
            case _:
                raise CircuitOpen

    async def _counted(self, step: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        try:
            return cast("Result", await self._breaker.call_async(step))  # pyright: ignore[reportUnknownMemberType]
        except CircuitBreakerError as error:  # the failure that opened it; it is told as what it was
            raise error.__cause__ or CircuitOpen from None
