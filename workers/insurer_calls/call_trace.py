"""The entries of one call in the trail of its job: its waits, and its result."""

from typing import Final

from app.domain.errors import CircuitOpen, InsurerError, InsurerPaused, OurLimit
from app.runtime.clock import Clock
from app.story.answer_trail import CIRCUIT_WAIT, RATE_WAIT, AnswerTrail, short_result
from app.story.request_story import WaitKind
from workers.insurer_calls.failure_causes import detail_of
from workers.resilience.rate_limit import Turn

OK_RESULT: Final = "ok"


class CallTrace:
    """Records from the moment at which a call asks to be admitted to its end."""

    __slots__ = ("_clock", "_step", "_trail", "_turn", "began_at_s")

    def __init__(self, trail: AnswerTrail, clock: Clock, step: str, turn: Turn) -> None:
        self._trail = trail
        self._clock = clock
        self._step = step
        self._turn = turn
        self.began_at_s = clock.monotonic()
        trail.wait(WaitKind.CIRCUIT, self.began_at_s, step=step)

    async def take(self) -> None:
        """As `Turn.take`: the circuit has admitted the call."""
        trail, step = self._trail, self._step
        now_s = self._clock.monotonic()
        trail.waited(CIRCUIT_WAIT, step, self.began_at_s, now_s)
        trail.wait(WaitKind.RATE_LIMIT, now_s, step=step)
        await self._turn.take()
        self._pass(now_s)

    async def keep(self) -> None:
        """As `Turn.keep`: the request is about to be sent."""
        now_s = self._clock.monotonic()
        self._trail.wait(WaitKind.RATE_LIMIT, now_s, step=self._step)
        await self._turn.keep()
        self._pass(now_s)

    def end(self, error: InsurerError | None) -> float:
        """The call has ended; returns how long it took, seconds."""
        seconds = self._clock.monotonic() - self.began_at_s
        self._trail.called(self._step, self.began_at_s, seconds, short_result(detail_of(error)) if error else OK_RESULT)
        return seconds

    def _pass(self, since_s: float) -> None:
        self.began_at_s = now_s = self._clock.monotonic()
        self._trail.waited(RATE_WAIT, self._step, since_s, now_s)
        self._trail.wait(WaitKind.INSURER, now_s, step=self._step)


def record_refusal(trail: AnswerTrail, step: str, error: InsurerError, now_s: float) -> None:
    """A call that was not made, for our limit, for the circuit or for an operator's pause; of any other error the call itself is the step."""
    if isinstance(error, CircuitOpen):
        trail.not_called(step, now_s, "circuit_open")
    elif isinstance(error, OurLimit):
        trail.not_called(step, now_s, "rate_limit")
    elif isinstance(error, InsurerPaused):
        trail.not_called(step, now_s, "paused")
