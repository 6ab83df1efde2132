"""What an order changes in the workers, as processes: within a second, past a flush and restarts, and no further than it says."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
from support.book import SendersBook, most_in_any_second
from support.commands import typed_beside
from support.plain_http import plain_http
from support.processes import Process, together, worker_process
from support.stalls import within
from support.until import until
from support.world import ApiAtHand, World

from app.domain.operators.control import Order
from app.resources import Resources

ORDER = Order("anna", "its test stand is down")
LIMIT = 10
"""Applications a second."""
KNOWN_S = 1.0
"""The promise: an order is in every worker by then."""


class Workers:
    """Worker processes, and the one insurer that a test sends requests to."""

    def __init__(self, world: World, api: ApiAtHand, resources: Resources, processes: tuple[Process, ...]) -> None:
        self.world = world
        self.api = api
        self.resources = resources
        self.processes = processes

    async def all_show(self, line: str) -> None:
        """Returns when the metrics of all of them have this line."""

        async def show(process: Process) -> bool:
            async with plain_http() as http:
                return line in (await http.get(f"{process.url}/metrics")).text.splitlines()

        await asyncio.gather(*(until(lambda one=one: show(one)) for one in self.processes))

    async def quotes(self) -> dict[str, tuple[str, str | None]]:
        """The outcome of one request: status and reason by insurer."""
        return outcomes(await self.world.watched(self.api, await self.world.accepted(self.api)))


def outcomes(events: list[dict[str, Any]]) -> dict[str, tuple[str, str | None]]:
    quotes = [event["quote"] for event in events if "quote" in event]
    return {one["insurer"]["id"]: (one["status"], (one["reason"] or {}).get("code")) for one in quotes}


PAUSED = 'osago_insurer_paused{insurer="sever"} 1.0'
NOT_PAUSED = 'osago_insurer_paused{insurer="sever"} 0.0'
REFUSED = {"sever": ("UNAVAILABLE", "INSURER_PAUSED"), "volga": ("OFFERED", None)}
OFFERED = {"sever": ("OFFERED", None), "volga": ("OFFERED", None)}


@pytest.mark.processes
@pytest.mark.timeout(240)
async def test_a_pause_is_in_every_worker_within_a_second_and_outlives_a_flush_and_restarts(world: World) -> None:
    """Its quotes are UNAVAILABLE at once, without a call; held jobs go on when it is resumed; a drained worker ends."""
    await world.insurers("sever", "volga")
    api, resources = await world.api(), await world.resources()
    book = SendersBook(world.folder, world.environment)
    async with AsyncExitStack() as stack:
        begun = [worker_process(world.folder, book.environment, "--name", name) for name in ("left", "right")]
        workers = Workers(world, api, resources, await together(stack, *begun))
        assert await workers.quotes() == OFFERED
        asked = world.sandbox.seen_by("sever").creates
        with within(KNOWN_S, *world.server_pids):
            await resources.controls.pause("sever", ORDER)
            await workers.all_show(PAUSED)
        assert await workers.quotes() == REFUSED
        await world.redis.client.flushall()
        for process in workers.processes:
            assert await process.stop() == 0
        begun = [worker_process(world.folder, book.environment, "--name", name) for name in ("left", "right")]
        workers = Workers(world, api, resources, await together(stack, *begun))
        assert await workers.quotes() == REFUSED
        assert world.sandbox.seen_by("sever").creates == asked
        await held_and_resumed(workers)
        await limited(workers, book)
        await drained(workers)


async def held_and_resumed(workers: Workers) -> None:
    """Its jobs wait beside the others' answers, and are asked when it is resumed."""
    world, controls = workers.world, workers.resources.controls
    asked = world.sandbox.seen_by("sever").creates
    await controls.pause("sever", ORDER, holds=True)
    await workers.all_show(PAUSED)
    # Of a pause that refuses, the metric says the same: the answer shows which it is.
    await until(lambda: is_held(workers))
    accepted = await world.accepted(workers.api)
    watching = workers.api.client.watch(accepted["quoteRequest"]["id"], accepted["watchToken"])
    first = await anext(watching)
    assert first["quote"]["insurer"]["id"] == "volga"
    assert world.sandbox.seen_by("sever").creates == asked
    await controls.resume("sever", ORDER)
    events = [dict(first), *[dict(event) async for event in watching]]
    assert outcomes(events) == OFFERED
    await workers.all_show(NOT_PAUSED)


async def limited(workers: Workers, book: SendersBook) -> None:
    """Held jobs of both workers begin at once when they are resumed: never more in a second than ordered, of both together."""
    world, controls = workers.world, workers.resources.controls
    await controls.limit("sever", f"{LIMIT}/s", ORDER)
    await controls.pause("sever", ORDER, holds=True)
    await workers.all_show(PAUSED)
    before = len(book.moments("create"))
    accepted = [await world.accepted(workers.api, insurerIds=["sever"]) for _ in range(2 * LIMIT)]
    await controls.resume("sever", ORDER)
    found = [outcomes(await world.watched(workers.api, one)) for one in accepted]
    assert found == [{"sever": ("OFFERED", None)}] * len(accepted)
    moments = book.moments("create")[before:]
    assert len(moments) == len(accepted)
    assert most_in_any_second(moments) <= LIMIT
    assert await controls.limit("sever", "file", ORDER) is None


async def is_held(workers: Workers) -> bool:
    found = await workers.resources.controls.in_force()
    return [control.setting for control in found] == ["hold"]


async def drained(workers: Workers) -> None:
    """By its label; the process ends with 0, and its order is done with. A second worker is left alone."""
    world, controls = workers.world, workers.resources.controls
    listed = await typed_beside(world, "workers")
    assert listed.returncode == 0, listed.stderr
    done = await typed_beside(world, "workers", "drain", "left", "--why", "its host is taken away", "--by", "anna")
    assert done.returncode == 0, done.stderr
    left, right = workers.processes
    assert await left.ended() == 0, left.text
    assert right.popen.poll() is None
    await until(lambda: names_of(workers, "right"))
    assert await controls.in_force() == []
    newest, ordered, *_ = await controls.audit(most=2)
    assert (newest.action, newest.kind, newest.subject) == ("done", "drain", ordered.subject)
    assert ordered.subject.startswith("left-")
    again = await typed_beside(world, "workers", "drain", "left", "--why", "once more")
    assert (again.returncode, "no worker of this name is alive" in again.stderr) == (2, True)
    assert await workers.quotes() == OFFERED


async def names_of(workers: Workers, *expected: str) -> bool:
    found = await workers.resources.controls.workers()
    return [one.name.rpartition("-")[0] for one in found if one.is_alive] == list(expected)
