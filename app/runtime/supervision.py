"""The parts of a process: each runs in a task of its own, and is started again in a fresh one when it fails.

A fresh task, because before Python 3.13 a TaskGroup with a failed child leaves its parent cancelled: a loop around it that looks
at `cancelling()` would end without a word.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog
from prometheus_client import Counter

from app.observability import metrics
from app.runtime.clock import Clock

RESTART_S_MIN: Final = 0.1
RESTART_S_MAX: Final = 2.0
"""Each failure in a row doubles the wait before the next start, up to this: less than the shortest sensible lease."""
FAILURES_MAX: Final = 5
"""A part that has failed so often in a row keeps failing …"""
STEADY_S: Final = 60.0
"""… until it has run for so long without a failure."""
_CANCEL_AGAIN_S: Final = 1.0

log: Final = structlog.get_logger(__name__)


class PartEnded(Exception):
    """A part returned, or its task was cancelled, while the process goes on."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that runs for the life of the process. With `may_end` its return is its end; else it is a failure.

    A name is a word, or `word:detail` where there are several of a kind.
    """

    name: str
    run: Callable[[], Awaitable[None]]
    may_end: bool = False


def failures_of(name: str) -> Counter:
    """Counts the failures of all parts of this one's kind. Looked up once it is there, from 0: else no alert sees the first."""
    return metrics.PART_FAILURES.labels(name.partition(":")[0])


def report_failure(name: str, error: BaseException, *, failures: int = 1) -> None:
    """Counts a failure, and logs it with its traceback. Never raises, so that reporting ends no part."""
    with contextlib.suppress(Exception):
        failures_of(name).inc()
    with contextlib.suppress(Exception):
        log.error("part.failed", part=name, failures=failures, exc_info=error)


class RunningPart:
    """One part, from its first start to the end of the process."""

    def __init__(self, part: Part, clock: Clock) -> None:
        self.part = part
        self.starts = 0
        self.failures = 0
        """Failures in a row: none of these runs has lasted for STEADY_S."""
        self.task: asyncio.Task[None] | None = None
        self._clock = clock
        self._began_at = clock.monotonic()

    @property
    def is_failing(self) -> bool:
        """Whether it has failed too often in a row, and has not proved since that it can run."""
        return self.failures >= FAILURES_MAX and not self._is_steady()

    async def keep(self) -> None:
        """Runs the part until it may end, or until this is cancelled."""
        while True:
            self._began_at = self._clock.monotonic()
            self.starts += 1
            self.task = task = asyncio.create_task(self._run(), name=self.part.name)
            try:
                await asyncio.wait({task})
            finally:
                await _cancelled(task)
            error = PartEnded("cancelled") if task.cancelled() else task.exception()
            if error is None and self.part.may_end:
                return
            self.failures = 1 if self._is_steady() else self.failures + 1
            report_failure(self.part.name, error or PartEnded("returned"), failures=self.failures)
            self.task = None
            await self._clock.sleep(min(RESTART_S_MAX, RESTART_S_MIN * 2 ** min(self.failures - 1, 10)))

    async def _run(self) -> None:
        await self.part.run()

    def _is_steady(self) -> bool:
        return self.task is not None and self._clock.monotonic() - self._began_at >= STEADY_S


class PartSupervisor:
    """The parts of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._parts: dict[str, RunningPart] = {}
        self._keeping: dict[str, asyncio.Task[None]] = {}

    @property
    def parts(self) -> Mapping[str, RunningPart]:
        """The parts by name."""
        return self._parts

    @property
    def failing(self) -> list[str]:
        """The names of parts that keep failing."""
        return [name for name, run_parts in self._parts.items() if run_parts.is_failing]

    def start(self, parts: Iterable[Part]) -> None:
        """Starts more parts; no two may have one name."""
        for part in parts:
            if part.name in self._parts:
                raise ValueError(f"two parts are called {part.name}")
            failures_of(part.name)
            self._parts[part.name] = run_parts = RunningPart(part, self._clock)
            self._keeping[part.name] = asyncio.create_task(run_parts.keep(), name=f"keep {part.name}")

    async def ended(self, *, max_s: float) -> None:
        """Waits, at most so long, for the parts that may end."""
        ending = [self._keeping[name] for name, run_parts in self._parts.items() if run_parts.part.may_end]
        if ending:
            await asyncio.wait(ending, timeout=max_s)

    async def stop(self) -> None:
        """Ends all parts."""
        for keeping in self._keeping.values():
            keeping.cancel()
        if self._keeping:
            await asyncio.wait(self._keeping.values())


@asynccontextmanager
async def run_parts(parts: Iterable[Part], clock: Clock | None = None) -> AsyncGenerator[PartSupervisor, None]:
    """Runs parts of a process beside the block, and ends them with it."""
    supervisor = PartSupervisor(clock or Clock())
    try:
        supervisor.start(parts)
        yield supervisor
    finally:
        await supervisor.stop()


class IsolatedTasks:
    """Tasks of one part that come and go: what one of them raises is counted and logged, and ends nothing else."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[None]] = set()
        failures_of(name)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Starts this in a task of its own."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end)
        return task

    async def ended(self, *, max_s: float) -> None:
        """Waits, at most so long, for all tasks; then cancels those that are left."""
        left = set(self._tasks)
        if left:
            _, left = await asyncio.wait(left, timeout=max_s)
        for task in left:
            task.cancel()
        for task in left:
            await _cancelled(task)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            report_failure(self._name, error)


async def _cancelled(task: asyncio.Task[None]) -> None:
    """Ends a task. A library may swallow a cancellation: it is repeated until the task is done."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_CANCEL_AGAIN_S)
