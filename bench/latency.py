"""Latency, idle and at a fifth of the peak: the mutation's bytes in → the insurer's POST, its answer → the frame.

The moment of the insurer's call is from the insurer's own record. The yardstick is one hop through Redis: XADD until XREAD has it.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import uvloop
from redis.asyncio import Redis

from bench.fleet import TEN, Fleet, fleet
from bench.http import Poster
from bench.rows import Row, Target
from bench.users import Crowd, all_of, body_of, use
from bench.verified import called_at

LINE: Final = "latency"
IDLE_USERS, IDLE_EVERY_S = 100, 0.25
WARMING_UP: Final = 10
"""Users before the idle ones: of a hundred the slowest is the 99th percentile, and a process's first request is another line."""
BUSY_USERS, BUSY_EVERY_S = 500, 0.05
HOPS: Final = 500
MEDIAN_MS, P99_MS = 5, 25


def rows() -> list[Row]:
    """The rows of this line."""
    found: list[Row] = []
    for what, insurers, users, every_s, most_s in (
        ("idle", TEN[:1], IDLE_USERS, IDLE_EVERY_S, 0.5),
        ("a fifth of the peak", TEN, BUSY_USERS, BUSY_EVERY_S, 25.0),
    ):
        with (
            tempfile.TemporaryDirectory(prefix="osago-bench-") as folder,
            fleet(Path(folder), insurers=insurers, workers=1, thinking_s=(0.5, most_s)) as one,
        ):
            found += uvloop.run(_measured(one, what, users, every_s))
    return found


async def _measured(one: Fleet, what: str, users: int, every_s: float) -> list[Row]:
    hop_ms = await _hop_ms(one)
    crowd = Crowd()
    headers = {"Authorization": f"Bearer {one.system.token()}", "Content-Type": "application/json"}
    if users == IDLE_USERS:
        await all_of(one.url, headers, Crowd(), users=WARMING_UP)
    async with Poster.opened(one.url, headers) as poster, asyncio.TaskGroup() as tasks:
        for number in range(users):
            tasks.create_task(use(poster, one.url, body_of(number), crowd))
            await asyncio.sleep(every_s)
    first, last = called_at(one)
    there_ms = [
        (first[f"{user.request_id}:{quote.insurer_id}"] - user.sent_at) * 1000
        for user in crowd.users
        for quote in user.quotes
    ]
    back_ms = [
        (quote.at - last[f"{user.request_id}:{quote.insurer_id}"]) * 1000
        for user in crowd.users
        for quote in user.quotes
    ]
    note = f"{users} users, {len(crowd.latencies_s)} quotes; failures: {sum(crowd.failures.values())}"
    return [
        *_rows(f"{what}: mutation → insurer's POST", there_ms, hop_ms, note),
        *_rows(f"{what}: insurer's answer → frame", back_ms, hop_ms, note),
    ]


def _rows(what: str, found_ms: Sequence[float], hop_ms: float, note: str) -> list[Row]:
    ordered = sorted(found_ms)
    median, p99 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    return [
        Row(LINE, f"{what}, median", median, "ms", hop_ms, Target(MEDIAN_MS), note),
        Row(LINE, f"{what}, p99", p99, "ms", None, Target(P99_MS)),
    ]


async def _hop_ms(one: Fleet) -> float:
    """The median of so many hops."""
    writer: Any = Redis.from_url(one.system.redis_url, decode_responses=True)  # pyright: ignore[reportUnknownMemberType]
    reader: Any = Redis.from_url(one.system.redis_url, decode_responses=True)  # pyright: ignore[reportUnknownMemberType]
    found: list[float] = []
    for _ in range(HOPS):
        waiting = asyncio.create_task(reader.xread({"bench": "$"}, block=1000))
        await asyncio.sleep(0.002)
        begun = time.perf_counter()
        await writer.xadd("bench", {"a": "1"})
        await waiting
        found.append((time.perf_counter() - begun) * 1000)
    await writer.aclose()
    await reader.aclose()
    return sorted(found)[HOPS // 2]
