"""One insurer hangs with 10,000 jobs, or floods with 100: what becomes of the others' latency? Paired runs, with and without.

`uv run python -m bench.bulkhead [--pairs 5] [--beside hanging] [--json FILE]`. A real worker process, PostgreSQL and Redis; latency is from a
request's acceptance to its committed quote. The circuit of one that hangs opens on the way, so that all 10,000 are settled
meanwhile too.
"""

import argparse
import asyncio
import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import asyncpg

from app.config.settings import Settings
from app.intake.new_request import NewRequestInput
from app.postgres.migration import migrate
from app.resources import Resources, open_resources
from app.runtime.supervision import run_parts
from app.use_cases.accept import RequestAcceptor
from app.use_cases.admission import Admission
from app.use_cases.caller_rate_limit import CallerRateLimiter
from bench.chain import example_application
from bench.light_insurer import FLOODS, serving
from sandbox.demo.servers import Postgresql, Redis, free_port, wait_for_port

JOBS: Final = {"hanging": 10_000} | {f"flooding-{flood}": 100 for flood in FLOODS}
"""Of the insurer beside the others, by what it does."""
REQUESTS: Final = 400
PER_SECOND: Final = 50
"""So that the hanging calls time out, and the circuit opens, while it is measured."""
TARGET: Final = 1.15
"""The others' median may be as much longer: what the machine's noise makes of it without an insurer that hangs."""
TARGET_P99_MS: Final = 100.0
"""Beside a flood the others' 99th percentile may be later by so much."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Latencies of the others, in ms."""

    alone_p50: float
    alone_p99: float
    beside_p50: float
    beside_p99: float


def _environment(folder: Path, url: str, beside: str, database_url: str, redis_url: str) -> Mapping[str, str]:
    tables = [
        f'[[insurer]]\nid = "{id_}"\nname = "{id_}"\nadapter = "rest-poll"\nbase_url = "{base_url}"\npoll_interval = "20ms"\n'
        for id_, base_url in (("sever", url), ("volga", url.replace("/insurer", f"/{beside}")))
    ]
    (folder / "insurers.toml").write_text("\n".join(tables), encoding="utf-8")
    return {
        **os.environ,
        "OSAGO_DATABASE_URL": database_url,
        "OSAGO_REDIS_URL": redis_url,
        "OSAGO_INSURERS_FILE": str(folder / "insurers.toml"),
        "OSAGO_ENCRYPTION_KEYS": f"k1:{base64.b64encode(bytes(32)).decode()}",
        "OSAGO_ADMISSION_AGE": "off",
        "OSAGO_LOG_LEVEL": "error",
    }


@asynccontextmanager
async def _accepting(resources: Resources) -> AsyncGenerator[RequestAcceptor, None]:
    admission = Admission(resources.pool, resources.redis, resources.jobs, resources.clock, insurers=(), age_s_max=None)
    limiting = CallerRateLimiter(resources.redis, resources.clock, salt="", shards=1, caller=None, customer=None)
    made = RequestAcceptor(
        resources.pool,
        resources.jobs,
        resources.cipher,
        resources.clock,
        admission,
        limiting,
        insurers=list(resources.insurers),
        deadline_s=60,
    )
    async with run_parts(made.parts()):
        yield made


