"""The storm: an API with thousands of watchers is killed with -9, and all of them come to the other one.

Two APIs, a worker, insurers that answer before, during and after it. Watchers come from several addresses and behave as the page does: a short wait
by lot, then as long as the API asks for. Mutations go to the surviving API all the while, in an open loop. In the end each watcher must
have each quote once, and the end. BENCH_WATCHERS asks for other numbers of watchers.
"""

import asyncio
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvloop

from bench import measured_processes
from bench.fleet import fleet
from bench.http import Poster
from bench.open_loop import Offered, offer
from bench.rows import Row, Target
from bench.users import body_of
from bench.watcher import Storm, Watcher

LINE: Final = "storm"
WATCHERS: Final = tuple(map(int, os.environ.get("BENCH_WATCHERS", "4500,10000").split(",")))
INSURERS: Final = ("sever", "volga")
MUTATIONS_PER_S: Final = 100
LOOK_EVERY_S: Final = 0.004
"""The generator's own looks, so that it leaves the cores to what is measured."""
BACK_S_MAX: Final = 10.0
GIVEN_UP_AFTER_S: Final = 60.0
MUTATION_MS_MAX: Final = 250.0
PER_ADDRESS: Final = 2_000
CREATING_AT_ONCE: Final = 64
CONNECTS_PER_S: Final = 400
"""Before the storm: an ordinary pace."""
THINKING_S_MIN: Final = 10.0
DEADLINE_LATER_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class _Outcome:
    back_s: float
    back_p50_s: float
    offered: Offered
    refusals: int
    faults: Counter[str]
    cpu_s: float
    api_cpu_s: float


def rows() -> list[Row]:
    """The rows of this line."""
    return [row for watchers in WATCHERS for row in _rows(watchers)]


def _thinking_s_max(watchers: int) -> float:
    """Twice the time until all of them watch, so that answers come before and after the storm."""
    return 30.0 + watchers / (CONNECTS_PER_S / 3)


def _rows(watchers: int) -> list[Row]:
    thinking_s_max = _thinking_s_max(watchers)
    with (
        tempfile.TemporaryDirectory(prefix="osago-bench-") as folder,
        fleet(
            Path(folder),
            insurers=INSURERS,
            thinking_s=(THINKING_S_MIN, thinking_s_max),
            more=f'max_in_flight = {2 * watchers}\npoll_interval = "10s"',
            OSAGO_QUOTE_DEADLINE=f"{thinking_s_max + DEADLINE_LATER_S:.0f}s",
            OSAGO_SOCKETS_PER_ADDRESS="5000",
        ) as one,
        ExitStack() as stack,
    ):
        pid, doomed = stack.enter_context(one.system.api())
        headers = {"Authorization": f"Bearer {one.system.token()}", "Content-Type": "application/json"}
        outcome = uvloop.run(_storm(one.url, one.product["api"][0], doomed, pid, headers, watchers))
    faults = ", ".join(f"{what}: {count}" for what, count in outcome.faults.most_common(5))
    what = f"{watchers:,} watchers of a killed API"
    return [
        Row(
            LINE,
            f"{what}, all back",
            outcome.back_s,
            "s",
            None,
            Target(BACK_S_MAX),
            f"median {outcome.back_p50_s:.1f} s; {outcome.refusals} times put off; CPU: API {outcome.api_cpu_s:.1f} s, generator {outcome.cpu_s:.1f} s",
        ),
        Row(LINE, "… gaps, repeats and lost ends", outcome.faults.total(), "", None, Target(0), faults),
        Row(
            LINE,
            "… mutations meanwhile, p99",
            outcome.offered.p99_ms,
            "ms",
            None,
            Target(MUTATION_MS_MAX),
            outcome.offered.note,
        ),
    ]


async def _storm(url: str, survivor: int, doomed: str, pid: int, headers: dict[str, str], count: int) -> _Outcome:
    storm = Storm(INSURERS)
    async with Poster.opened(url, headers) as poster:
        watchers = await _accepted(poster, storm, doomed, count)
    for number, watcher in enumerate(watchers):
        watcher.connect()
        if number % 20 == 0:
            await asyncio.sleep(20 / CONNECTS_PER_S)
    await storm.all_watch(watchers)
    for watcher in watchers:
        watcher.url = url
    over = asyncio.Event()
    offering = asyncio.create_task(
        offer(
            url,
            body_of(0),
            headers,
            per_s=MUTATIONS_PER_S,
            seconds=GIVEN_UP_AFTER_S,
            over=over,
            look_every_s=LOOK_EVERY_S,
        )
    )
    await asyncio.sleep(1)
    cpu_s, begun = time.process_time(), time.perf_counter()
    api_cpu_s = measured_processes.cpu_s(survivor)
    watchers = [watcher for watcher in watchers if not watcher.outcome]
    storm.begin(watchers)
    os.kill(pid, signal.SIGKILL)
    await storm.all_watch(watchers, within_s=GIVEN_UP_AFTER_S)
    cpu_s, api_cpu_s = time.process_time() - cpu_s, measured_processes.cpu_s(survivor) - api_cpu_s
    over.set()
    offered = await offering
    await storm.all_ended(watchers, within_s=_thinking_s_max(count) + DEADLINE_LATER_S)
    back_s = sorted(watcher.watched_at_s - begun for watcher in watchers)
    return _Outcome(
        back_s[-1], back_s[len(back_s) // 2], offered, storm.refusals, storm.faults(watchers), cpu_s, api_cpu_s
    )


async def _accepted(poster: Poster, storm: Storm, doomed: str, count: int) -> Sequence[Watcher]:
    turn = asyncio.Semaphore(CREATING_AT_ONCE)

    async def accepted(number: int) -> Watcher:
        async with turn:
            answer = await poster.post(body_of(number))
        made = answer["data"]["createQuoteRequest"]
        address = f"127.0.0.{2 + number // PER_ADDRESS}"
        return Watcher(storm, doomed, address, made["quoteRequest"]["id"], made["watchToken"])

    return await asyncio.gather(*(accepted(number) for number in range(count)))
