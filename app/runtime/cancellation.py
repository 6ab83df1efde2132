"""Cancellation helpers: re-raise a cancellation that a library swallowed (before Python 3.12), and run several coroutines until the first is done."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def raise_if_cancelled() -> None:
    """The first line of every loop that runs until it is cancelled.

    Before Python 3.12 `asyncio.wait_for` may lose a cancellation that comes in the moment in which its call is done;
    libraries in use here do. The task still knows.

    Raises:
        CancelledError: the task has been cancelled.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def race(*ways: Coroutine[Any, Any, Result]) -> Result:
    """The result, or the error, of the first to end; the others are cancelled, and have ended when this returns.

    Of those that end in the same moment the first that returns something goes before one that raises.
    """
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    ended = [task for task in tasks if task in done]
    return min(ended, key=lambda task: task.cancelled() or task.exception() is not None).result()


async def first_set(*events: asyncio.Event) -> None:
    """Returns when one of them is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
