"""Recovery: from `kill -9` of a worker until the last of its jobs runs with another one. The slowest of twenty counts.

Redis knows the worker of each job: the clock stops when no job is pending for the dead worker any more.
"""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, cast

import httpx
import uvloop
from redis.asyncio import Redis

from app.redis import keys
from bench.fleet import Fleet, fleet, worker
from bench.rows import Row, Target
from bench.users import body_of

LINE: Final = "recovery"
KILLS: Final = 20
JOBS_MIN: Final = 5
ASKED: Final = 4
INSURER: Final = "sever"
LEASE_S: Final = 3.0
LOOK_EVERY_S: Final = 0.005
GIVEN_UP_AFTER_S: Final = 30.0


def rows() -> list[Row]:
    """The row of this line."""
    with (
        tempfile.TemporaryDirectory(prefix="osago-bench-") as folder,
        fleet(Path(folder), insurers=[INSURER], workers=0, thinking_s=(600, 600), OSAGO_QUOTE_DEADLINE="10min") as one,
    ):
        took_s = sorted(uvloop.run(_kills(one)))
    note = f"of {KILLS} kills, at least {JOBS_MIN} jobs each; median {took_s[KILLS // 2]:.2f} s; yardstick: the lease"
    return [Row(LINE, "kill -9 → its jobs run elsewhere, slowest", took_s[-1], "s", LEASE_S, Target(4), note)]


async def _kills(one: Fleet) -> list[float]:
    with ExitStack() as stack:
        stack.enter_context(worker(one.system, "--name", "survivor"))
        return [await _killed(one, number) for number in range(KILLS)]


async def _killed(one: Fleet, number: int) -> float:
    """Seconds until the jobs that a victim had were all another's."""
    redis: Any = Redis.from_url(one.system.redis_url, decode_responses=True)  # pyright: ignore[reportUnknownMemberType]
    label = f"victim{number}"
    with worker(one.system, "--name", label) as pid:
        while await _pending(redis, label) < JOBS_MIN:
            _ask(one)
            await asyncio.sleep(LOOK_EVERY_S)
        os.kill(pid, signal.SIGKILL)
        begun = time.perf_counter()
        while await _pending(redis, label):  # Redis alone knows
            await asyncio.sleep(LOOK_EVERY_S)
            if time.perf_counter() - begun > GIVEN_UP_AFTER_S:
                break
        took_s = time.perf_counter() - begun
    await redis.aclose()
    return took_s


def _ask(one: Fleet) -> None:
    """Sends a few requests, of which each worker gets some."""
    headers = {"Authorization": f"Bearer {one.system.token()}", "Content-Type": "application/json"}
    with httpx.Client(headers=headers) as http:
        for number in range(ASKED):
            http.post(one.url, content=body_of(number)).raise_for_status()


async def _pending(redis: Any, label: str) -> int:
    """How many jobs this worker holds."""
    consumers = await redis.xinfo_consumers(keys.jobs(0, INSURER), keys.GROUP)
    found = cast("list[Mapping[str, Any]]", consumers)
    return sum(one["pending"] for one in found if one["name"].startswith(f"{label}-"))
