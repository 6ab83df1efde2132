"""Two hundred clients that stop reading, next to two hundred that go on: nobody but themselves notices."""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import psutil
import pytest
from support.processes import Process, api_process, worker_process
from support.reader import reading
from support.socket import opened
from support.until import until
from support.world import ApiAtHand, World

from sandbox.insurers.behaviours import Processing

INSURERS = ("sever", "volga", "ural", "baikal", "altai", "kama")
REQUESTS = 20
HEALTHY = 200
QUIET, GREEDY = 190, 10
"""Stopped readers: those that ask for little, so that only their silence tells, and those whose buffers fill."""
GREEDY_OPERATIONS = 100
FREED_S_MOST = 35.0
LATENCY_MS_MOST = 500


@pytest.mark.processes
async def test_two_hundred_stopped_readers_hurt_nobody(world: World) -> None:
    """Their sockets are free within 35 s; the others miss nothing, and wait for nothing."""
    world.set(quote_deadline="60s")
    await world.insurers(*INSURERS)
    async with AsyncExitStack() as stack:
        process = await stack.enter_async_context(api_process(world.folder, world.environment))
        await stack.enter_async_context(worker_process(world.folder, world.environment))
        api = ApiAtHand(process.url, world.token(), process)
        full = await world.accepted(api)
        await world.watched(api, full)
        for insurer in INSURERS:
            world.sandbox.set_mode(insurer, Processing())
        accepted = [await world.accepted(api) for _ in range(REQUESTS)]
        watches = [asyncio.create_task(_latencies(api, accepted[n % REQUESTS])) for n in range(HEALTHY)]
        stopped = [
            await stack.enter_async_context(reading(api.graphql, full["watchToken"])) for _ in range(QUIET + GREEDY)
        ]
        for reader in stopped[QUIET:]:
            for number in range(GREEDY_OPERATIONS):
                await reader.watch(full["quoteRequest"]["id"], id_=str(number))
        for reader in stopped[:QUIET]:
            await reader.watch(full["quoteRequest"]["id"])
        began_at = time.monotonic()
        await until(lambda: _rests(process))
        answering = asyncio.create_task(_answered_in_turn(world))
        await until(lambda: not {reader.port for reader in stopped[QUIET:]} & _peers(process), seconds=FREED_S_MOST)
        greedy_s = time.monotonic() - began_at
        await until(lambda: not {reader.port for reader in stopped} & _peers(process), seconds=FREED_S_MOST)
        took_s = time.monotonic() - began_at
        await answering
        latencies = sorted(latency for one in await asyncio.gather(*watches) for latency in one)
    p50_ms, p99_ms = (latencies[int(len(latencies) * share)] * 1000 for share in (0.5, 0.99))
    print(f"freed after {greedy_s:.1f} and {took_s:.1f} s; {len(latencies)} events: {p50_ms:.0f}, p99 {p99_ms:.0f} ms")
    assert took_s <= FREED_S_MOST
    assert p99_ms <= LATENCY_MS_MOST


async def _rests(process: Process) -> bool:
    """Whether the API has done what everybody asked of it: what comes now waits for no work."""
    api = psutil.Process(process.popen.pid)
    before = sum(api.cpu_times()[:2])
    await asyncio.sleep(0.3)
    return sum(api.cpu_times()[:2]) - before < 0.06


async def _answered_in_turn(world: World) -> None:
    """One insurer after the other, while readers are stopped, stalled and cut off."""
    for insurer in INSURERS:
        world.sandbox.set_mode(insurer, None)
        await asyncio.sleep(4)


async def _latencies(api: ApiAtHand, accepted: dict[str, Any]) -> list[float]:
    """Watches a request to its end; seconds from each answer to its frame."""
    seconds: list[float] = []
    insurers: list[str] = []
    async with opened(api.graphql) as socket:
        await socket.init(accepted["watchToken"])
        await socket.watch(accepted["quoteRequest"]["id"])
        while (event := await socket.event())["__typename"] == "QuoteReceived":
            insurers.append(event["quote"]["insurer"]["id"])
            seconds.append(time.time() - datetime.fromisoformat(event["quote"]["receivedAt"]).timestamp())
    assert sorted(insurers) == sorted(INSURERS)
    assert event["outcome"] == "ALL_ANSWERED"
    return seconds


def _peers(process: Process) -> set[int]:
    """The ports of the clients that the API holds a socket of."""
    return {one.raddr.port for one in psutil.Process(process.popen.pid).net_connections("tcp") if one.raddr}
