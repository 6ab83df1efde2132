"""Calls to insurers per second and core: through the whole chain (adapter, limits, circuit, retry) beside bare aiohttp.

`uv run python -m bench.calls [--rounds 5] [--clients] [--json FILE]`. One core is this process's, another the insurer's.
Rounds alternate between what is compared; the best of each counts, for the machine's noise only ever slows down.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

import uvloop

from bench.chain import EXAMPLE, chain
from bench.clients import Client, aiohttp_bare, installed
from bench.light_insurer import CALLS_PER_JOB, POLLS, serving
from bench.rows import Row, Target
from sandbox.demo.servers import Redis

CONCURRENT: Final = (100, 1000)
TARGET: Final = 4000
YARDSTICK: Final = "aiohttp, bare"
CHAIN: Final = "the whole chain"
JOBS: Final = 3000
"""A round: so many jobs of five calls each."""


@dataclass(frozen=True, slots=True)
class Figure:
    """The best of several rounds."""

    what: str
    concurrent: int
    calls_per_core_s: float
    calls_per_s: float


Job = Callable[[], Awaitable[None]]


async def _round(job: Job, concurrent: int) -> tuple[float, float]:
    """Seconds of CPU and of the clock for JOBS jobs."""
    left = iter(range(JOBS))

    async def customer() -> None:
        for _ in left:
            await job()

    cpu, wall = time.process_time(), time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(concurrent):
            tasks.create_task(customer())
    return time.process_time() - cpu, time.perf_counter() - wall


def _bare_job(send: Callable[[str, str, bytes | None], Awaitable[bytes]]) -> Job:
    content = EXAMPLE.read_bytes()

    async def job() -> None:
        created = json.loads(await send("POST", "applications", content))
        for _ in range(POLLS):
            json.loads(await send("GET", f"applications/{created['applicationId']}", None))

    return job


@contextmanager
def redis() -> Generator[str, None, None]:
    """An embedded one, for limits and circuits."""
    with tempfile.TemporaryDirectory(prefix="osago-bench-") as folder:
        server = Redis(Path(folder))
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


@asynccontextmanager
async def _bare(client: Client, url: str, concurrent: int) -> AsyncGenerator[Job, None]:
    async with client(url, concurrent) as send:
        yield _bare_job(send)


async def measure(*, rounds: int, with_clients: bool) -> list[Figure]:
    """Everything that is compared, one round of each in turn."""
    compared: dict[str, Callable[[str, int], AbstractAsyncContextManager[Job]]]
    compared = {YARDSTICK: partial(_bare, aiohttp_bare)}
    if with_clients:
        compared |= {name: partial(_bare, client) for name, client in installed().items()}
    figures: list[Figure] = []
    with serving() as url, redis() as redis_url:
        compared[CHAIN] = partial(chain, redis_url)
        for concurrent in CONCURRENT:
            async with AsyncExitStack() as stack:
                jobs = {what: await stack.enter_async_context(made(url, concurrent)) for what, made in compared.items()}
                found = await _alternating(jobs, concurrent, rounds)
            figures += [_figure(what, concurrent, pairs) for what, pairs in found.items()]
    return figures


async def _alternating(
    jobs: Mapping[str, Job], concurrent: int, rounds: int
) -> Mapping[str, Sequence[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {what: [] for what in jobs}
    for number in range(rounds + 1):
        for what, job in jobs.items():
            measured = await _round(job, concurrent)
            if number:  # the first round opens the connections
                found[what].append(measured)
    return found


def _figure(what: str, concurrent: int, pairs: Sequence[tuple[float, float]]) -> Figure:
    calls = JOBS * CALLS_PER_JOB
    return Figure(what, concurrent, calls / min(cpu for cpu, _ in pairs), calls / min(wall for _, wall in pairs))


def rows() -> list[Row]:
    """The rows of this line."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(measure(rounds=3, with_clients=False))
    yardsticks = {one.concurrent: one.calls_per_core_s for one in figures if one.what == YARDSTICK}
    target = Target(TARGET, is_most=False)
    return [
        Row(
            "calls",
            f"{one.what}, {one.concurrent} at once",
            one.calls_per_core_s,
            "/s a core",
            yardsticks[one.concurrent],
            target,
        )
        for one in figures
        if one.what == CHAIN
    ]


def report(figures: list[Figure]) -> bool:
    """Prints the table; returns whether the target is met."""
    yardsticks = {one.concurrent: one.calls_per_core_s for one in figures if one.what == YARDSTICK}
    print(f"{'calls to insurers':24} {'at once':>8} {'per s, core':>12} {'per s':>8} {'ratio':>6} {'target':>8}")
    is_met = True
    for one in figures:
        verdict = ""
        if one.what == CHAIN:
            is_met &= one.calls_per_core_s >= TARGET
            verdict = f"{'met' if one.calls_per_core_s >= TARGET else 'NOT MET'} (≥ {TARGET})"
        ratio = one.calls_per_core_s / yardsticks[one.concurrent]
        print(
            f"{one.what:24} {one.concurrent:>8} {one.calls_per_core_s:>12.0f} {one.calls_per_s:>8.0f} {ratio:>6.2f} {verdict}"
        )
    return is_met


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", action="store_true", help="measures every installed HTTP client too")
    parser.add_argument("--json", type=Path, default=Path(".osago/bench/calls.json"), help="where the figures go")
    chosen = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(measure(rounds=chosen.rounds, with_clients=chosen.clients))
    is_met = report(figures)
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    body = {"target": TARGET, "met": is_met, "figures": [asdict(one) for one in figures]}
    chosen.json.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
