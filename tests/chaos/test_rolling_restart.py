"""SIGTERM under load: each process hands over, closes its sockets with 1012 and ends with 0, and no quote is lost."""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from support.balancer import Balancer, balanced
from support.processes import Process, api_process, together, worker_process
from support.stalls import within
from support.until import until
from support.world import ApiAtHand, World

from cli.quote.aggregator_client import CallFailed
from sandbox.insurers.script.behaviours import Processing

INSURERS = ("sever", "volga", "ural")
STOPPED_S_MAX = 10.0
HANDED_OVER_S_MAX = 1.0
EVERY_S = 0.05


@dataclass
class Load:
    """Customers one after the other; each watches to the end."""

    world: World
    api: ApiAtHand
    watches: list["asyncio.Task[list[dict[str, Any]]]"] = field(default_factory=list[Any])

    async def run(self) -> None:
        while True:
            self.watches.append(asyncio.create_task(self._customer()))
            await asyncio.sleep(EVERY_S)

    async def _customer(self) -> list[dict[str, Any]]:
        """Repeats the mutation until it is answered, as integrators are asked to: the reference makes that safe."""
        reference = uuid.uuid4().hex
        request = self.world.new_request(clientReference=reference)
        accepted = await until(lambda: self._created(request))
        return await self.world.watched(self.api, accepted)

    async def _created(self, request: dict[str, Any]) -> Any:
        try:
            return await self.api.client.create(request)
        except CallFailed:
            return None


@asynccontextmanager
async def under_load(world: World, balancer: Balancer) -> AsyncGenerator[Load, None]:
    """Customers come as long as the block runs; then each must have got everything."""
    load = Load(world, ApiAtHand(balancer.url, world.token(), None))
    running = asyncio.create_task(load.run())
    try:
        yield load
        running.cancel()  # no further customer starts
        for events in await asyncio.wait_for(asyncio.gather(*load.watches), 120):
            assert sorted(event["quote"]["insurer"]["id"] for event in events[:-1]) == sorted(INSURERS)
            assert [event["quote"]["status"] for event in events[:-1]] == ["OFFERED"] * len(INSURERS)
            assert events[-1]["outcome"] == "ALL_ANSWERED"
    finally:
        for task in (running, *load.watches):
            task.cancel()
        await asyncio.gather(running, *load.watches, return_exceptions=True)


@pytest.mark.processes
async def test_a_rolling_restart_of_everything_loses_nothing(world: World) -> None:
    """One process after the other, a successor first; customers come all the while."""
    await world.insurers(*INSURERS, time_scale=0.1)
    async with AsyncExitStack() as stack:
        balancer = await stack.enter_async_context(balanced())
        apis, workers = zip(*await asyncio.gather(*(_began(world, stack) for _ in range(2))), strict=True)
        balancer.ports = [api.port for api in apis]
        async with under_load(world, balancer) as load:
            await until(lambda: len(load.watches) >= 20)
            for api, worker in zip(apis, workers, strict=True):
                new, _ = await _began(world, stack)
                balancer.ports.append(new.port)
                await _stopped(api)
                balancer.ports.remove(api.port)
                await _stopped(worker)
        rows = await world.database.fetch("SELECT id FROM osago_requests")
        assert len(rows) == len(load.watches)
        for row in rows:
            seen = [world.sandbox.seen(f"{row['id']}:{insurer}") for insurer in INSURERS]
            assert [len(one.application_ids) for one in seen] == [1] * len(INSURERS)


async def _began(world: World, stack: AsyncExitStack) -> tuple[Process, ...]:
    """An API and a worker."""
    made = (make(world.folder, world.environment) for make in (api_process, worker_process))
    return await together(stack, *made)


@pytest.mark.processes
async def test_the_jobs_of_a_worker_that_stops_go_on_elsewhere_within_a_second(world: World) -> None:
    """A worker hands a job that an insurer is processing back, with the id that the next worker polls with."""
    await world.insurers(*INSURERS)
    async with AsyncExitStack() as stack:
        api = await world.api()
        worker = await stack.enter_async_context(worker_process(world.folder, world.environment))
        for insurer in INSURERS:
            world.sandbox.set_mode(insurer, Processing())
        accepted = [await world.accepted(api) for _ in range(30)]
        keys = [f"{UUID(one['quoteRequest']['id'])}:{insurer}" for one in accepted for insurer in INSURERS]
        await until(lambda: all(_polls(world, key) for key in keys))
        await stack.enter_async_context(worker_process(world.folder, world.environment))

        stopping = asyncio.create_task(_stopped(worker))
        while not stopping.done():
            before = {key: _polls(world, key) for key in keys}
            with within(HANDED_OVER_S_MAX + _NOTICE_S, *world.server_pids):
                await until(lambda before=before: all(_polls(world, key) > before[key] for key in keys))
        await stopping
        for insurer in INSURERS:
            world.sandbox.set_mode(insurer, None)
        for one in accepted:
            assert (await world.watched(api, one))[-1]["outcome"] == "ALL_ANSWERED"
        assert all(world.sandbox.seen(key).creates == 1 for key in keys)


_NOTICE_S = 0.5  # the look of this test itself


def _polls(world: World, key: str) -> int:
    seen = world.sandbox.seen(key)
    return seen.polls if seen else 0


async def _stopped(process: Process) -> None:
    with within(STOPPED_S_MAX):
        assert await process.stop() == 0, process.text
    assert "Traceback" not in process.text
