"""One insurer that hangs fills its own lane and nobody else's: counted at the insurers' side."""

import asyncio

from support.until import until
from support.world import World

from sandbox.insurers.script.behaviours import Hang

PLACES = 20
REQUESTS = 150


async def test_a_hanging_insurer_takes_its_own_places_only(world: World) -> None:
    """Its calls at once are its places; every other insurer answers everybody meanwhile, and what waits is not lost."""
    more = {"max_in_flight": PLACES, "request_timeout": "20s", "breaker": {"min_calls": 1000}}
    await world.insurers("sever", "volga", "ural", more=more)
    world.sandbox.set_mode("sever", Hang(step="create"))
    api = await world.api()
    await world.worker()
    accepted = await asyncio.gather(*(world.accepted(api) for _ in range(REQUESTS)))
    await until(lambda: settled(world, 2 * REQUESTS))
    hanging = world.sandbox.seen_by("sever")
    assert (hanging.calls_now, hanging.calls_at_once_most, hanging.creates) == (PLACES, PLACES, PLACES)
    for insurer in ("volga", "ural"):
        seen = world.sandbox.seen_by(insurer)
        assert (seen.applications, seen.creates) == (REQUESTS, REQUESTS)
        assert seen.calls_at_once_most <= PLACES
    world.sandbox.reset()  # the calls that hang are broken off, and made again
    await until(lambda: settled(world, 3 * REQUESTS))
    assert len(accepted) == REQUESTS


async def settled(world: World, quotes: int) -> bool:
    rows = await world.database.fetch("SELECT insurer_id FROM osago_quotes WHERE status = 'OFFERED'")
    return len(rows) == quotes
