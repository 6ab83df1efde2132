"""A circuit per insurer, over aiobreaker's state machine and a window of our own (`workers.resilience.failure_window`).

aiobreaker alone lets everybody through when half open, and knows nothing of other workers. Here one trial in the whole
cluster decides, and an open circuit is everybody's; without Redis each worker goes by what it sees itself.
"""

import asyncio
import contextlib
import random
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeVar, cast

from aiobreaker import CircuitBreaker, CircuitBreakerError, CircuitBreakerState

from app.config.insurers_file import InsurerSettings
from app.domain.errors import CircuitOpen, InsurerError, InsurerUnavailable
from app.domain.insurer import Availability
from app.redis.insurer_states import InsurerStates, OpenCircuit
from app.redis.topology import GONE
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import Clock
from workers.resilience.failure_window import JITTER, TRIPPED, FailureWindow

Result = TypeVar("Result")

TRIAL_WAIT_S_MAX: Final = 3.0
"""Who comes while a trial is under way waits so long for its outcome."""
TRIAL_GRACE_S: Final = 2.0
_AT_ONCE: Final = timedelta(microseconds=1)

_AVAILABILITY: Final = {
    CircuitBreakerState.CLOSED: Availability.AVAILABLE,
    CircuitBreakerState.HALF_OPEN: Availability.RECOVERING,
    CircuitBreakerState.OPEN: Availability.UNAVAILABLE,
}


class SharedBreaker:
    """Stands before every call to one insurer. Its window is this worker's own; that it is open, everybody's."""

    def __init__(self, settings: InsurerSettings, clock: Clock, states: InsurerStates | None = None) -> None:
        self._insurer_id = settings.id
        self._settings = settings.breaker
        self._trial_s = settings.request_timeout + settings.connect_timeout + TRIAL_GRACE_S
        self._clock = clock
        self._states = states
        self._window = FailureWindow(settings.breaker, clock)
        self._breaker = CircuitBreaker(fail_max=TRIPPED, timeout_duration=_AT_ONCE, state_storage=self._window)
        self._trial = ""
        """The token of this worker's own trial, while it is under way."""
        self._changed = asyncio.Event()

    @property
    def availability(self) -> Availability:
        return _AVAILABILITY[self._window.state]

    def check(self) -> None:
        """Returns unless a call would be refused at once.

        Raises:
            CircuitOpen: the insurer is left alone.
        """
        if self._window.state is CircuitBreakerState.OPEN:
            raise CircuitOpen("open")

    async def call(
        self, step: Callable[[], Awaitable[Result]], *, before: Callable[[], Awaitable[None]] | None = None
    ) -> Result:
        """One call, counted. Whatever shows that the insurer is alive counts as success, a refusal too.

        Who finds the circuit half open makes the trial, or waits for somebody else's for some seconds. `before` is awaited
        by who is let through, and not counted.

        Raises:
            CircuitOpen: the insurer is left alone.
        """
        while True:
            raise_if_cancelled()
            is_trial = self._window.state is not CircuitBreakerState.CLOSED and await self._admitted_to_trial()
            generation = self._window.generation
            try:
                if before is not None:
                    await before()
                if is_trial or self._window.state is CircuitBreakerState.CLOSED:
                    return await self._counted(step, generation)
            finally:
                if is_trial:
                    await self._end_trial()
                elif self._window.generation != generation:
                    await self._tell()

    def adopt(self, shared: OpenCircuit | None) -> None:
        """Takes over what all workers together know."""
        if not self._window.is_untold:
            self._window.adopt(shared)
        self._stir()

    async def share(self) -> None:
        """Tells the others of what this worker has found and they do not know yet.

        Raises:
            redis.RedisError: Redis is not there.
        """
        if self._states is None or not self._window.is_untold:
            return
        if self._window.state is CircuitBreakerState.CLOSED:
            await self._states.close(self._insurer_id)
            self._window.is_untold = False
            return
        opened = await self._states.open(
            self._insurer_id,
            first_s=self._settings.reset_after,
            most_s=self._settings.most,
            jitter=random.uniform(1, 1 + JITTER),
            remembered_s=2 * self._settings.most,
        )
        self._window.adopt(opened)

    async def _admitted_to_trial(self) -> bool:
        """Whether this call is the trial; False where another one has closed the circuit meanwhile."""
        until = self._clock.monotonic() + TRIAL_WAIT_S_MAX
        while True:
            raise_if_cancelled()
            match self._window.state:
                case CircuitBreakerState.CLOSED:
                    return False
                case CircuitBreakerState.HALF_OPEN if not self._trial and await self._claim():
                    return True
                case CircuitBreakerState.HALF_OPEN:
                    await self._wait_for_change(until - self._clock.monotonic())
                case _:
                    raise CircuitOpen("open")

    async def _claim(self) -> bool:
        self._trial = token = secrets.token_hex(8)
        try:
            if self._states is None or await self._states.claim_trial(self._insurer_id, token, lasts_s=self._trial_s):
                return True
        except GONE:
            return True  # without Redis each worker tries for itself
        except BaseException:
            self._trial = ""
            raise
        self._trial = ""
        return False

    async def _end_trial(self) -> None:
        token, self._trial = self._trial, ""
        if self._window.state is CircuitBreakerState.HALF_OPEN and self._states:  # it was cancelled
            with contextlib.suppress(*GONE):
                await self._states.leave_trial(self._insurer_id, token)
        await self._tell()

    async def _tell(self) -> None:
        self._stir()
        with contextlib.suppress(*GONE):  # it is told later
            await self.share()

    async def _wait_for_change(self, seconds: float) -> None:
        """Raises CircuitOpen when nothing has changed by then."""
        changed = asyncio.ensure_future(self._changed.wait())
        asleep = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            done, _ = await asyncio.wait({changed, asleep}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
            asleep.cancel()
        if changed not in done:
            raise CircuitOpen("half open")

    def _stir(self) -> None:
        """Whoever waits looks again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _counted(self, step: Callable[[], Awaitable[Result]], generation: int) -> Result:
        async def only_breakdowns_raise() -> Result | InsurerError:
            try:
                return await step()
            except InsurerUnavailable:
                raise
            except InsurerError as error:
                return error
            finally:
                # aiobreaker counts at once, without a step in between: what began before a change proves nothing now.
                self._window.is_late = self._window.generation != generation

        try:
            result = await cast("Awaitable[Result | InsurerError]", self._breaker.call_async(only_breakdowns_raise))  # pyright: ignore[reportUnknownMemberType]
        except CircuitBreakerError as error:  # the failure that opened it; it is told as what it was
            raise error.__cause__ or CircuitOpen("open") from None
        finally:
            self._window.is_late = False
        if isinstance(result, InsurerError):
            raise result
        return result
