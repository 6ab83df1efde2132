"""The running job: a number in memory that outlives the process, so that a crash can be traced to its job."""

import mmap
import struct
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, Final, TypeVar

Result = TypeVar("Result")

NO_JOB: Final = -1
_NUMBER: Final = struct.Struct("<i")


class CrashMarker:
    """Four bytes of a file that two processes share."""

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, _NUMBER.size)

    @staticmethod
    def prepare(descriptor: int) -> None:
        """Makes an empty file one that can be shared."""
        with open(descriptor, "wb", closefd=False) as file:
            file.write(_NUMBER.pack(NO_JOB))

    @property
    def marked(self) -> int:
        """The number of the job that ran when the process died; else `NO_JOB`."""
        return int(_NUMBER.unpack(self._memory[:])[0])

    def _mark(self, number: int) -> None:
        self._memory[:] = _NUMBER.pack(number)

    async def marking(self, number: int, work: Awaitable[Result]) -> Result:
        """Does the work, marked with this number whenever one of its steps is on the CPU."""
        return await _Steps(work, partial(self._mark, number), partial(self._mark, NO_JOB))


class _Steps(Awaitable[Result]):
    def __init__(self, work: Awaitable[Result], enter: Callable[[], None], leave: Callable[[], None]) -> None:
        self._work = work
        self._enter = enter
        self._leave = leave

    def __await__(self) -> Generator[Any, Any, Result]:
        steps: Any = self._work.__await__()
        step: Callable[[], Any] = partial(steps.send, None)
        while True:
            self._enter()
            try:
                waited = step()
            except StopIteration as done:
                return done.value
            finally:
                self._leave()
            try:
                step = partial(steps.send, (yield waited))
            except BaseException as error:  # noqa: BLE001 - it is the work's to handle
                step = partial(steps.throw, error)
