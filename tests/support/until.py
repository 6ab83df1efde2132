"""Waiting for a condition, in place of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any


async def until(condition: Callable[[], Any | Awaitable[Any]], *, seconds: float = 60.0, every_s: float = 0.005) -> Any:
    """The first truthy value of the condition, looked at every few milliseconds.

    `seconds` is when a test is given up; how long something may take is asserted by `support.stalls.within`.
    """
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {inspect.getsource(condition).strip()}")
        await asyncio.sleep(every_s)
