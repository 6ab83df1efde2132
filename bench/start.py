"""Starting: from a process's start until it answers that it is ready."""

import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from bench.measured_processes import cpu_s, running, wait_until_ready
from bench.rows import Row, Target
from bench.system import system
from sandbox.demo.servers import free_port

LINE: Final = "start"
ROUNDS: Final = 5
TARGET_S: Final = 1.0


def rows() -> list[Row]:
    """The rows of this line."""
    found_rows: list[Row] = []
    with system() as made:
        for what, arguments in (("osago api", ["api", "--port"]), ("osago worker", ["worker", "--metrics-port"])):
            found = [_start(["-m", "cli.main", *arguments], made.environment) for _ in range(ROUNDS + 1)][1:]
            elapsed_s, cpu = min(one[0] for one in found), min(one[1] for one in found)
            note = f"median {median(one[0] for one in found):.2f} s; CPU {cpu:.2f} s"
            found_rows.append(Row(LINE, f"{what}, ready", elapsed_s, "s", None, Target(TARGET_S), note))
    return found_rows


def _start(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Seconds until `/readyz` says so, and the CPU that they took."""
    port = free_port()
    begun = time.perf_counter()
    with running([*arguments, str(port)], port=port, environment=environment) as pid:
        wait_until_ready(port)
        return time.perf_counter() - begun, cpu_s(pid)
