"""Growth: the CPU of one request, of all the product's processes and servers, while 50, 500 and 2,500 users ask at once.

The CPU of the idle product is measured before and taken off, a first crowd has opened the connections and warmed the
caches, and the CPU of the insurers is not counted.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import uvloop

from bench.fleet import Fleet, fleet
from bench.rows import Row, Target
from bench.users import Crowd, all_of
from bench.verified import book_of

LINE: Final = "growth"
CROWDS: Final = (50, 500, 2500)
WARMING_UP: Final = 50
WORKERS: Final = 2
LEAST_S, MOST_S = 0.5, 8
IDLE_S: Final = 5.0
REST_S: Final = 0.5
"""Until what follows an end, the outbox's rows above all, is done too."""
MOST: Final = 1.15
"""Of the smallest crowd's; less is no growth."""


def rows() -> list[Row]:
    """The rows of this line."""
    with (
        tempfile.TemporaryDirectory(prefix="osago-bench-") as folder,
        fleet(Path(folder), workers=WORKERS, thinking_s=(LEAST_S, MOST_S)) as one,
    ):
        return uvloop.run(_measured(one))


async def _measured(one: Fleet) -> list[Row]:
    await _asked(one, WARMING_UP)
    idle_per_s = await _idle_per_s(one)
    found: list[Row] = []
    for users in CROWDS:
        before, begun = _spent_s(one), time.perf_counter()
        crowd = await _asked(one, users)
        elapsed_s = time.perf_counter() - begun
        spent = {name: now - before[name] - idle_per_s[name] * elapsed_s for name, now in _spent_s(one).items()}
        per_request_ms = sum(spent.values()) / users * 1000
        first = found[0].figure if found else per_request_ms
        note = ", ".join(f"{name} {seconds / users * 1000:.1f}" for name, seconds in spent.items())
        calls = sum(_calls(one, crowd)) / max(1, len(crowd.latencies_s))
        note += f"; {len(crowd.latencies_s)} quotes of {calls:.1f} calls each in {elapsed_s:.0f} s; failures: {sum(crowd.failures.values())}"
        target = Target(MOST, of="ratio") if found else None
        found.append(Row(LINE, f"CPU of a request, {users} users", per_request_ms, "ms", first, target, note))
        print(f"{users:5} users  {per_request_ms:.2f} ms of CPU a request", file=sys.stderr, flush=True)
    return found


async def _asked(one: Fleet, users: int) -> Crowd:
    """So many users at once, until the last of them has everything."""
    crowd = Crowd()
    headers = {"Authorization": f"Bearer {one.system.token()}", "Content-Type": "application/json"}
    await all_of(one.url, headers, crowd, users=users)
    await asyncio.sleep(REST_S)
    return crowd


def _calls(one: Fleet, crowd: Crowd) -> Iterator[int]:
    """How often insurers were called about each application of this crowd."""
    ids = {user.request_id for user in crowd.users}
    return (calls for key, (_, _, calls) in book_of(one).items() if key.partition(":")[0] in ids)


async def _idle_per_s(one: Fleet) -> Mapping[str, float]:
    """Seconds of CPU in a second without requests."""
    before = _spent_s(one)
    await asyncio.sleep(IDLE_S)
    return {name: (now - before[name]) / IDLE_S for name, now in _spent_s(one).items()}


def _spent_s(one: Fleet) -> Mapping[str, float]:
    return {name: seconds for name, seconds in one.cpu_s().items() if name != "insurers"}
