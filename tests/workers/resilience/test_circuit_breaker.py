"""The circuit: a failure rate over a window, one trial when half open, opening longer each time."""

import asyncio

import pytest
from support.circuits import one_call
from support.clock import MovedClock

from app.config.insurers_file import InsurerSettings
from app.domain.errors import CircuitOpen, InsurerBusy, InsurerError, InsurerUnavailable
from app.domain.insurer import Availability
from workers.resilience.circuit_breaker import SharedBreaker

SEVER = InsurerSettings.model_validate(
    {
        "id": "sever",
        "name": "Север",
        "adapter": "rest-poll",
        "base_url": "http://127.0.0.1:1",
        "breaker": {"failure_rate": 0.5, "window": "10s", "min_calls": 4, "reset_after": "10s", "most": "30s"},
    }
)
BREAKER = SEVER.breaker
ROW = 5
"""So many jobs without an answer open it: the promised number, independent of the code's constant."""


class Line:
    """Calls through a circuit."""

    def __init__(self) -> None:
        self.clock = MovedClock()
        self.circuit = SharedBreaker(SEVER, self.clock)
        self.calls = 0

    async def call(self, error: InsurerError | None = None) -> str:
        async def step() -> str:
            self.calls += 1
            if error:
                raise error
            return "ok"

        return await one_call(self.circuit, step)

    async def fail(self, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(InsurerUnavailable):
                await self.call(InsurerUnavailable("status 503"))

    async def open(self) -> None:
        await self.fail(BREAKER.min_calls)


async def test_it_opens_when_enough_calls_of_the_window_failed() -> None:
    """Half of at least four; the failure that opens it is raised as what it was."""
    line = Line()
    await line.call()
    await line.call()
    await line.fail()
    assert line.circuit.availability is Availability.AVAILABLE
    await line.fail()
    assert line.circuit.availability is Availability.UNAVAILABLE
    with pytest.raises(CircuitOpen):
        await line.call()
    assert line.calls == 4


async def test_few_failures_open_nothing() -> None:
    """Three calls prove nothing, all failed or not."""
    line = Line()
    await line.fail(3)
    assert line.circuit.availability is Availability.AVAILABLE


async def test_what_is_older_than_the_window_is_forgotten() -> None:
    """Failures of a minute ago do not open a circuit now."""
    line = Line()
    await line.fail(3)
    await line.clock.advance(11)
    await line.fail()
    assert line.circuit.availability is Availability.AVAILABLE


async def test_a_success_does_not_forgive_the_window() -> None:
    """It is a rate that counts, not failures in a row."""
    line = Line()
    for _ in range(3):
        await line.fail()
        if line.circuit.availability is Availability.AVAILABLE and line.calls < 4:
            await line.call()
    assert line.circuit.availability is Availability.UNAVAILABLE


async def test_a_busy_insurer_is_alive() -> None:
    """Patience asked for is no breakdown."""
    line = Line()
    for _ in range(20):
        with pytest.raises(InsurerBusy):
            await line.call(InsurerBusy("status 429"))
    assert line.circuit.availability is Availability.AVAILABLE


async def trials(line: Line, *errors: InsurerError) -> tuple["asyncio.Event", "list[asyncio.Task[str]]"]:
    """A thousand callers of a half-open circuit; those that are let through wait for the event."""
    await line.open()
    await line.clock.advance(11)
    assert line.circuit.availability is Availability.RECOVERING
    line.calls, answered = 0, asyncio.Event()

    async def slow() -> str:
        line.calls += 1
        await answered.wait()
        for error in errors:
            raise error
        return "ok"

    made = [asyncio.create_task(one_call(line.circuit, slow)) for _ in range(1000)]
    for _ in range(3):
        await asyncio.sleep(0)
    assert line.calls == 1
    return answered, made


async def test_half_open_lets_one_trial_through_and_the_others_wait_for_it() -> None:
    """A thousand jobs wait for a recovering insurer; one of them asks, and then all do."""
    line = Line()
    answered, made = await trials(line)
    answered.set()
    assert await asyncio.gather(*made) == ["ok"] * 1000
    assert line.circuit.availability is Availability.AVAILABLE


async def test_jobs_that_wait_for_a_trial_that_fails_end_at_once() -> None:
    """One call was made; the waiting jobs fail without one."""
    line = Line()
    answered, made = await trials(line, InsurerUnavailable("status 503"))
    answered.set()
    results = await asyncio.gather(*made, return_exceptions=True)
    assert sum(isinstance(result, CircuitOpen) for result in results) == 999
    assert line.calls == 1


async def test_no_job_waits_for_a_trial_longer_than_three_seconds() -> None:
    """A customer sees UNAVAILABLE rather than nothing."""
    line = Line()
    answered, made = await trials(line)
    await line.clock.advance(2.9)
    assert not any(one.done() for one in made)
    await line.clock.advance(0.2)
    answered.set()
    results = await asyncio.gather(*made, return_exceptions=True)
    assert (results.count("ok"), sum(isinstance(result, CircuitOpen) for result in results)) == (1, 999)


async def test_calls_that_began_before_it_opened_prove_nothing_afterwards() -> None:
    """A thousand that hang time out together: it opens once, and for as long as the first time."""
    line = Line()
    broken = asyncio.Event()

    async def hanging() -> str:
        await broken.wait()
        raise InsurerUnavailable("TimeoutError")

    made = [asyncio.create_task(one_call(line.circuit, hanging)) for _ in range(1000)]
    await asyncio.sleep(0)
    broken.set()
    results = await asyncio.gather(*made, return_exceptions=True)
    assert all(isinstance(result, InsurerUnavailable) for result in results)
    assert line.circuit.availability is Availability.UNAVAILABLE
    await line.clock.advance(11.1)
    assert line.circuit.availability is Availability.RECOVERING


async def test_a_trial_that_is_cancelled_makes_room_for_the_next() -> None:
    """A cancelled job must not keep the circuit half open for ever."""
    line = Line()
    await line.open()
    await line.clock.advance(11)
    trial = asyncio.create_task(one_call(line.circuit, asyncio.Event().wait))
    await asyncio.sleep(0)
    trial.cancel()
    await asyncio.gather(trial, return_exceptions=True)
    assert await line.call() == "ok"


async def test_each_failed_trial_keeps_it_open_for_longer() -> None:
    """10 s, then 20 s, then no more than 30 s, each with up to a tenth of jitter; a success starts anew."""
    line = Line()
    await line.open()
    for lasting_s in (10, 20, 30, 30):
        await line.clock.advance(lasting_s - 0.1)
        assert line.circuit.availability is Availability.UNAVAILABLE
        await line.clock.advance(lasting_s * 0.1 + 0.2)
        assert line.circuit.availability is Availability.RECOVERING
        await line.fail()
    await line.clock.advance(34)
    await line.call()
    await line.open()
    await line.clock.advance(11.1)
    assert line.circuit.availability is Availability.RECOVERING


class JobOfCalls:
    """A job, call by call, as `workers.insurer_calls.exchange` makes it."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.passage = line.circuit.passage()

    async def call(self, error: InsurerError | None = None) -> None:
        async with self.passage.admitted():
            self.line.calls += 1
            if error:
                raise error

    async def fails(self, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(InsurerUnavailable):
                await self.call(InsurerUnavailable("status 503"))

    async def ends(self, *, is_answered: bool | None) -> None:
        await self.passage.end(is_answered=is_answered)


async def unanswered(line: Line, jobs: int, *, apart_s: float = 600.0) -> None:
    """Jobs that end without an answer, far from each other."""
    for _ in range(jobs):
        await line.clock.advance(apart_s)
        job = JobOfCalls(line)
        await job.fails()
        await job.ends(is_answered=False)


async def test_five_jobs_in_a_row_without_an_answer_open_it_however_far_apart() -> None:
    """At low traffic no window is ever full: a dead insurer would keep every customer waiting."""
    line = Line()
    await unanswered(line, ROW - 1)
    assert line.circuit.availability is Availability.AVAILABLE
    await unanswered(line, 1)
    assert line.circuit.availability is Availability.UNAVAILABLE


async def test_one_answer_ends_the_row() -> None:
    """An offer, a refusal, a 4xx: the insurer is there."""
    line = Line()
    for _ in range(3):
        await unanswered(line, ROW - 1)
        await line.call()
    assert line.circuit.availability is Availability.AVAILABLE


@pytest.mark.parametrize("error", [InsurerBusy("status 429"), CircuitOpen("open")])
async def test_what_says_nothing_of_the_insurer_neither_lengthens_nor_ends_the_row(error: InsurerError) -> None:
    """Patience that it asks for until the end, our own limit, a job that was taken away."""
    line = Line()
    await unanswered(line, ROW - 1)
    for _ in range(10):
        job = JobOfCalls(line)
        with pytest.raises(type(error)):
            await job.call(error)
        await job.ends(is_answered=None)
    assert line.circuit.availability is Availability.AVAILABLE
    await unanswered(line, 1)
    assert line.circuit.availability is Availability.UNAVAILABLE


async def at_the_deadline(line: Line, *calls: InsurerError | None) -> None:
    job = JobOfCalls(line)
    for error in calls:
        if error is None:
            await job.call()
        else:
            with pytest.raises(type(error)):
                await job.call(error)
    await line.clock.advance(60)
    await job.passage.end_at_deadline()


async def test_jobs_that_run_into_their_deadline_have_no_answer_either() -> None:
    """It took the application in and never says anything, or hangs in its first call."""
    line = Line()
    for _ in range(ROW):
        await at_the_deadline(line, None, None)
    assert line.circuit.availability is Availability.UNAVAILABLE


@pytest.mark.parametrize("calls", [(), (InsurerBusy("status 429"),), (None, InsurerBusy("status 429"))])
async def test_a_deadline_says_nothing_where_the_insurer_asked_for_patience_or_was_never_asked(
    calls: tuple[InsurerError | None, ...],
) -> None:
    """A job may have waited for our own limit all the time."""
    line = Line()
    for _ in range(2 * ROW):
        await at_the_deadline(line, *calls)
    assert line.circuit.availability is Availability.AVAILABLE


async def test_the_tail_of_a_burst_opens_nothing() -> None:
    """The last of a thousand run into their deadline together; the others were answered meanwhile: it is slow, not away."""
    line = Line()
    late = [JobOfCalls(line) for _ in range(2 * ROW)]
    for job in late:
        await job.call()
    await line.clock.advance(30)
    await line.call()
    await line.clock.advance(30)
    for job in late:
        await job.passage.end_at_deadline()
    assert line.circuit.availability is Availability.AVAILABLE


async def test_a_first_call_that_always_fails_opens_nothing_if_its_repetition_is_answered() -> None:
    """An insurer with a cold first call has an offer for every customer: a hundred jobs, half of all calls failed."""
    line = Line()
    for _ in range(100):
        job = JobOfCalls(line)
        await job.fails()
        await job.call()
        await job.ends(is_answered=True)
        assert line.circuit.availability is Availability.AVAILABLE


async def test_a_trial_is_a_job_with_its_retries() -> None:
    """Its first two calls fail, the third does not: the circuit closes."""
    line = Line()
    await line.open()
    await line.clock.advance(11)
    job = JobOfCalls(line)
    await job.fails(2)
    assert line.circuit.availability is Availability.RECOVERING
    await job.call()
    assert line.circuit.availability is Availability.AVAILABLE
    await job.ends(is_answered=True)


async def test_a_trial_whose_retries_are_used_up_opens_it_again() -> None:
    """It stays open for twice as long; three calls are one trial."""
    line = Line()
    await line.open()
    await line.clock.advance(11)
    job = JobOfCalls(line)
    await job.fails(3)
    await job.ends(is_answered=False)
    assert line.circuit.availability is Availability.UNAVAILABLE
    await line.clock.advance(19.9)
    assert line.circuit.availability is Availability.UNAVAILABLE


async def test_what_jobs_without_an_answer_have_opened_only_an_answer_closes() -> None:
    """It takes every application in, and never answers: a create that goes well proves nothing."""
    line = Line()
    for _ in range(ROW):
        await at_the_deadline(line, None)
    await line.clock.advance(11)
    await at_the_deadline(line, None, None)
    assert line.circuit.availability is Availability.UNAVAILABLE
    await line.clock.advance(22.1)
    job = JobOfCalls(line)
    await job.call()
    assert line.circuit.availability is Availability.RECOVERING
    await job.ends(is_answered=True)
    assert line.circuit.availability is Availability.AVAILABLE


async def test_a_wish_for_patience_closes_nothing_that_only_an_answer_closes() -> None:
    """A 429 on a create, or on a poll behind it: the next customers would wait out their deadlines again."""
    for calls in ((InsurerBusy("status 429"),), (None, InsurerBusy("status 429"))):
        line = Line()
        for _ in range(ROW):
            await at_the_deadline(line, None)
        await line.clock.advance(11)
        assert line.circuit.availability is Availability.RECOVERING
        await at_the_deadline(line, *calls)
        assert line.circuit.availability is Availability.RECOVERING


@pytest.mark.parametrize("trial_s", [0.1, 5, 14])
async def test_the_gauge_of_a_dead_insurer_is_above_zero_at_every_scrape(trial_s: float) -> None:
    """What the alert `> 0 for 5 min` needs: each trial is 0.5, and resets an alert that compares with 1."""
    line = Line()
    await unanswered(line, ROW)
    scraped: list[Availability] = []
    for _ in range(40):
        await line.clock.advance(15)
        scraped.append(line.circuit.availability)
        if scraped[-1] is Availability.RECOVERING:
            job = JobOfCalls(line)
            await job.fails()
            await line.clock.advance(trial_s)
            scraped.append(line.circuit.availability)
            await job.ends(is_answered=False)
    assert Availability.RECOVERING in scraped
    assert Availability.AVAILABLE not in scraped
