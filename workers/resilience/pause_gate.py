"""Before each application that goes to one insurer: an operator may have paused it."""

from datetime import UTC, datetime
from typing import Final

from app.domain.errors import InsurerPaused
from app.domain.operators.control import PauseMode
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import Clock
from workers.resilience.change_signal import ChangeSignal

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class PauseGate:
    """Closed while the insurer is paused. What has an application there already does not come this way."""

    def __init__(self) -> None:
        self.mode: PauseMode | None = None
        """None while it is not paused."""
        self.held_until = _NEVER
        """When it ceased to hold jobs, the last time: those of requests that were accepted before are late by an operator's wish."""
        self._changed = ChangeSignal()

    def set(self, mode: PauseMode | None, now: datetime) -> None:
        """Closes or opens it; jobs that wait look again."""
        if mode is not self.mode:
            if self.mode is PauseMode.HOLD:
                self.held_until = now
            self.mode = mode
            self._changed.notify()

    def check(self) -> None:
        """Returns while the insurer is not paused.

        Raises:
            InsurerPaused: it is.
        """
        if self.mode is not None:
            raise InsurerPaused(holds=self.mode is PauseMode.HOLD)

    async def passed(self) -> None:
        """Returns while the insurer is not paused; waits while its jobs are held.

        Raises:
            InsurerPaused: its jobs are refused.
        """
        while self.mode is PauseMode.HOLD:
            raise_if_cancelled()
            await self._changed.wait()
        self.check()

    async def rest(self, seconds: float, clock: Clock) -> None:
        """Returns after so many seconds, or as soon as the insurer is paused."""
        until = clock.monotonic() + seconds
        while self.mode is None and (left_s := until - clock.monotonic()) > 0:
            raise_if_cancelled()
            await self._changed.wait_at_most(left_s, clock)
