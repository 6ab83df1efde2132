"""`osago` as it is typed in a terminal, in a folder of the test's own."""

import asyncio
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from support.forked_processes import ForkedProcess, Streams
from support.plain_http import GIVEN_UP_S
from support.world import World

ROOT: Final = Path(__file__).parents[2]


def typed(world: World, *arguments: str, entered: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs a command to its end; `entered` is what its standard input has."""
    with TemporaryDirectory() as folder:
        streams = Streams(*(Path(folder) / name for name in Streams._fields))
        streams.input.write_text(entered, encoding="utf-8")
        whole = {**world.environment, **environment, "PYTHONPATH": str(ROOT)}
        # In the world's folder no `.env` of the checkout is read.
        process = ForkedProcess(arguments, whole, world.folder, streams)
        try:
            code = process.wait(GIVEN_UP_S)
        finally:
            process.kill()
        out, err = (file.read_text(encoding="utf-8") for file in (streams.output, streams.error))
    return subprocess.CompletedProcess(arguments, code, out, err)


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
