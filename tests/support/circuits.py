"""Jobs through a circuit, of one call each."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.domain.errors import InsurerUnavailable
from workers.resilience.circuit_breaker import SharedBreaker

Result = TypeVar("Result")


async def one_call(circuit: SharedBreaker, call: Callable[[], Awaitable[Result]]) -> Result:
    """What a job of one call without a retry gets, or what it raises."""
    passage, is_answered = circuit.passage(), None
    try:
        async with passage.admitted():
            result = await call()
        is_answered = True
    except InsurerUnavailable:
        is_answered = False
        raise
    finally:
        await passage.end(is_answered=is_answered)
    return result
