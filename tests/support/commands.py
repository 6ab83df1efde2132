"""`osago` as it is typed in a terminal, in a folder of the test's own."""

import asyncio
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from support.forked_processes import run_forked
from support.plain_http import GIVEN_UP_S
from support.world import World

ROOT: Final = Path(__file__).parents[2]


def typed(world: World, *arguments: str, entered: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs a command to its end; `entered` is what its standard input has."""
    # In the world's folder no `.env` of the checkout is read.
    whole = {**world.environment, **environment}
    return run_forked(arguments, whole, world.folder, entered=entered, timeout_s=GIVEN_UP_S)


async def typed_beside(world: World, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs a command to its end, while this event loop serves."""
    return await asyncio.to_thread(typed, world, *arguments, **environment)


class Refusal(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def typed_one_by_one(world: World, cases: Sequence[tuple[Sequence[str], Mapping[str, str]]]) -> list[Refusal]:
    """Runs many commands to their ends."""
    ended = [typed(world, *arguments, **environment) for arguments, environment in cases]
    return [Refusal(one.returncode, one.stdout, one.stderr) for one in ended]
