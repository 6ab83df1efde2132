"""Waiting for a condition, in place of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

_PAUSE_S_MIN: Final = 0.005
_PAUSE_S_MAX: Final = 0.05
_PAUSE_PART: Final = 0.05


async def until(condition: Callable[[], Any | Awaitable[Any]], *, seconds: float = 60.0) -> Any:
    """The first truthy value of the condition, looked at every few milliseconds, and less often the longer it takes.

    `seconds` is when a test is given up; how long something may take is asserted by `support.stalls.within`.
    """
    began_at = time.monotonic()
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        waited_s = time.monotonic() - began_at
        if waited_s > seconds:
            raise AssertionError(f"not within {seconds} s: {inspect.getsource(condition).strip()}")
        await asyncio.sleep(min(_PAUSE_S_MAX, max(_PAUSE_S_MIN, waited_s * _PAUSE_PART)))
