"""`kill -9`: a worker's jobs run elsewhere, no quote is lost and none doubled."""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import pytest
from support.processes import api_process, together, worker_process
from support.stalls import within
from support.until import until
from support.world import ApiAtHand, World
from websockets.exceptions import WebSocketException

from sandbox.insurers.script.behaviours import Processing

TAKEN_OVER_S_MAX = 4.0
INSURERS = ("sever", "volga", "ural")


@pytest.mark.processes
async def test_the_jobs_of_a_killed_worker_run_elsewhere_within_four_seconds(world: World) -> None:
    """The next worker polls with the insurer's id: every quote once, and one application per job at the insurer."""
    await world.insurers(*INSURERS)
    async with AsyncExitStack() as stack:
        api = await _api(world, stack)
        workers = await together(stack, *(worker_process(world.folder, world.environment) for _ in range(2)))
        for insurer in INSURERS:
            world.sandbox.set_mode(insurer, Processing())
        accepted = await asyncio.gather(*(world.accepted(api) for _ in range(30)))
        watches = [asyncio.create_task(world.watched(api, one)) for one in accepted]
        keys = [_key(one, insurer) for one in accepted for insurer in INSURERS]
        await until(lambda: all((seen := world.sandbox.seen(key)) and seen.polls > 1 for key in keys))

        victim, polled_before = workers[0], _polls(world, keys)
        victim.kill()
        with within(TAKEN_OVER_S_MAX, *world.server_pids):
            await until(lambda: _each_was_polled_since(world, polled_before))

        for insurer in INSURERS:
            world.sandbox.set_mode(insurer, None)
        for events in await asyncio.gather(*watches):
            assert sorted(_insurers(events)) == sorted(INSURERS)
            assert events[-1]["outcome"] == "ALL_ANSWERED"
    for one in accepted:
        for insurer in INSURERS:
            seen = world.sandbox.seen(_key(one, insurer))
            assert (seen.creates, len(seen.application_ids)) == (1, 1)


@pytest.mark.processes
async def test_all_workers_killed_and_one_started_anew(world: World) -> None:
    """No worker is left to take the jobs over; the next one that starts takes them all."""
    await world.insurers(*INSURERS)
    async with AsyncExitStack() as stack:
        api = await _api(world, stack)
        workers = await together(stack, *(worker_process(world.folder, world.environment) for _ in range(2)))
        for insurer in INSURERS:
            world.sandbox.set_mode(insurer, Processing())
        accepted = [await world.accepted(api) for _ in range(5)]
        await until(lambda: all(world.sandbox.seen_by(insurer).applications == 5 for insurer in INSURERS))
        for worker in workers:
            worker.kill()
        for insurer in INSURERS:
            world.sandbox.set_mode(insurer, None)
        await stack.enter_async_context(worker_process(world.folder, world.environment))
        for one in accepted:
            events = await world.watched(api, one)
            assert sorted(_insurers(events)) == sorted(INSURERS)
            assert events[-1]["outcome"] == "ALL_ANSWERED"
    assert all(world.sandbox.seen_by(insurer).applications == 5 for insurer in INSURERS)


@pytest.mark.processes
async def test_a_killed_api_costs_its_subscribers_a_reconnect(world: World) -> None:
    """They reconnect to another process, by the cursor: no gap, no repeat."""
    await world.insurers(*INSURERS)
    async with AsyncExitStack() as stack:
        first, second = [await _api(world, stack) for _ in range(2)]
        await stack.enter_async_context(worker_process(world.folder, world.environment))
        for insurer in INSURERS[1:]:
            world.sandbox.set_mode(insurer, Processing())
        accepted = await world.accepted(first)
        seen: list[dict[str, Any]] = []
        with pytest.raises((OSError, WebSocketException)):  # noqa: PT012 - the break is what is waited for
            async for event in first.client._watch(accepted["quoteRequest"]["id"], accepted["watchToken"], None):
                seen.append(dict(event))
                first.services.kill()
        for insurer in INSURERS[1:]:
            world.sandbox.set_mode(insurer, None)
        watching = second.client._watch(accepted["quoteRequest"]["id"], accepted["watchToken"], seen[-1]["cursor"])
        seen += [dict(event) async for event in watching]
        assert sorted(_insurers(seen)) == sorted(INSURERS)
        assert seen[-1]["__typename"] == "QuotesCompleted"


async def _api(world: World, stack: AsyncExitStack) -> ApiAtHand:
    process = await stack.enter_async_context(api_process(world.folder, world.environment))
    return ApiAtHand(process.url, world.token(), process)


def _key(accepted: dict[str, Any], insurer: str) -> str:
    return f"{UUID(accepted['quoteRequest']['id'])}:{insurer}"


def _polls(world: World, keys: Iterable[str]) -> dict[str, int]:
    return {key: world.sandbox.seen(key).polls for key in keys}


def _each_was_polled_since(world: World, before: dict[str, int]) -> bool:
    return all(polls > before[key] + 1 for key, polls in _polls(world, before).items())


def _insurers(events: list[dict[str, Any]]) -> list[str]:
    return [event["quote"]["insurer"]["id"] for event in events if event["__typename"] == "QuoteReceived"]
