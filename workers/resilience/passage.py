"""One job's way through its insurer's circuit: what its calls prove one by one, and what all of them prove together."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from app.domain.errors import InsurerBusy
from workers.resilience.failure_window import CountedCall

if TYPE_CHECKING:
    from workers.resilience.circuit_breaker import SharedBreaker

Result = TypeVar("Result")


class Passage:
    """From a job's first call to its end. `end` it once."""

    __slots__ = ("_circuit", "_failed", "_is_busy", "began_at", "generation", "token")

    def __init__(self, circuit: "SharedBreaker", began_at: float) -> None:
        self._circuit = circuit
        self._failed: list[CountedCall] = []
        self._is_busy = False
        self.began_at = began_at
        self.generation: int | None = None
        """Of the circuit, at the job's first call."""
        self.token = ""
        """Of the trial, where this job is the one."""

    async def call(
        self, step: Callable[[], Awaitable[Result]], *, before: Callable[[], Awaitable[None]] | None = None
    ) -> Result:
        """One call, counted. Every sign that the insurer is alive counts as success, a refusal too.

        A job that finds the circuit half open is the trial, or waits for another one's for some seconds. `before` is awaited
        when it is let through, and not counted.

        Raises:
            CircuitOpen: the insurer is left alone.
        """
        self._is_busy = False
        try:
            result = await self._circuit.call(self, step, before)
        except InsurerBusy:
            self._is_busy = True
            raise
        for call in self._failed:
            self._circuit.forgive(call)
        self._failed.clear()
        return result

    def fail(self, call: CountedCall) -> None:
        """A call of this job has been counted as failed; that it is repeated may make up for it."""
        self._failed.append(call)

    async def end(self, *, is_answered: bool | None) -> None:
        """The job has ended. None: with nothing that says anything about the insurer."""
        await self._circuit.conclude(self, is_answered=is_answered)

    async def end_at_deadline(self) -> None:
        """Its time is up, and nothing has come: that says something unless it was never asked, or asked for patience."""
        overlaps = self.began_at < self._circuit.answered_at  # others were answered meanwhile: it is slow, not away
        is_silent = self.generation is not None and not self._is_busy and not overlaps
        await self.end(is_answered=False if is_silent else None)
