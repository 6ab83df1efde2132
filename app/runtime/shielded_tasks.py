"""Tasks that go on when their caller has disconnected: a mutation is finished, also when its socket is gone."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

Result = TypeVar("Result")

FINISH_S_MAX: Final = 3.0
"""The longest that a mutation takes, and that a stopping process waits for mutations without a caller."""


class ShieldedTasks:
    """The owner calls `finished` before it closes what the tasks use."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def open(self) -> int:
        """The number of tasks that are going on."""
        return len(self._tasks)

    async def finish(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of the work. If the caller is cancelled meanwhile, the work is not."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def finished(self) -> None:
        """Waits for the tasks that are still going on, though not for ever."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FINISH_S_MAX)
