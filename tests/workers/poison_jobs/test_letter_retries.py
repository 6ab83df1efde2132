"""Asking again about a dead letter keeps to what operators have ordered, as any job does."""

import asyncio
from uuid import UUID

import pytest
from structlog.testing import capture_logs
from support.until import until
from support.world import World

from app.domain.operators.control import Order
from app.redis.dead_letters import DeadLetter
from app.redis.insurer_states import InsurerStates
from app.resources import Resources
from workers.poison_jobs.letter_retry import retry_letter
from workers.resilience.slot_reservations import PACE

ORDER = Order("anna", "its prices are wrong")


@pytest.fixture
async def resources(world: World) -> Resources:
    world.set(quote_deadline="6s", end_margin="1s")
    await world.insurers("sever")
    return await world.resources()


async def letter(world: World, resources: Resources) -> DeadLetter:
    """Of an open request that no worker asks about."""
    accepted = await world.accepted(await world.api())
    request_id = UUID(accepted["quoteRequest"]["id"])
    return DeadLetter("sever", request_id, 3, "killed", "", resources.clock.now())


async def test_a_paused_insurer_is_not_asked_about_a_dead_letter(world: World, resources: Resources) -> None:
    """The answer is that of every job, and it is settled."""
    given_up = await letter(world, resources)
    await resources.controls.pause("sever", ORDER)
    assert await retry_letter(resources, given_up) == "UNAVAILABLE INSURER_PAUSED (settled)"
    assert world.sandbox.seen_by("sever").creates == 0


async def test_a_held_insurer_is_asked_about_it_when_it_is_resumed(world: World, resources: Resources) -> None:
    """And, where it is not resumed in time, not at all."""
    given_up = await letter(world, resources)
    await resources.controls.pause("sever", ORDER, holds=True)
    with capture_logs() as logged:
        retrying = asyncio.create_task(retry_letter(resources, given_up))
        await until(lambda: [one for one in logged if one["event"] == "control.applied"])
    assert world.sandbox.seen_by("sever").creates == 0
    await resources.controls.resume("sever", ORDER)
    assert (await retrying).startswith("OFFERED ")
    await resources.controls.pause("sever", ORDER, holds=True)
    assert await retry_letter(resources, await letter(world, resources)) == "no answer in time"
    assert world.sandbox.seen_by("sever").creates == 1


async def test_an_ordered_limit_holds_for_a_dead_letter(world: World, resources: Resources) -> None:
    """Its slots are those of all workers: one in an hour leaves none in time; without the order the insurer is asked."""
    given_up = await letter(world, resources)
    control = await resources.controls.limit("sever", "1/h", ORDER)
    assert control
    # Slots lie on the clock's own hours: with the next one taken, the one that is left comes in an hour or later.
    states, interval_s = InsurerStates(resources.redis), 3600 / PACE
    await states.reserve("sever", "create", interval_s=interval_s, count=1, hold_s=0, version=control.version)
    assert not (await retry_letter(resources, given_up)).startswith("OFFERED ")
    assert world.sandbox.seen_by("sever").creates == 0
    await resources.controls.limit("sever", "file", ORDER)
    assert (await retry_letter(resources, await letter(world, resources))).startswith("OFFERED ")
    assert world.sandbox.seen_by("sever").creates == 1


async def test_a_circuit_that_is_forced_open_lets_no_dead_letter_through(world: World, resources: Resources) -> None:
    """As it lets no job through."""
    given_up = await letter(world, resources)
    await resources.controls.circuit("sever", "open", ORDER)
    assert await retry_letter(resources, given_up) == "UNAVAILABLE CIRCUIT_OPEN (settled)"
    assert world.sandbox.seen_by("sever").creates == 0
