"""`osago …` and `pytest …` in a fork of a process that has imported the product: a fresh interpreter takes over a second of CPU for that."""

import atexit
import gc
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Final, Literal, NamedTuple

import pytest

from cli.main import main

Program = Literal["osago", "pytest"]
SERVERS: Final = frozenset({"api", "worker"})
_FORKS: Final[ForkServerContext] = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        *("cli.main", "cli.processes", "cli.dead_letter_commands", "cli.insurer_commands", "cli.quote.quote_command"),
        *("app.main", "app.postgres.migration", "workers.worker", "sandbox.demo.demo", "sandbox.core_app.app"),
        *("pytest", "sandbox.insurers.app"),
    ]
)


_ENDING: Final = Lock()
"""An end is read once: of two threads that read it, or start another process meanwhile, the later would get 255."""


class Streams(NamedTuple):
    """Files for its standard streams; what is written is added to them."""

    input: Path
    output: Path
    error: Path


class ForkedProcess:
    """With as much of `subprocess.Popen` as tests use. Making one takes seconds the first time, when all is imported."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        streams: Streams,
        program: Program = "osago",
    ) -> None:
        self._process: ForkServerProcess = _FORKS.Process(
            target=_become, args=((program, *arguments), dict(environment), folder, streams)
        )
        with _ENDING:
            self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """As soon as it has ended, asked for or not."""
        return self.poll()

    def poll(self) -> int | None:
        with _ENDING:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code.

        Raises:
            TimeoutError: it has not ended in time.
        """
        wait([self._process.sentinel], timeout)
        if (code := self.poll()) is None:
            raise TimeoutError
        return code

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def run_forked(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    entered: str = "",
    timeout_s: float,
    program: Program = "osago",
) -> "subprocess.CompletedProcess[str]":
    """Runs it to its end; `entered` is what its standard input has.

    Raises:
        TimeoutError: it has not ended in time, and is killed.
    """
    with TemporaryDirectory() as kept:
        streams = Streams(*(Path(kept) / name for name in Streams._fields))
        streams.input.write_text(entered, encoding="utf-8")
        process = ForkedProcess(arguments, environment, folder, streams, program)
        try:
            code = process.wait(timeout_s)
        finally:
            process.kill()
        out, err = (file.read_text(encoding="utf-8") for file in (streams.output, streams.error))
    return subprocess.CompletedProcess(arguments, code, out, err)


def _become(command: Sequence[str], environment: Mapping[str, str], folder: Path, streams: Streams) -> None:
    """What `exec` would have made of this process, as far as the command can see."""
    gc.freeze()  # a fork that collects copies every page
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(streams.input, os.O_RDONLY), 0)
    for number, file in ((1, streams.output), (2, streams.error)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - `multiprocessing` has closed the one that was
    sys.argv = [*command]
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    try:
        if command[0] == "pytest":
            sys.exit(pytest.console_main())
        main()
    finally:
        atexit._run_exitfuncs()  # `multiprocessing` ends a process without
