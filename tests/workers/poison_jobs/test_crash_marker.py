"""Which jobs run on the CPU, as another process reads it."""

import asyncio
import tempfile
from collections.abc import Generator

import pytest

from workers.poison_jobs.crash_marker import NO_JOB, CrashMarker


@pytest.fixture
def marker() -> Generator[CrashMarker, None, None]:
    with tempfile.TemporaryFile() as shared:
        CrashMarker.prepare(shared.fileno())
        yield CrashMarker(shared.fileno())


async def test_a_step_is_marked_and_a_wait_is_not(marker: CrashMarker) -> None:
    """A job that waits cannot have crashed the process."""
    seen: list[int] = []
    going_on = asyncio.Event()

    async def work() -> str:
        seen.append(marker.marked)
        await going_on.wait()
        seen.append(marker.marked)
        return "done"

    first, second = (asyncio.create_task(marker.marking(number, work())) for number in (7, 8))
    await asyncio.sleep(0)
    assert marker.marked == NO_JOB
    going_on.set()
    assert await asyncio.gather(first, second) == ["done", "done"]
    assert (seen, marker.marked) == ([7, 8, 7, 8], NO_JOB)


async def test_errors_and_cancellations_pass_through(marker: CrashMarker) -> None:
    """Into the work and out of it."""
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    task = asyncio.create_task(marker.marking(1, work()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ZeroDivisionError):
        await marker.marking(2, fail())
    assert (ended, marker.marked) == (["cancelled"], NO_JOB)
