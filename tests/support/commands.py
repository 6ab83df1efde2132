"""`osago` as it is typed in a terminal, in a folder of the test's own."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from support.world import World

ROOT: Final = Path(__file__).parents[2]


def typed(world: World, *arguments: str, entered: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs a command to its end; `entered` is what its standard input has."""
    command = [sys.executable, "-m", "cli.main", *arguments]
    return subprocess.run(  # noqa: S603 - our own command
        command,
        env={**world.environment, **environment, "PYTHONPATH": str(ROOT)},
        cwd=world.folder,  # no `.env` of the checkout is read there
        input=entered,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def typed_beside(world: World, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs a command to its end, while this event loop serves."""
    return await asyncio.to_thread(typed, world, *arguments, **environment)


class Refusal(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


_EACH_IN_A_FORK: Final = """
import gc, json, os, sys, tempfile
import cli.main, cli.processes, cli.dead_letter_commands, cli.insurer_commands, cli.quote.quote_command
import app.main, workers.worker, sandbox.demo.demo, sandbox.core_app.app, app.postgres.migration
gc.freeze()  # a fork that collects copies every page
for line in sys.stdin:
    arguments, environment = json.loads(line)
    outputs = [tempfile.TemporaryFile() for _ in range(2)]
    child = os.fork()
    if not child:
        os.environ.update(environment)
        os.dup2(outputs[0].fileno(), 1)
        os.dup2(outputs[1].fileno(), 2)
        sys.argv = ["osago", *arguments]
        try:
            cli.main.main()
        except SystemExit as ending:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ending.code or 0)  # taking the interpreter down costs 0.7 s each time
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    texts = []
    for output in outputs:
        output.seek(0)
        texts.append(output.read().decode())
    print(json.dumps([code, *texts]), flush=True)
"""


def typed_one_by_one(world: World, cases: Sequence[tuple[Sequence[str], Mapping[str, str]]]) -> list[Refusal]:
    """Runs many commands to their ends, each in a fork of one interpreter: importing all of it takes seconds each time, and so does its end."""
    done = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, "-c", _EACH_IN_A_FORK],
        input="".join(json.dumps(case) + "\n" for case in cases),
        env={**world.environment, "PYTHONPATH": str(ROOT)},
        cwd=world.folder,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [Refusal(*json.loads(line)) for line in done.stdout.splitlines()]
