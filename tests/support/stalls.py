"""How long this machine kept the processes of a test from running: other load's doing, taken off where a promise is a time."""

import contextlib
import heapq
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

Waits = Mapping[tuple[int, int], float]
"""Seconds in run queues since the beginning, by process and thread."""
Stolen = Sequence[float]
"""Seconds in which the host of this virtual machine ran others, since the beginning, by core; no run queue counts them."""

CHAIN: Final = 2
"""Processes that keep a promise one after the other: the one that notices, and the one that stores or answers."""


@dataclass(slots=True)
class MachineStall:
    """Seconds for which `CHAIN` processes, those that were kept waiting longest, were ready to run, and others ran.

    Each counts with its thread that waited longest: what waits beside another delays nothing once more. Twenty backends that
    wait at the same time would otherwise excuse everything. What the host of a virtual machine took from one core, the one
    it took most from, counts beside it; twice where a process waited behind one whose core the host had taken. On a machine
    with nothing else to do it is next to nothing. Where /proc/*/schedstat is missing it is what the host took.
    """

    seconds: float = 0.0


@contextmanager
def machine_stall(*more: int) -> Generator[MachineStall, None, None]:
    """Measures the block. `more`: processes that are no descendants, such as PostgreSQL's; with their own descendants.

    What a process had waited by the time it ended inside the block is not counted: measure while it lives.
    """
    before, stolen_before = _waited(more), _stolen()
    stall = MachineStall()
    try:
        yield stall
    finally:
        stall.seconds = stalled_s(before, _waited(more)) + stolen_s(stolen_before, _stolen())


def stalled_s(before: Waits, after: Waits) -> float:
    """What the waits have grown by, as `MachineStall` counts them."""
    longest: dict[int, float] = {}
    for (pid, thread), waited in after.items():
        longest[pid] = max(longest.get(pid, 0.0), waited - before.get((pid, thread), 0.0))
    return sum(heapq.nlargest(CHAIN, longest.values()))


def stolen_s(before: Stolen, after: Stolen) -> float:
    """What the host took from the core that it took most from."""
    return max((now - then for then, now in zip(before, after, strict=True)), default=0.0)


def _stolen() -> Stolen:
    return [getattr(core, "steal", 0.0) for core in psutil.cpu_times(percpu=True)]


def _waited(more: Sequence[int]) -> Waits:
    processes = {psutil.Process().pid, *more}
    for pid in tuple(processes):
        with contextlib.suppress(psutil.NoSuchProcess):
            processes.update(child.pid for child in psutil.Process(pid).children(recursive=True))
    found: dict[tuple[int, int], float] = {}
    for pid in processes:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(OSError, ValueError):
                    _, waited, _ = (thread / "schedstat").read_text(encoding="ascii").split()
                    found[pid, int(thread.name)] = int(waited) / 1e9
    return found


@contextmanager
def within(seconds: float, *more: int) -> Generator[None, None, None]:
    """Asserts that the block takes no longer than promised; what this machine kept its processes from is taken off.

    `more` as for `machine_stall`. What it takes to measure the stall is no part of the block.
    """
    with machine_stall(*more) as stall:
        began_at = time.monotonic()
        yield
        took_s = time.monotonic() - began_at
    assert took_s - stall.seconds <= seconds, (
        f"{took_s:.2f} s, {stall.seconds:.2f} s of them stalled; {seconds:g} are promised"
    )
