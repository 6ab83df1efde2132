"""The peak: 2,500 users at once, ten insurers each that answer after 0.5 to 50 s, on this one machine.

Every quote is verified: it is the one that this insurer has made for this request, each once, before `expiresAt`, and
the end is last. BENCH_USERS asks for fewer users.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop

from bench.fleet import TEN, Fleet, fleet
from bench.rows import Row, Target
from bench.users import Crowd, Watched, all_of
from bench.verified import Verdict, verify

LINE: Final = "peak"
USERS: Final = int(os.environ.get("BENCH_USERS", "2500"))
WORKERS: Final = 2
LEAST_S, MOST_S = 0.5, 50
LOOK_EVERY_S: Final = 0.5
GIB: Final = 2**30


def rows() -> list[Row]:
    """The rows of this line."""
    with (
        tempfile.TemporaryDirectory(prefix="osago-bench-") as folder,
        fleet(Path(folder), workers=WORKERS, thinking_s=(LEAST_S, MOST_S)) as one,
    ):
        crowd = Crowd()
        cpu_before = one.cpu_s()
        begun = time.perf_counter()
        memory = uvloop.run(_run(one, crowd))
        elapsed_s = time.perf_counter() - begun
        cpu = {name: value - cpu_before[name] for name, value in one.cpu_s().items()}
        verdict = verify(crowd, one, TEN)
    spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in cpu.items())
    return _rows(crowd, verdict, memory, f"{elapsed_s:.0f} s; CPU: {spent}")


async def _run(one: Fleet, crowd: Crowd) -> int:
    """Returns the most memory that the product has held, in bytes."""
    headers = {"Authorization": f"Bearer {one.system.token()}", "Content-Type": "application/json"}
    using = asyncio.create_task(all_of(one.url, headers, crowd, users=USERS))
    most = 0
    begun = time.perf_counter()
    while not using.done():
        await asyncio.wait([using], timeout=LOOK_EVERY_S)
        held = await asyncio.to_thread(one.memory_bytes)
        most = max(most, sum(size for name, size in held.items() if name != "insurers"))
        _show(crowd, time.perf_counter() - begun, most)
    print(file=sys.stderr)
    await using
    return most


def _show(crowd: Crowd, elapsed_s: float, memory: int) -> None:
    quotes, total = len(crowd.latencies_s), USERS * len(TEN)
    bar = "█" * (30 * quotes // total)
    print(
        f"\r{elapsed_s:5.1f} s  {crowd.accepted:5}/{USERS} accepted  [{bar:·<30}] {quotes:6}/{total} quotes  "
        f"{crowd.ended:5} ended  p99 {percentile(crowd.latencies_s, 0.99) * 1000:4.0f} ms  {memory / GIB:.2f} GiB  "
        f"{sum(crowd.failures.values())} failures ",
        end="",
        file=sys.stderr,
        flush=True,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """0.0 of no values."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def _rows(crowd: Crowd, verdict: Verdict, memory: int, note: str) -> list[Row]:
    users: list[Watched] = crowd.users
    accepted_s = percentile([user.accepted_after_s for user in users], 0.99)
    expected = USERS * len(TEN)
    return [
        Row(LINE, f"quotes right, of {expected}", verdict.right, "", None, Target(expected, is_most=False), note),
        Row(LINE, "… wrong, twice, late or lost", verdict.wrong, "", None, Target(0), verdict.note),
        Row(LINE, "… answer had → frame, p50", percentile(crowd.latencies_s, 0.5) * 1000, "ms"),
        Row(LINE, "… answer had → frame, p99", percentile(crowd.latencies_s, 0.99) * 1000, "ms", None, Target(500)),
        Row(LINE, "… insurer's reply → frame, p99", verdict.reply_to_frame_p99_ms, "ms"),
        Row(LINE, "… accepted, p99", accepted_s * 1000, "ms"),
        Row(LINE, "… memory in all", memory / GIB, "GiB", None, Target(2)),
    ]
