"""Loops that end when they are told to, also when a library has swallowed the telling."""

import asyncio


def end_if_cancelled() -> None:
    """The first line of every loop that runs until it is cancelled.

    Before Python 3.12 `asyncio.wait_for` may lose a cancellation that comes in the moment in which its call is done;
    libraries under us use it. The task still knows.

    Raises:
        CancelledError: the task has been cancelled.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
