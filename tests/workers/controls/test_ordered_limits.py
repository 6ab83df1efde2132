"""Limits and circuits by order: in place of the file's, without what was reserved before, and uncounted."""

import asyncio
from datetime import UTC, datetime

import pytest
from support.circuits import one_call
from support.clock import MovedClock
from support.until import until
from support.world import World

from app.config.insurers_file import InsurerSettings
from app.domain.errors import CircuitOpen, InsurerUnavailable, OurLimit
from app.domain.insurer import Availability
from app.domain.operators.control import Control, ControlKind, ForcedCircuit
from app.redis.insurer_states import InsurerStates
from app.runtime.clock import Clock
from workers.resilience.circuit_breaker import SharedBreaker
from workers.resilience.rate_limit import RateLimits

SEVER = InsurerSettings.model_validate(
    {
        "id": "sever",
        "name": "Север",
        "adapter": "rest-poll",
        "base_url": "http://127.0.0.1:1",
        "rate_limit": "1/h",
        "breaker": {"failure_rate": 0.5, "window": "10s", "min_calls": 4, "reset_after": "10s", "most": "30s"},
    }
)


def ordered(rate: str, version: int) -> Control:
    now = datetime.now(UTC)
    return Control(ControlKind.LIMIT, "sever", rate, "a test", "anna", now, None, version)


async def test_a_limit_by_order_has_slots_of_its_own(world: World) -> None:
    """Slots of the limit before may lie an hour ahead: a call goes at once, and the file's limit comes back unchanged."""
    world.write_insurers("sever")
    limits = RateLimits(SEVER, Clock(), InsurerStates((await world.resources()).redis))
    create = limits.of["create"]

    async def take(left_s: float) -> float | None:
        return await create.take(lambda: left_s, lambda: None)

    with pytest.raises(OurLimit):
        await take(5.0)
    limits.set_control("create", ordered("1000/s", 7))
    assert await take(30.0) is not None
    limits.set_control("create", ordered("off", 8))
    assert await take(0.0) is None
    await create.keep(None)
    assert not create.has_rate
    limits.set_control("create", None)
    with pytest.raises(OurLimit):
        await take(5.0)


async def test_a_call_that_waits_for_a_slot_goes_when_the_limit_is_taken_away(world: World) -> None:
    """The rule includes a call that had a slot and lost it."""
    world.write_insurers("sever")
    limits = RateLimits(SEVER, Clock(), InsurerStates((await world.resources()).redis))
    limits.set_control("create", ordered("1/min", 7))
    create = limits.of["create"]
    waiting = [
        asyncio.ensure_future(create.keep(None)),
        asyncio.ensure_future(create.take(lambda: 600.0, lambda: None)),
    ]
    await until(lambda: len(create._line) == len(waiting))
    limits.set_control("create", ordered("off", 8))
    assert await asyncio.gather(*waiting) == [None, None]


class Calls:
    """Calls through a circuit, by a clock that is moved."""

    def __init__(self) -> None:
        self.circuit = SharedBreaker(SEVER, MovedClock())

    async def ok(self) -> str:
        async def call() -> str:
            return "ok"

        return await one_call(self.circuit, call)

    async def fail(self, times: int) -> None:
        async def call() -> str:
            raise InsurerUnavailable("status 503")

        for _ in range(times):
            with pytest.raises(InsurerUnavailable):
                await one_call(self.circuit, call)


async def test_a_circuit_that_is_forced_open_lets_nothing_through() -> None:
    """It is as before when the order ends."""
    calls = Calls()
    assert await calls.ok() == "ok"
    calls.circuit.force(ForcedCircuit.OPEN)
    assert calls.circuit.availability is Availability.UNAVAILABLE
    with pytest.raises(CircuitOpen):
        await calls.ok()
    with pytest.raises(CircuitOpen):
        calls.circuit.check()
    calls.circuit.force(None)
    assert calls.circuit.availability is Availability.AVAILABLE
    assert await calls.ok() == "ok"


async def test_a_circuit_that_is_forced_closed_counts_nothing() -> None:
    """Failures do not count then; calls after the order do."""
    calls = Calls()
    calls.circuit.force(ForcedCircuit.CLOSED)
    await calls.fail(20)
    assert calls.circuit.availability is Availability.AVAILABLE
    calls.circuit.force(None)
    assert calls.circuit.availability is Availability.AVAILABLE
    await calls.fail(SEVER.breaker.min_calls)
    assert calls.circuit.availability is Availability.UNAVAILABLE
    calls.circuit.force(ForcedCircuit.CLOSED)
    assert await calls.ok() == "ok"
    calls.circuit.force(None)
    assert calls.circuit.availability is Availability.UNAVAILABLE
