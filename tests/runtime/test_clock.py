"""The clock is PostgreSQL's, as far as a reading of it can be trusted."""

from datetime import UTC, datetime, timedelta

import pytest

from app.runtime.clock import Clock


class _Stopwatch(Clock):
    """Monotonic time that a test sets."""

    def __init__(self) -> None:
        self.passed_s = 100.0
        self.suspended_s = 0.0
        super().__init__()

    def monotonic(self) -> float:
        return self.passed_s

    def wall(self) -> float:
        return 1e9 + self.passed_s + self.suspended_s


TOLD = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def read_in(clock: _Stopwatch, reading: datetime, *, asking_s: float, answering_s: float) -> None:
    """A reading: its time is taken `asking_s` after its start, and `answering_s` before its end."""

    async def read() -> datetime:
        clock.passed_s += asking_s + answering_s
        return reading

    await clock.sync(read)


async def test_a_reading_is_taken_over() -> None:
    """The time counts for the middle of the round trip."""
    clock = _Stopwatch()
    await read_in(clock, TOLD, asking_s=0.01, answering_s=0.01)
    assert abs(clock.now() - TOLD - timedelta(seconds=0.01)) < timedelta(milliseconds=1)


async def test_a_slow_reading_changes_nothing_that_it_agrees_with() -> None:
    """All of a long trip may have been the way back: half of it would be half a second wrong."""
    clock = _Stopwatch()
    await read_in(clock, TOLD, asking_s=0.001, answering_s=0.001)
    before = clock.now()
    await read_in(clock, before + timedelta(seconds=0.01), asking_s=0.01, answering_s=1.2)
    assert abs(clock.now() - before - timedelta(seconds=1.21)) < timedelta(milliseconds=2)


async def test_a_slow_reading_that_disagrees_is_better_than_none() -> None:
    """It is used if it differs by less than a jump: monotonic clocks drift, and PostgreSQL's is corrected."""
    clock = _Stopwatch()
    await read_in(clock, TOLD, asking_s=0.001, answering_s=0.001)
    await read_in(clock, TOLD + timedelta(seconds=1.3), asking_s=0.5, answering_s=0.5)
    assert abs(clock.now() - TOLD - timedelta(seconds=1.8)) < timedelta(milliseconds=2)


@pytest.mark.parametrize("jump_s", [20.0, -20.0])
async def test_a_jump_moves_no_deadline_by_more_than_a_second(jump_s: float) -> None:
    """Another primary has another clock: it is followed by a second for each deadline, until both agree."""
    clock = _Stopwatch()
    await read_in(clock, TOLD, asking_s=0.001, answering_s=0.001)
    began, before = clock.now(), clock.passed_s
    for _ in range(60):
        await read_in(clock, began + timedelta(seconds=clock.passed_s - before + jump_s), asking_s=1, answering_s=0)
        expected = timedelta(seconds=clock.passed_s - before)
        assert abs(clock.now() - began - expected) <= timedelta(seconds=1.1)
    for _ in range(60):
        clock.passed_s += 20
        await read_in(clock, began + timedelta(seconds=clock.passed_s - before + jump_s), asking_s=0, answering_s=0)
    assert abs(clock.now() - began - timedelta(seconds=clock.passed_s - before + jump_s)) < timedelta(seconds=0.1)


async def test_the_time_that_a_suspended_machine_has_missed_is_taken_over() -> None:
    """Its monotonic clock stood still; its wall clock has jumped by as much as PostgreSQL's seems to have."""
    clock = _Stopwatch()
    await read_in(clock, TOLD, asking_s=0.001, answering_s=0.001)
    clock.suspended_s = 600.0
    await read_in(clock, TOLD + timedelta(seconds=600), asking_s=0.001, answering_s=0.001)
    assert abs(clock.now() - TOLD - timedelta(seconds=600)) < timedelta(milliseconds=5)


async def test_a_clock_that_starts_from_the_time_of_others_follows_as_slowly_as_they_do() -> None:
    """Each deadline moves by a second at most, from the first reading on; less than a jump is taken over at once."""
    clock = _Stopwatch()
    clock.start_from(TOLD.timestamp())
    await read_in(clock, TOLD + timedelta(seconds=20), asking_s=0.001, answering_s=0.001)
    assert abs(clock.now() - TOLD) < timedelta(seconds=0.1)
    clock.passed_s += 60
    await read_in(clock, TOLD + timedelta(seconds=80), asking_s=0.001, answering_s=0.001)
    assert abs(clock.now() - TOLD - timedelta(seconds=61)) < timedelta(seconds=0.1)
    clock.start_from(TOLD.timestamp())
    await read_in(clock, TOLD + timedelta(seconds=0.5), asking_s=0.001, answering_s=0.001)
    assert abs(clock.now() - TOLD - timedelta(seconds=0.5)) < timedelta(seconds=0.1)
