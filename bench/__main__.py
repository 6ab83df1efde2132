"""`make bench`: every line of the table of figures, each beside its yardstick, on the machine that this runs on.

`python -m bench [--only accept,calls] [--record]`; docs/performance.md says how each is measured.
"""

import argparse
import subprocess
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Final

from bench.rows import HISTORY, RESULTS, Row, table, write

LINES: Final[Mapping[str, str]] = {
    "start": "bench.start",
    "accept": "bench.accept_line",
    "traces": "bench.traces",
    "push": "bench.push",
    "lane": "bench.lane_line",
    "calls": "bench.calls",
    "latency": "bench.latency",
    "recovery": "bench.recovery",
    "storm": "bench.storm",
    "peak": "bench.peak",
    "growth": "bench.growth",
    "floods": "bench.floods",
    "failover": "bench.failover",
    "console": "bench.console_line",
    "peers": "bench.peers",
}
"""Each module has `rows()`, which measures; a new line is a module here and a word in this table."""

BESIDE_OURS: Final = {"peers"}
"""The `rows` of these take what was measured before them, for that is their yardstick."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", default="", help=f"some of: {', '.join(LINES)}; separated by commas")
    parser.add_argument("--record", action="store_true", help=f"adds the run to {HISTORY.name}, to be committed")
    chosen = parser.parse_args()
    names = [name for name in chosen.only.split(",") if name] or list(LINES)
    if unknown := set(names) - set(LINES):
        parser.error(f"no such line: {', '.join(sorted(unknown))}")
    measured: list[Row] = []
    for name in names:
        print(f"{name} …", flush=True)
        rows: Callable[..., Sequence[Row]] = import_module(LINES[name]).rows
        measured += rows(tuple(measured)) if name in BESIDE_OURS else rows()
    print(f"\n{table(measured)}\n")
    write(measured, revision=_revision(), is_recorded=chosen.record)
    print(f"written to {RESULTS}" + (f" and {HISTORY}" if chosen.record else ""))


def _revision() -> str:
    described = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)  # noqa: S607
    return described.stdout.strip()


if __name__ == "__main__":
    main()
