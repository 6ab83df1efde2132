"""No part of a process dies alone: each is started again in a fresh task, counted, and found when it keeps failing."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY
from support.clock import MovedClock

from app.runtime.supervision import (
    FAILURES_MAX,
    RESTART_S_MAX,
    STEADY_S,
    IsolatedTasks,
    Part,
    PartSupervisor,
    run_parts,
)


def counted(kind: str) -> float:
    return REGISTRY.get_sample_value("osago_part_failures_total", {"part": kind}) or 0.0


class Patient:
    """A part that waits in each of its runs until the test makes it fail, return or be cancelled."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[object] | None] = []
        self.ending: asyncio.Future[None] = asyncio.Future()

    async def run(self) -> None:
        self.tasks.append(asyncio.current_task())
        self.ending = asyncio.get_running_loop().create_future()
        await self.ending

    async def run_in_a_group(self) -> None:
        """As many parts are built: a child fails while its group waits for its end."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.run())

    def fail(self) -> None:
        self.ending.set_exception(AttributeError("a secret"))


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def supervised(*parts: Part) -> AsyncGenerator[tuple[PartSupervisor, MovedClock], None]:
    clock = MovedClock()
    async with run_parts(parts, clock) as supervisor:
        await settled()
        yield supervisor, clock


async def again(clock: MovedClock, seconds: float = RESTART_S_MAX) -> None:
    await settled()
    await clock.advance(seconds)
    await settled()


async def test_a_failed_part_is_started_again_in_a_fresh_task() -> None:
    """Six times of six, also where it fails inside a TaskGroup, on every Python."""
    patient = Patient()
    async with supervised(Part("patient", patient.run_in_a_group)) as (supervisor, clock):
        for _ in range(5):
            patient.fail()
            await again(clock)
        assert len(patient.tasks) == supervisor.parts["patient"].starts == 6
        assert len(set(patient.tasks)) == 6


async def test_each_failure_is_counted_and_logged_with_its_place_and_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The label is the kind, so that 256 insurers do not make 256 series."""
    before, patient = counted("patient"), Patient()
    async with supervised(Part("patient:sever:0", patient.run)) as (_, clock):
        patient.fail()
        await again(clock)
    assert counted("patient") == before + 1
    [record] = [one for one in caplog.records if "part.failed" in one.getMessage()]
    assert "patient:sever:0" in record.getMessage()


async def test_a_part_that_returns_or_is_cancelled_from_outside_is_started_again() -> None:
    """Neither is meant to happen: a library that loses a cancellation may cancel the wrong task."""
    patient = Patient()
    async with supervised(Part("patient", patient.run)) as (supervisor, clock):
        patient.ending.set_result(None)
        await again(clock)
        task = supervisor.parts["patient"].task
        assert task
        task.cancel()
        await again(clock)
        assert supervisor.parts["patient"].starts == 3


async def test_a_part_that_may_end_ends() -> None:
    """A reader returns when its lane stops."""
    patient = Patient()
    async with supervised(Part("patient", patient.run, may_end=True)) as (supervisor, clock):
        patient.ending.set_result(None)
        await again(clock)
        assert supervisor.parts["patient"].starts == 1
        await supervisor.ended(max_s=1)


async def test_the_wait_before_a_start_doubles_up_to_its_limit() -> None:
    """A part that fails at once costs the process little, and is back soon."""
    patient = Patient()
    async with supervised(Part("patient", patient.run)) as (supervisor, clock):
        for wait_s in (0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0):
            starts = supervisor.parts["patient"].starts
            patient.fail()
            await again(clock, wait_s * 0.99)
            assert supervisor.parts["patient"].starts == starts
            await again(clock, wait_s * 0.02)
            assert supervisor.parts["patient"].starts == starts + 1


async def keeps_failing(patient: Patient, clock: MovedClock, times: int) -> None:
    for _ in range(times):
        patient.fail()
        await again(clock)


async def test_a_part_keeps_failing_after_five_failures_in_a_row_until_it_has_run_for_a_minute() -> None:
    """What `/healthz` goes by. Failures with more than a minute of work between them are not in a row."""
    patient = Patient()
    async with supervised(Part("patient", patient.run), Part("other", Patient().run)) as (supervisor, clock):
        for _ in range(3 * FAILURES_MAX):
            await clock.advance(STEADY_S)
            await keeps_failing(patient, clock, 1)
        assert supervisor.failing == []
        await keeps_failing(patient, clock, FAILURES_MAX - 1)
        assert supervisor.failing == ["patient"]
        await clock.advance(STEADY_S - RESTART_S_MAX - 1)
        assert supervisor.failing == ["patient"]
        await clock.advance(2 + RESTART_S_MAX)
        assert supervisor.failing == []


async def test_one_part_fails_and_the_others_never_notice() -> None:
    """Their tasks are the ones from the beginning."""
    patient, other = Patient(), Patient()
    async with supervised(Part("patient", patient.run), Part("other", other.run)) as (_, clock):
        await keeps_failing(patient, clock, 7)
        assert len(other.tasks) == 1


async def test_the_parts_end_with_the_block_even_if_a_library_swallows_the_first_cancellation() -> None:
    """No task is left after the block."""
    before = asyncio.all_tasks()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    async with supervised(Part("stubborn", stubborn), Part("patient", Patient().run)):
        pass
    assert asyncio.all_tasks() == before


async def test_what_an_isolated_task_raises_ends_nothing_else() -> None:
    """It is counted under its part; the others are waited for, and cut off in the end."""
    before, patient = counted("lane"), Patient()
    tasks = IsolatedTasks("lane:sever")

    async def bad() -> None:
        raise AttributeError("'NoneType' object has no attribute 'writelines'")

    going_on, failed = tasks.start(patient.run()), tasks.start(bad())
    await asyncio.wait({failed})
    await settled()
    assert counted("lane") == before + 1
    assert not going_on.done()
    await tasks.ended(max_s=0)
    assert going_on.cancelled()


def test_a_name_is_given_once() -> None:
    """Two parts of one name are refused."""

    async def start_both() -> None:
        async with run_parts([Part("patient", Patient().run), Part("patient", Patient().run)]):
            pass

    with pytest.raises(ValueError, match="patient"):
        asyncio.run(start_both())
