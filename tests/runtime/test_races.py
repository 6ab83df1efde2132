"""Races: the first coroutine to end decides, and none is left running."""

import asyncio
from typing import Any

import pytest

from app.runtime.cancellation import race


async def after(turns: int, result: Any) -> Any:
    """The result, or the error, after so many turns of the loop."""
    for _ in range(turns):
        await asyncio.sleep(0)
    if isinstance(result, Exception):
        raise result
    return result


async def test_the_first_to_end_decides_and_the_others_are_over() -> None:
    """The others have ended when it returns, not only been cancelled."""
    left = asyncio.Event()

    async def endless() -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            left.set()

    assert await race(endless(), after(3, "first")) == "first"
    assert left.is_set()


async def test_an_error_ends_the_race_and_of_two_at_once_the_result_goes_first() -> None:
    """The result goes first in either order of the arguments."""
    with pytest.raises(ZeroDivisionError):
        await race(after(1, ZeroDivisionError()), after(9, "late"))
    assert await race(after(1, ZeroDivisionError()), after(1, "at once")) == "at once"


async def test_who_is_cancelled_takes_the_others_along() -> None:
    """A deadline of the caller cancels all racing coroutines."""
    ways = [asyncio.Event().wait(), asyncio.Event().wait()]
    before = asyncio.all_tasks()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await race(*ways)
    assert asyncio.all_tasks() == before
