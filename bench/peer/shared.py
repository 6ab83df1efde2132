"""What every peer's program shares: its two commands, and jobs that do nothing but be counted.

The bench starts a program in the peer's own environment. `enqueue` puts the jobs where the peer keeps them, `work` becomes
the peer's own worker, started as its documentation says. The jobs' number and Redis come from the environment.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final
from uuid import uuid4

REDIS_URL: Final = os.environ["PEER_REDIS_URL"]
SENTINEL: Final = [(host, int(port)) for host, _, port in [os.environ.get("PEER_SENTINEL", "").rpartition(":")] if host]
"""Where a Sentinel is; empty where Redis is a server alone."""
MASTER: Final = "main"
JOBS: Final = int(os.environ["PEER_JOBS"])
WARM: Final = JOBS // 10
"""So many jobs are done before anything is measured."""

_FOLDER: Final = Path(os.environ["PEER_FOLDER"])
_done: Final[set[str]] = set()


def done(job_id: str) -> None:
    """All that a job does. A job that runs twice counts once; the bench sees files appear."""
    _done.add(job_id)
    if SENTINEL:
        with (_FOLDER / "ran").open("a", encoding="ascii") as ran:
            ran.write(f"{job_id}\n")
    if len(_done) == WARM:
        (_FOLDER / "warm").touch()
    elif len(_done) == JOBS:
        (_FOLDER / "all").touch()


def main(enqueue: Callable[[Sequence[str]], Awaitable[None]], worker: Sequence[str]) -> None:
    """`enqueue` gets the jobs' ids; `worker` is a command of the environment that this runs in, with its arguments."""
    if sys.argv[1] == "enqueue":
        asyncio.run(_awaited(enqueue([str(uuid4()) for _ in range(JOBS)])))
    else:
        program = Path(sys.executable).with_name(worker[0])
        os.execv(program, [str(program), *worker[1:]])  # noqa: S606 - nothing of it comes from elsewhere


async def _awaited(waiting: Awaitable[None]) -> None:
    await waiting
