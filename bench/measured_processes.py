"""Processes that are measured: started on a core of their own where there are two, and asked for their CPU time."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx

from sandbox.demo.servers import free_port, wait_for_port

NANOSECOND: Final = 1e-9


def cpu_s(pid: int) -> float:
    """Seconds of CPU that all threads of a process have had. Linux counts them in nanoseconds."""
    total = 0
    with contextlib.suppress(OSError):  # a thread, or the process, that has just ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total * NANOSECOND


def rss_bytes(pid: int) -> int:
    """What a process holds in memory now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def pss_bytes(pid: int) -> int:
    """What a process holds in memory now; a page that several share counts for each in part."""
    with contextlib.suppress(OSError):  # it has just ended
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text(encoding="ascii").split():
                found += family(int(child))
    return found


@contextlib.contextmanager
def running(arguments: Sequence[str], *, port: int, environment: Mapping[str, str] | None = None) -> Generator[int]:
    """The pid of a Python process that listens on `port`, beside the block."""
    process = subprocess.Popen([sys.executable, *arguments], env=environment)  # noqa: S603 - ours
    try:
        wait_for_port(port, process)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()


@contextlib.contextmanager
def echo() -> Generator[tuple[int, str]]:
    """The yardstick of everything HTTP: the pid and URL of `bench.echo`."""
    port = free_port()
    with running(["-m", "bench.echo", str(port)], port=port) as pid:
        yield pid, f"http://127.0.0.1:{port}/"


def wait_until_ready(port: int) -> None:
    """Returns when `/readyz` says so."""
    while not httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=30).is_success:
        time.sleep(0.005)
