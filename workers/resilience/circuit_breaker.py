"""A circuit per insurer, shared by all workers: `admit` a call, then report that it has `succeeded` or `failed`.

aiobreaker is inside, under `workers.resilience.failure_window`. It admits every call when half open, and knows nothing of
other workers. Here one trial in the whole cluster decides, and an open circuit is open for all workers; without Redis each
worker goes by its own calls.

Two things open it: too many failed calls within the window, which takes traffic; and some jobs in a row, over all workers,
that ended without an answer, which takes none. A trial is a job with its retries, so that a cold first call proves nothing.
"""

import asyncio
import random
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from aiobreaker import CircuitBreakerState

from app.config.insurers_file import InsurerSettings
from app.domain.errors import CircuitOpen, InsurerBusy, InsurerError, InsurerUnavailable, RedisAway
from app.domain.insurer import Availability
from app.domain.operators.control import ForcedCircuit
from app.redis.insurer_states import InsurerStates, OpenCircuit
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import Clock
from workers.resilience.change_signal import ChangeSignal
from workers.resilience.failure_window import JITTER, CountedCall, FailureWindow

Result = TypeVar("Result")

UNANSWERED_MAX: Final = 5
"""Jobs in a row without an answer that open it."""
TRIAL_WAIT_S_MAX: Final = 3.0
"""A job that comes while a trial is under way waits so long for its outcome."""
TRIAL_GRACE_S: Final = 2.0
SHARE_S_MAX: Final = 0.5
_UNCOUNTED: Final = -1
"""The generation of calls through a forced circuit: no window has it."""


class SharedBreaker:
    """Stands before every call to one insurer. Its window is this worker's own; its state is shared by all workers."""

    def __init__(self, settings: InsurerSettings, clock: Clock, states: InsurerStates | None = None) -> None:
        self._insurer_id = settings.id
        self._settings = settings.breaker
        waits_s = max(settings.retry.most, settings.poll_interval.most)
        self._trial_s = settings.request_timeout + settings.connect_timeout + waits_s + TRIAL_GRACE_S
        """A trial that makes no call for so long is another job's."""
        self._clock = clock
        self._states = states
        self._window = FailureWindow(settings.breaker, clock)
        self._trial: Passage | None = None
        """This worker's own, while it is under way."""
        self._unanswered = 0
        """Jobs in a row, as all workers together have counted them; without Redis, as this one has."""
        self.answered_at = float("-inf")
        """When a job of this worker was last answered."""
        self._changed = ChangeSignal()
        self._forced: ForcedCircuit | None = None

    @property
    def availability(self) -> Availability:
        if self._forced is None:
            return self._window.availability
        return Availability.UNAVAILABLE if self._forced is ForcedCircuit.OPEN else Availability.AVAILABLE

    def force(self, forced: ForcedCircuit | None) -> None:
        """An operator keeps it open or closed: calls are not counted then. None: it is left to itself."""
        if forced is not self._forced:
            self._forced = forced
            self._changed.notify()

    def passage(self) -> "Passage":
        """For a job that begins."""
        return Passage(self, self._clock.monotonic())

    def check(self) -> None:
        """Returns unless a call would be refused at once.

        Raises:
            CircuitOpen: the insurer is left alone.
        """
        if self._forced is ForcedCircuit.OPEN:
            raise CircuitOpen("forced open")
        if self._forced is None and self._window.state is CircuitBreakerState.OPEN:
            raise CircuitOpen("open")

    async def admit(self, passage: "Passage", before: Callable[[], Awaitable[None]] | None = None) -> int:
        """Returns when a call may be made, with the generation that `succeeded` and `failed` take.

        A job that finds the circuit half open is the trial, or waits for another one's for some seconds. `before` is awaited
        when the call is admitted.

        Raises:
            CircuitOpen: the insurer is left alone.
        """
        while True:
            raise_if_cancelled()
            if (forced := self._forced) is ForcedCircuit.OPEN:
                raise CircuitOpen("forced open")
            if forced is None and self._window.state is not CircuitBreakerState.CLOSED:
                await self._admit_to_trial(passage)
            generation = self._window.generation if forced is None else _UNCOUNTED
            if passage.generation is None:
                passage.generation = generation
            if before is not None:
                await before()
            if forced is not self._forced:
                continue
            if forced or passage is self._trial or self._window.state is CircuitBreakerState.CLOSED:
                return generation

    async def succeeded(self, passage: "Passage", generation: int, error: InsurerError | None = None) -> None:
        """The insurer is alive: the call brought what it was made for, or an error that says so."""
        if passage is self._trial:
            # It decides, unless only an answered job may: then neither a result does nor a wish for patience.
            if not self._window.needs_answer or not (error is None or isinstance(error, InsurerBusy)):
                await self._end_trial(passage, is_answered=True)
        elif generation == self._window.generation:  # a call that began before a change proves nothing now
            self._window.succeeded()
        if error is None:
            for call in passage.failures:
                self._window.forgive(call)
            passage.failures.clear()

    async def failed(self, passage: "Passage", generation: int) -> None:
        """The call failed. One of a trial may be repeated: the end of its job decides."""
        if passage is self._trial or generation != self._window.generation:
            return
        if call := self._window.failed():
            passage.failures.append(call)
        if generation != self._window.generation:
            await self._publish()

    async def ended(self, passage: "Passage", *, is_answered: bool | None) -> None:
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

    def apply(self, shared: OpenCircuit | None, *, unanswered: int = 0) -> None:
        """Takes over the state that all workers share."""
        self._unanswered = unanswered
        if not self._window.is_unpublished:
            self._window.apply(shared)
        self._changed.notify()

    async def share(self) -> None:
        """Publishes a state that this worker has found and the others do not know yet.

        Raises:
            RedisAway: Redis is not there.
        """
        if self._states is None or not self._window.is_unpublished:
            return
        if self._window.state is CircuitBreakerState.CLOSED:
            await self._states.close(self._insurer_id)
            self._window.published()
            return
        opened = await self._states.open(
            self._insurer_id,
            first_s=self._settings.reset_after,
            max_s=self._settings.most,
            jitter=random.uniform(1, 1 + JITTER),
            needs_answer=self._window.needs_answer,
        )
        self._window.apply(opened)

    async def _count_unanswered(self) -> None:
        self._unanswered += 1
        if self._states:
            counted = await _shortly(self._states.count_unanswered(self._insurer_id))
            self._unanswered = counted or self._unanswered
        if self._unanswered >= UNANSWERED_MAX and self._window.state is CircuitBreakerState.CLOSED:
            self._unanswered = 0
            self._window.open()
            await self._publish()

    async def _admit_to_trial(self, passage: "Passage") -> None:
        """Returns when this job is the trial, or when another one has closed the circuit meanwhile."""
        until = self._clock.monotonic() + TRIAL_WAIT_S_MAX
        while self._forced is None:
            raise_if_cancelled()
            match self._window.state:
                case CircuitBreakerState.CLOSED:
                    return
                case CircuitBreakerState.HALF_OPEN if self._trial in {None, passage} and await self._claim(passage):
                    return
                case CircuitBreakerState.HALF_OPEN:
                    if not await self._changed.wait_at_most(until - self._clock.monotonic(), self._clock):
                        raise CircuitOpen("half open")
                case _:
                    raise CircuitOpen("open")

    async def _claim(self, passage: "Passage") -> bool:
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

    async def _end_trial(self, passage: "Passage", *, is_answered: bool | None) -> None:
        self._trial = None
        is_half_open = self._window.state is CircuitBreakerState.HALF_OPEN
        if is_half_open and is_answered is not None and passage.generation == self._window.generation:
            self._decide(is_answered=is_answered)
        elif is_half_open and self._states:  # it proved nothing
            await _shortly(self._states.leave_trial(self._insurer_id, passage.token))
        await self._publish()

    def _decide(self, *, is_answered: bool) -> None:
        """Closes the circuit, or opens it again, as aiobreaker has it."""
        if is_answered:
            self._window.succeeded()
            self.answered_at = self._clock.monotonic()
        else:
            self._window.failed()

    async def _publish(self) -> None:
        self._changed.notify()
        await _shortly(self.share())  # else it is shared later


