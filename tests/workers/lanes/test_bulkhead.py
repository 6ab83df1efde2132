"""One insurer that hangs or floods fills its own lane and no other: counted at the insurers' side."""

import asyncio

import pytest
from support.floods import FLOODS, Flood, flooding
from support.until import until
from support.world import World

from sandbox.insurers.script.behaviours import Hang

PLACES = 20
REQUESTS = 150
FLOODED = 25


async def test_a_hanging_insurer_takes_its_own_places_only(world: World) -> None:
    """Its calls at once are at most its places; meanwhile other insurers answer, and waiting jobs are not lost."""
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


@pytest.mark.parametrize("kind", ["continue", "a chunk extension", "one-byte chunks", "headers", "trailers"])
async def test_a_flooding_insurer_is_broken_off_and_delays_no_other(world: World, kind: str) -> None:
    """Each of its jobs makes one call, and ends; no job of another insurer is asked twice, taken over or left."""
    more = {"max_in_flight": PLACES, "request_timeout": "60s", "breaker": {"min_calls": 1000}}
    await world.insurers("sever", "volga", more=more)
    async with flooding(Flood(*FLOODS[kind])) as flood:
        with world.insurers_file.open("a", encoding="utf-8") as file:
            address = f"http://127.0.0.1:{flood.port}"
            file.write(
                f'\n[[insurer]]\nid = "ural"\nname = "Урал"\nadapter = "rest-sync"\nbase_url = "{address}"\n'
                f'max_in_flight = {PLACES}\nrequest_timeout = "60s"\nconnect_timeout = "60s"\n'
            )
        api = await world.api()
        await world.worker()
        await asyncio.gather(*(world.accepted(api) for _ in range(FLOODED)))
        await until(lambda: settled(world, 2 * FLOODED), seconds=90)
        await until(lambda: refused(world, "ural", FLOODED), seconds=90)
        assert flood.connections == FLOODED
    for insurer in ("sever", "volga"):
        seen = world.sandbox.seen_by(insurer)
        assert (seen.applications, seen.creates) == (FLOODED, FLOODED)


async def refused(world: World, insurer: str, quotes: int) -> bool:
    rows = await world.database.fetch(
        "SELECT reason->>'code' AS code FROM osago_quotes WHERE insurer_id = $1 AND status = 'FAILED'", insurer
    )
    return [row["code"] for row in rows] == ["INSURER_PROTOCOL"] * quotes


async def settled(world: World, quotes: int) -> bool:
    rows = await world.database.fetch("SELECT insurer_id FROM osago_quotes WHERE status = 'OFFERED'")
    return len(rows) == quotes
