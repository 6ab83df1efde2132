"""Results of a benchmark: a figure beside its yardstick and its target; as a row of the table, as JSON, as history."""

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

RESULTS: Final = Path(".osago/bench/results.json")
HISTORY: Final = Path(__file__).parent / "history.jsonl"


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure is to reach: at most, or at least, so much of `of` (`figure` or `ratio`)."""

    bound: float
    of: str = "figure"
    is_most: bool = True

    def is_met_by(self, figure: float, ratio: float | None) -> bool:
        value = ratio if self.of == "ratio" else figure
        return value is not None and (value <= self.bound if self.is_most else value >= self.bound)

    def __str__(self) -> str:
        return f"{'≤' if self.is_most else '≥'} {plain(self.bound)}{' ×' if self.of == 'ratio' else ''}"


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure, or none and a note why. `yardstick` was measured in the same run.

    Rows without a target are for comparison.
    """

    line: str
    what: str
    figure: float | None
    unit: str
    yardstick: float | None = None
    target: Target | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.figure / self.yardstick if self.yardstick and self.figure is not None else None

    @property
    def is_met(self) -> bool | None:
        return self.target.is_met_by(self.figure, self.ratio) if self.target and self.figure is not None else None

    def as_json(self) -> Mapping[str, object]:
        return asdict(self) | {
            "target": str(self.target) if self.target else None,
            "ratio": self.ratio,
            "met": self.is_met,
        }


def plain(value: float | None) -> str:
    """Three figures are enough for anybody."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(rows: Iterable[Row]) -> str:
    """The rows, aligned."""
    heads = ("line", "what", "figure", "unit", "yardstick", "ratio", "target", "", "")
    lines: list[Sequence[str]] = [heads]
    for row in rows:
        verdict = {True: "met", False: "NOT MET", None: ""}[row.is_met]
        target = str(row.target) if row.target else ""
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
        lines.append(
            (row.line, row.what, plain(row.figure), row.unit, plain(row.yardstick), ratio, target, verdict, row.note)
        )
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def write(rows: Sequence[Row], *, revision: str, is_recorded: bool) -> None:
    """The run into RESULTS; with `is_recorded` also as a line of HISTORY, which is committed."""
    run = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": revision,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "rows": [row.as_json() for row in rows],
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(run, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if is_recorded:
        with HISTORY.open("a", encoding="utf-8") as history:
            history.write(json.dumps(run, ensure_ascii=False) + "\n")
