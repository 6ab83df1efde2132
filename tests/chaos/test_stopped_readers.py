"""Clients that stop reading do not delay or lose the events of other clients."""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psutil
import pytest
from support.processes import Process, api_process, worker_process
from support.reader import reading
from support.socket import opened
from support.stalls import machine_stall
from support.until import until
from support.world import ApiAtHand, World

from sandbox.insurers.script.behaviours import Processing

EARLY = ("ladoga", "onega")
"""These insurers answer before any client stops reading, as a baseline."""
INSURERS = (*EARLY, "sever", "volga", "ural", "baikal")
GREEDY_OPERATIONS = 100
FREED_S_MAX = 35.0
MORE_MS_MAX = 500


@dataclass(frozen=True)
class Crowd:
    """The clients. Stopped readers are `quiet` (few events: only silence shows) or `greedy` (their buffers fill)."""

    requests: int
    healthy: int
    quiet: int
    greedy: int


@pytest.mark.processes
@pytest.mark.parametrize(
    "crowd",
    [
        pytest.param(Crowd(requests=5, healthy=30, quiet=18, greedy=2), id="twenty"),
        pytest.param(Crowd(requests=20, healthy=200, quiet=190, greedy=10), id="two hundred", marks=pytest.mark.long),
    ],
)
async def test_stopped_readers_hurt_no_others(world: World, crowd: Crowd) -> None:
    """Their sockets are free within 35 s; the others miss nothing, and wait for nothing."""
    world.set(quote_deadline="60s", watch_share="2000,500,10/s")  # one token stands for all of them here
    await world.insurers(*INSURERS)
    async with AsyncExitStack() as stack:
        process = await stack.enter_async_context(api_process(world.folder, world.environment))
        await stack.enter_async_context(worker_process(world.folder, world.environment))
        api = ApiAtHand(process.url, world.token(), process)
        full = await world.accepted(api)
        await world.watched(api, full)
        for insurer in INSURERS:
            world.sandbox.set_mode(insurer, Processing())
        accepted = [await world.accepted(api) for _ in range(crowd.requests)]
        watches = [asyncio.create_task(_answers(api, accepted[n % crowd.requests])) for n in range(crowd.healthy)]
        await _answered_in_turn(world, EARLY)
        stopped = [
            await stack.enter_async_context(reading(api.graphql, full["watchToken"]))
            for _ in range(crowd.quiet + crowd.greedy)
        ]
        for reader in stopped[crowd.quiet :]:
            for number in range(GREEDY_OPERATIONS):
                await reader.watch(full["quoteRequest"]["id"], id_=str(number))
        for reader in stopped[: crowd.quiet]:
            await reader.watch(full["quoteRequest"]["id"])
        with machine_stall(*world.server_pids) as stall:
            began_at = time.monotonic()
            await until(lambda: _rests(process))
            answering = asyncio.create_task(_answered_in_turn(world, INSURERS[len(EARLY) :]))
            await until(lambda: not {reader.port for reader in stopped[crowd.quiet :]} & _peers(process))
            greedy_s = time.monotonic() - began_at
            await until(lambda: not {reader.port for reader in stopped} & _peers(process))
            took_s = time.monotonic() - began_at
        await answering
        answers = [answer for one in await asyncio.gather(*watches) for answer in one]
    usual_ms, ms = (_p99_ms([a for a in answers if (a.insurer in EARLY) is early]) for early in (True, False))
    print(
        f"freed after {greedy_s:.1f} and {took_s:.1f} s; {len(answers)} events, p99 before {usual_ms:.0f}, then {ms:.0f} ms"
    )
    assert took_s - stall.seconds <= FREED_S_MAX
    assert ms - stall.seconds * 1000 <= 2 * usual_ms + MORE_MS_MAX


def _p99_ms(answers: list["Answer"]) -> float:
    return sorted(answer.late_s for answer in answers)[int(len(answers) * 0.99)] * 1000


async def _rests(process: Process) -> bool:
    """Whether the API has finished all work that clients asked for, so that the next event waits for none."""
    api = psutil.Process(process.popen.pid)
    before = sum(api.cpu_times()[:2])
    await asyncio.sleep(0.3)
    return sum(api.cpu_times()[:2]) - before < 0.06


async def _answered_in_turn(world: World, insurers: tuple[str, ...]) -> None:
    """One insurer after the other."""
    for insurer in insurers:
        world.sandbox.set_mode(insurer, None)
        await asyncio.sleep(3)


@dataclass(frozen=True)
class Answer:
    """One that arrived, so many seconds after the insurer gave it."""

    insurer: str
    late_s: float


async def _answers(api: ApiAtHand, accepted: dict[str, Any]) -> list[Answer]:
    """Watches a request to its end."""
    answers: list[Answer] = []
    async with opened(api.graphql) as socket:
        await socket.init(accepted["watchToken"])
        await socket.watch(accepted["quoteRequest"]["id"])
        while (event := await socket.event())["__typename"] == "QuoteReceived":
            late_s = time.time() - datetime.fromisoformat(event["quote"]["receivedAt"]).timestamp()
            answers.append(Answer(event["quote"]["insurer"]["id"], late_s))
    assert sorted(answer.insurer for answer in answers) == sorted(INSURERS)
    assert event["outcome"] == "ALL_ANSWERED"
    return answers


def _peers(process: Process) -> set[int]:
    """The ports of the clients that the API holds a socket of."""
    return {one.raddr.port for one in psutil.Process(process.popen.pid).net_connections("tcp") if one.raddr}
