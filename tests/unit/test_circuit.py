"""The circuit: a failure rate over a window, one trial when half open, opening longer each time."""

import asyncio

import pytest
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

        return await self.circuit.call(step)

    async def fail(self, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(InsurerUnavailable):
                await self.call(InsurerUnavailable("status 503"))

    async def open(self) -> None:
        await self.fail(BREAKER.min_calls)


async def test_it_opens_when_enough_calls_of_the_window_failed() -> None:
    """Half of at least four; the failure that opens it is told as what it was."""
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

    made = [asyncio.create_task(line.circuit.call(slow)) for _ in range(1000)]
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


async def test_who_waits_for_a_trial_that_fails_is_told_at_once() -> None:
    """One was asked; nobody else."""
    line = Line()
    answered, made = await trials(line, InsurerUnavailable("status 503"))
    answered.set()
    results = await asyncio.gather(*made, return_exceptions=True)
    assert sum(isinstance(result, CircuitOpen) for result in results) == 999
    assert line.calls == 1


async def test_nobody_waits_for_a_trial_longer_than_three_seconds() -> None:
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

    made = [asyncio.create_task(line.circuit.call(hanging)) for _ in range(1000)]
    await asyncio.sleep(0)
    broken.set()
    results = await asyncio.gather(*made, return_exceptions=True)
    assert all(isinstance(result, InsurerUnavailable) for result in results)
    assert line.circuit.availability is Availability.UNAVAILABLE
    await line.clock.advance(11.1)
    assert line.circuit.availability is Availability.RECOVERING


async def test_a_trial_that_is_cancelled_makes_room_for_the_next() -> None:
    """A customer who leaves must not keep the circuit half open for ever."""
    line = Line()
    await line.open()
    await line.clock.advance(11)
    trial = asyncio.create_task(line.circuit.call(asyncio.Event().wait))
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