class Passage:
    """The way of one job through its insurer's circuit, from its first call to its end. `end` it once."""

    __slots__ = ("_breaker", "_is_busy", "began_at", "failures", "generation", "token")

    def __init__(self, breaker: SharedBreaker, began_at: float) -> None:
        self._breaker = breaker
        self._is_busy = False
        self.began_at = began_at
        self.failures: list[CountedCall] = []
        """Calls counted as failed; a repetition that succeeds makes up for them."""
        self.generation: int | None = None
        """The generation of the circuit at the job's first call."""
        self.token = ""
        """The token of the trial, where this job is the one."""

    @asynccontextmanager
    async def admitted(self, before: Callable[[], Awaitable[None]] | None = None) -> AsyncGenerator[None, None]:
        """Around one call: admits it as `SharedBreaker.admit`, and counts it. A refusal shows that the insurer is alive, too."""
        self._is_busy = False
        try:
            generation = await self._breaker.admit(self, before)
            try:
                yield
            except Exception as error:
                if isinstance(error, InsurerError) and not isinstance(error, InsurerUnavailable):
                    await self._breaker.succeeded(self, generation, error)
                else:
                    await self._breaker.failed(self, generation)
                raise
            await self._breaker.succeeded(self, generation)
        except InsurerBusy:
            self._is_busy = True
            raise

    async def end(self, *, is_answered: bool | None) -> None:
        """The job has ended. None: with nothing that says anything about the insurer."""
        await self._breaker.ended(self, is_answered=is_answered)

    async def end_at_deadline(self) -> None:
        """Its time is up, and nothing has come: that says something unless it was never asked, or asked for patience."""
        overlaps = self.began_at < self._breaker.answered_at  # others were answered meanwhile: it is slow, not away
        is_silent = self.generation is not None and not self._is_busy and not overlaps
        await self.end(is_answered=False if is_silent else None)


async def _shortly(sharing: Awaitable[Result]) -> Result | None:
    """Sharing through Redis comes before a quote is settled: a Redis that hangs holds none back."""
    try:
        async with asyncio.timeout(SHARE_S_MAX):
            return await sharing
    except (RedisAway, TimeoutError):
        return None
