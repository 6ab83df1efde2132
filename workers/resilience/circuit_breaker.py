"""A circuit per insurer, over aiobreaker's state machine and a window of our own (`workers.resilience.failure_window`).

aiobreaker alone lets every call through when half open, and knows nothing of other workers. Here one trial in the whole
cluster decides, and an open circuit is open for all; without Redis each worker decides by its own calls.

Two things open it: too many failed calls within the window, which takes traffic; and some jobs in a row, over all workers,
that ended without an answer, which takes none. A trial is a job with its retries, so that a cold first call proves nothing.
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
from app.domain.errors import CircuitOpen, InsurerError, InsurerUnavailable, RedisAway
from app.domain.insurer import Availability
from app.redis.insurer_states import InsurerStates, OpenCircuit
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import Clock
from workers.resilience.failure_window import JITTER, TRIPPED, CountedCall, FailureWindow
from workers.resilience.passage import Passage

Result = TypeVar("Result")

UNANSWERED_MAX: Final = 5
"""So many jobs in a row without an answer open it."""
TRIAL_WAIT_S_MAX: Final = 3.0
"""A job that comes while a trial is under way waits so long for its outcome."""
TRIAL_GRACE_S: Final = 2.0
SHARE_S_MAX: Final = 0.5
_AT_ONCE: Final = timedelta(microseconds=1)

_AVAILABILITY: Final = {
    CircuitBreakerState.CLOSED: Availability.AVAILABLE,
    CircuitBreakerState.HALF_OPEN: Availability.RECOVERING,
    CircuitBreakerState.OPEN: Availability.UNAVAILABLE,
}


class SharedBreaker:
    """Stands before every call to one insurer. Its window is this worker's own; its state is shared by all."""

    def __init__(self, settings: InsurerSettings, clock: Clock, states: InsurerStates | None = None) -> None:
        self._insurer_id = settings.id
        self._settings = settings.breaker
        waits_s = max(settings.retry.most, settings.poll_interval.most)
        self._trial_s = settings.request_timeout + settings.connect_timeout + waits_s + TRIAL_GRACE_S
        """A trial that makes no call for so long is another job's."""
        self._clock = clock
        self._states = states
        self._window = FailureWindow(settings.breaker, clock)
        self._breaker = CircuitBreaker(fail_max=TRIPPED, timeout_duration=_AT_ONCE, state_storage=self._window)
        self._trial: Passage | None = None
        """This worker's own, while it is under way."""
        self._unanswered = 0
        """Jobs in a row, as all workers together have counted them; without Redis, as this one has."""
        self.answered_at = float("-inf")
        """When a job of this worker was last answered."""
        self._changed = asyncio.Event()

    @property
    def availability(self) -> Availability:
        return _AVAILABILITY[self._window.state]

    def passage(self) -> Passage:
        """For a job that begins."""
        return Passage(self, self._clock.monotonic())

    def check(self) -> None:
        """Returns unless a call would be refused at once.

        Raises:
            CircuitOpen: the insurer is left alone.
        """
        if self._window.state is CircuitBreakerState.OPEN:
            raise CircuitOpen("open")

    def forgive(self, call: CountedCall) -> None:
        """The call failed, and its repetition did not."""
        self._window.forgive(call)

    async def call(
        self,
        passage: Passage,
        step: Callable[[], Awaitable[Result]],
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> Result:
        """As `Passage.call`."""
        while True:
            raise_if_cancelled()
            if self._window.state is not CircuitBreakerState.CLOSED:
                await self._admit_to_trial(passage)
            generation = self._window.generation
            if passage.generation is None:
                passage.generation = generation
            if before is not None:
                await before()
            if passage is self._trial:
                return await self._tried(passage, step)
            if self._window.state is CircuitBreakerState.CLOSED:
                try:
                    return await self._counted(passage, step, generation)
                finally:
                    if self._window.generation != generation:
                        await self._tell()

    async def conclude(self, passage: Passage, *, is_answered: bool | None) -> None:
        """As `Passage.end`."""
        if passage is self._trial:
            await self._end_trial(passage, is_answered=is_answered)
            return
        if is_answered is None or self._window.state is not CircuitBreakerState.CLOSED:
            return
        if is_answered:
            self.answered_at = self._clock.monotonic()
            if self._unanswered:
                self._unanswered = 0
                if self._states:
                    await _shortly(self._states.end_row(self._insurer_id))
        elif passage.generation == self._window.generation:
            await self._count_unanswered()

    def adopt(self, shared: OpenCircuit | None, *, unanswered: int = 0) -> None:
        """Takes over what all workers together know."""
        self._unanswered = unanswered
        if not self._window.is_unpublished:
            self._window.adopt(shared)
        self._stir()

    async def share(self) -> None:
        """Publishes what this worker has found and the others do not know yet.

        Raises:
            RedisAway: Redis is not there.
        """
        if self._states is None or not self._window.is_unpublished:
            return
        if self._window.state is CircuitBreakerState.CLOSED:
            await self._states.close(self._insurer_id)
            self._window.is_unpublished = False
            return
        opened = await self._states.open(
            self._insurer_id,
            first_s=self._settings.reset_after,
            most_s=self._settings.most,
            jitter=random.uniform(1, 1 + JITTER),
            needs_answer=self._window.needs_answer,
        )
        self._window.adopt(opened)

    async def _count_unanswered(self) -> None:
        self._unanswered += 1
        if self._states:
            counted = await _shortly(self._states.count_unanswered(self._insurer_id))
            self._unanswered = counted or self._unanswered
        if self._unanswered >= UNANSWERED_MAX and self._window.state is CircuitBreakerState.CLOSED:
            self._unanswered = 0
            self._breaker.open()
            self._window.needs_answer = True
            await self._tell()

    async def _admit_to_trial(self, passage: Passage) -> None:
        """Returns when this job is the trial, or when another one has closed the circuit meanwhile."""
        until = self._clock.monotonic() + TRIAL_WAIT_S_MAX
        while True:
            raise_if_cancelled()
            match self._window.state:
                case CircuitBreakerState.CLOSED:
                    return
                case CircuitBreakerState.HALF_OPEN if self._trial in {None, passage} and await self._claim(passage):
                    return
                case CircuitBreakerState.HALF_OPEN:
                    await self._wait_for_change(until - self._clock.monotonic())
                case _:
                    raise CircuitOpen("open")

    async def _claim(self, passage: Passage) -> bool:
        """Makes this job the trial, or keeps it for longer."""
        is_new = self._trial is None
        self._trial, passage.token = passage, passage.token or secrets.token_hex(8)
        try:
            is_ours = self._states is None or await self._states.claim_trial(
                self._insurer_id, passage.token, lasts_s=self._trial_s
            )
        except RedisAway:
            is_ours = True  # without Redis each worker tries for itself
        except BaseException:
            self._trial = None
            raise
        if is_ours and is_new:
            passage.generation = self._window.generation
        if not is_ours:
            self._trial = None
        return is_ours

    async def _tried(self, passage: Passage, step: Callable[[], Awaitable[Result]]) -> Result:
        """A call of the trial. One that fails may be repeated; one that goes well decides, where an answer need not be awaited."""
        try:
            result = await step()
        except InsurerUnavailable:
            raise
        except InsurerError:
            await self._end_trial(passage, is_answered=True)
            raise
        if not self._window.needs_answer:
            await self._end_trial(passage, is_answered=True)
        return result

    async def _end_trial(self, passage: Passage, *, is_answered: bool | None) -> None:
        self._trial = None
        is_half_open = self._window.state is CircuitBreakerState.HALF_OPEN
        if is_half_open and is_answered is not None and passage.generation == self._window.generation:
            await self._decide(is_answered=is_answered)
        elif is_half_open and self._states:  # it proved nothing
            await _shortly(self._states.leave_trial(self._insurer_id, passage.token))
        await self._tell()

    async def _decide(self, *, is_answered: bool) -> None:
        """Closes the circuit, or opens it again, as aiobreaker has it."""

        async def outcome() -> None:
            if not is_answered:
                raise InsurerUnavailable("the trial")

        with contextlib.suppress(CircuitBreakerError, InsurerUnavailable):
            await self._breaker.call_async(outcome)  # pyright: ignore[reportUnknownMemberType]
        if is_answered:
            self.answered_at = self._clock.monotonic()

    async def _tell(self) -> None:
        self._stir()
        await _shortly(self.share())  # else it is shared later

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
        """Jobs that wait for a trial look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _counted(self, passage: Passage, step: Callable[[], Awaitable[Result]], generation: int) -> Result:
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
        except CircuitBreakerError as error:  # the failure that opened it; it is raised as what it was
            raise error.__cause__ or CircuitOpen("open") from None
        except InsurerUnavailable:
            if self._window.last:  # set in this very turn
                passage.fail(self._window.last)
            raise
        finally:
            self._window.is_late = False
        if isinstance(result, InsurerError):
            raise result
        return result


async def _shortly(sharing: Awaitable[Result]) -> Result | None:
    """What is shared through Redis stands before a quote that is to be settled: a Redis that hangs keeps none back."""
    try:
        async with asyncio.timeout(SHARE_S_MAX):
            return await sharing
    except (RedisAway, TimeoutError):
        return None
