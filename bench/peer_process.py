"""A peer's program as a process beside the bench, in an environment of its own, over a Redis for it alone."""

import os
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.installed import installed
from sandbox.demo.servers import Redis

MOST_S: Final = 30.0
"""So long anything may take."""


class DidNotFinish(Exception):
    """A peer ended, or was not done in time; the text is the last that it said."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A program of a peer, with a Redis for it alone and a folder for its output."""

    program: Path
    python: Path
    folder: Path
    environment: Mapping[str, str]

    @contextmanager
    def running(self, *arguments: str) -> "Generator[subprocess.Popen[bytes]]":
        with self._log.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - ours
                [str(self.python), str(self.program), *arguments],
                env=self.environment,
                cwd=self.program.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()

    def wait_for(self, name: str, process: "subprocess.Popen[bytes]") -> None:
        """Returns when the program has made this file."""
        until = time.monotonic() + MOST_S
        while not (self.folder / name).exists():
            if process.poll() is not None or time.monotonic() > until:
                raise self.did_not_finish()
            time.sleep(0.002)

    def wait_for_end(self, process: "subprocess.Popen[bytes]") -> None:
        """Returns when the program has ended well."""
        try:
            code = process.wait(timeout=MOST_S)
        except subprocess.TimeoutExpired:
            code = None
        if code != 0:
            raise self.did_not_finish()

    def did_not_finish(self) -> DidNotFinish:
        said = self._log.read_text(encoding="utf-8", errors="replace").strip() or "without a word"
        return DidNotFinish(said.splitlines()[-1])

    @property
    def _log(self) -> Path:
        return self.folder / "log"


@contextmanager
def peer(program: Path, **settings: str) -> Generator[Peer]:
    """Ready to be run; `settings` are variables of its environment.

    Raises:
        NotInstalled: its environment could not be made.
    """
    python = installed(program)
    with tempfile.TemporaryDirectory(prefix="osago-peer-", ignore_cleanup_errors=True) as name:
        redis = Redis(Path(name) / "redis")
        redis.start()
        try:
            given = {"PEER_REDIS_URL": redis.url, "PEER_FOLDER": name, **settings}
            yield Peer(program, python, Path(name), {**os.environ, **given})
        finally:
            redis.stop()