async def _one_run(resources: Resources, environment: Mapping[str, str], *, jobs: int) -> tuple[float, float]:
    """Median and 99th percentile of the others' latency, in ms."""
    port = free_port()
    command = [sys.executable, "-m", "cli.main", "worker", "--metrics-port", str(port)]
    with subprocess.Popen(command, env=dict(environment)) as worker:  # noqa: ASYNC220, S603 - our own
        try:
            wait_for_port(port, worker)
            async with _accepting(resources) as accepting:
                await _accept(accepting, "volga", jobs)
                for _ in range(REQUESTS // PER_SECOND):
                    async with asyncio.TaskGroup() as second:
                        for number in range(PER_SECOND):
                            second.create_task(_later(number / PER_SECOND, _accept(accepting, "sever", 1)))
                return await _latencies(environment["OSAGO_DATABASE_URL"])
        finally:
            worker.kill()
            worker.wait()
            await _forget_everything(resources, environment["OSAGO_DATABASE_URL"])


async def _forget_everything(resources: Resources, database_url: str) -> None:
    await resources.redis.eval("redis.call('FLUSHALL')", 0)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("TRUNCATE osago_requests CASCADE")
    finally:
        await connection.close()


async def _accept(accepting: RequestAcceptor, insurer: str, count: int) -> None:
    wanted = NewRequestInput(None, "customer", example_application(), (insurer,))
    for first in range(0, count, 500):
        await asyncio.gather(*(accepting.accept("bench", wanted) for _ in range(min(500, count - first))))


async def _later(seconds: float, what: Coroutine[None, None, None]) -> None:
    await asyncio.sleep(seconds)
    await what


async def _latencies(database_url: str) -> tuple[float, float]:
    connection = await asyncpg.connect(database_url)
    try:
        while True:
            rows = await connection.fetch(
                "SELECT extract(epoch FROM received_at - created_at) * 1000 AS ms FROM osago_quotes JOIN osago_requests"
                " ON id = request_id WHERE insurer_id = 'sever'"
            )
            if len(rows) >= REQUESTS:
                break
            await asyncio.sleep(0.1)
    finally:
        await connection.close()
    ms = sorted(float(row["ms"]) for row in rows)
    return ms[len(ms) // 2], ms[int(len(ms) * 0.99)]


async def measure(folder: Path, pairs: int, beside: str) -> list[Pair]:
    """Alternating, so that what the machine does hits both."""
    postgresql, redis = Postgresql(folder / "postgres", is_tuned=True), Redis(folder / "redis")
    postgresql.start()
    redis.start()
    try:
        await asyncio.to_thread(migrate, postgresql.url())
        found: list[Pair] = []
        with serving() as url:
            environment = _environment(folder, url, beside, postgresql.url(), redis.url)
            os.environ.update(environment)
            async with open_resources(Settings.load()) as resources:
                for _ in range(pairs):
                    alone = await _one_run(resources, environment, jobs=0)
                    with_it = await _one_run(resources, environment, jobs=JOBS[beside])
                    found.append(Pair(*alone, *with_it))
                    print(found[-1], flush=True)
        return found
    finally:
        redis.stop()
        postgresql.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--json", type=Path, default=Path(".osago/bench/bulkhead.json"), help="where the figures go")
    parser.add_argument("--beside", choices=list(JOBS), default="hanging", help="what one insurer does meanwhile")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="osago-bench-") as folder:
        pairs = asyncio.run(measure(Path(folder), chosen.pairs, chosen.beside))
    ratio = statistics.median(pair.beside_p50 / pair.alone_p50 for pair in pairs)
    ratio_p99 = statistics.median(pair.beside_p99 / pair.alone_p99 for pair in pairs)
    later_ms = statistics.median(pair.beside_p99 - pair.alone_p99 for pair in pairs)
    is_met = ratio <= TARGET if chosen.beside == "hanging" else later_ms <= TARGET_P99_MS
    target = f"p50 ≤ × {TARGET}" if chosen.beside == "hanging" else f"p99 ≤ + {TARGET_P99_MS:.0f} ms"
    print(
        f"others' latency beside {JOBS[chosen.beside]:,} jobs of one that is {chosen.beside}: p50 × {ratio:.2f},"
        f" p99 × {ratio_p99:.2f}, + {later_ms:.0f} ms: {'met' if is_met else 'NOT MET'} ({target})"
    )
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    body = {
        "beside": chosen.beside,
        "target": TARGET,
        "met": is_met,
        "p50_ratio": ratio,
        "p99_ratio": ratio_p99,
        "p99_later_ms": later_ms,
    }
    chosen.json.write_text(json.dumps({**body, "pairs": [asdict(p) for p in pairs]}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
