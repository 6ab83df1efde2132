"""`osago …` in a fork of a process that has imported all of it: a fresh interpreter takes over a second of CPU for its imports."""

import atexit
import gc
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

from cli.main import main

SERVERS: Final = frozenset({"api", "worker"})
_FORKS: Final[ForkServerContext] = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        *("cli.main", "cli.processes", "cli.dead_letter_commands", "cli.insurer_commands", "cli.quote.quote_command"),
        *("app.main", "app.postgres.migration", "workers.worker", "sandbox.demo.demo", "sandbox.core_app.app"),
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
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, streams: Streams
    ) -> None:
        self._process: ForkServerProcess = _FORKS.Process(
            target=_become, args=(tuple(arguments), dict(environment), folder, streams)
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


def _become(arguments: Sequence[str], environment: Mapping[str, str], folder: Path, streams: Streams) -> None:
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
    sys.argv = ["osago", *arguments]
    try:
        main()
    finally:
        atexit._run_exitfuncs()  # `multiprocessing` ends a process without
