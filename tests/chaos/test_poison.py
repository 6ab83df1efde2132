"""A job that kills its worker becomes a dead letter; jobs that were in flight beside it get their quotes."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
from support.packages import install
from support.processes import restarted_worker
from support.until import until
from support.world import ApiAtHand, World

from app.redis.dead_letters import DeadLetter, DeadLetters
from sandbox.insurers.script.behaviours import Processing

MAKE = "Яд"
AT_ONCE = 10
DEADLY = f"""
import os
import signal

from workers.adapters.rest_poll import RestPoll


class Deadly(RestPoll):
    async def create(self, application, key):
        created = await super().create(application, key)
        if application.vehicle.make == "{MAKE}":
            os.kill(os.getpid(), signal.SIGKILL)
        return created
"""


@pytest.mark.processes
async def test_a_job_that_kills_its_workers_is_a_dead_letter_and_its_neighbours_are_not(
    world: World, tmp_path: Path
) -> None:
    """The neighbours were delivered as often as the job was; isolated processes separate them from it."""
    await _poisoned(world, tmp_path, innocents=30, max_deliveries=2)


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.timeout(300)
async def test_a_thousand_neighbours_of_a_poison_job_get_their_quotes(world: World, tmp_path: Path) -> None:
    """Within the request's minute, by the default number of deliveries."""
    await _poisoned(world, tmp_path, innocents=1000, max_deliveries=5)


async def _poisoned(world: World, tmp_path: Path, *, innocents: int, max_deliveries: int) -> None:
    folder = install(tmp_path / "deadly", "deadly", DEADLY, {"deadly": "deadly:Deadly"})
    world.set(max_deliveries=max_deliveries, quote_deadline="60s")
    await world.insurers("sever", more={"adapter": "deadly", "poll_interval": "500ms"})
    world.sandbox.set_mode("sever", Processing())
    api = await world.api()
    environment = {**world.environment, "PYTHONPATH": folder}
    async with restarted_worker(world.folder, environment) as codes:
        neighbours = [
            one
            for _ in range(innocents // AT_ONCE)
            for one in await asyncio.gather(*(world.accepted(api) for _ in range(AT_ONCE)))
        ]
        watches = [asyncio.create_task(world.watched(api, one)) for one in neighbours]
        await until(lambda: world.sandbox.seen_by("sever").applications == innocents)
        events = await world.watched(api, await _poison(world, api))
        assert [(event["quote"]["status"], event["quote"]["reason"]["code"]) for event in events[:-1]] == [
            ("FAILED", "INTERNAL")
        ]
        assert codes == [-signal.SIGKILL] * (max_deliveries - 1)
        world.sandbox.set_mode("sever", None)
        for events in await asyncio.gather(*watches):
            assert [event["quote"]["status"] for event in events[:-1]] == ["OFFERED"]
    (letter,) = await _letters(world)
    assert (letter.reason, letter.deliveries) == ("killed", max_deliveries)
    assert world.sandbox.seen_by("sever").applications == innocents + 1


async def _poison(world: World, api: ApiAtHand) -> dict[str, Any]:
    request = world.new_request()
    request["application"]["vehicle"]["make"] = MAKE
    return await world.accepted(api, application=request["application"])


async def _letters(world: World) -> list[DeadLetter]:
    letters = DeadLetters((await world.resources()).redis, shards=world.settings.shards)
    return [letter async for letter in letters.all()]
