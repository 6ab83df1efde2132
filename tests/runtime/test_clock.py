"""The clock is PostgreSQL's, as far as a reading of it can be trusted."""

from datetime import UTC, datetime, timedelta

from app.runtime.clock import Clock


class _Stopwatch(Clock):
    """Monotonic time that a test sets."""

    def __init__(self) -> None:
        self.passed_s = 100.0
        super().__init__()

    def monotonic(self) -> float:
        return self.passed_s


TOLD = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def read_in(clock: _Stopwatch, told: datetime, *, asking_s: float, answering_s: float) -> None:
    """A reading that is under way for so long before it is told, and after."""

    async def read() -> datetime:
        clock.passed_s += asking_s + answering_s
        return told

    await clock.sync(read)


async def test_a_reading_is_taken_over() -> None:
    """In the middle of its round trip."""
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
    """The clock of the machine was set, or PostgreSQL is another one."""
    clock = _Stopwatch()
    await read_in(clock, TOLD, asking_s=0.001, answering_s=0.001)
    await read_in(clock, TOLD + timedelta(hours=1), asking_s=0.5, answering_s=0.5)
    assert abs(clock.now() - TOLD - timedelta(hours=1, seconds=0.5)) < timedelta(milliseconds=2)
