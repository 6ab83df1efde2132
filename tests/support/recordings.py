"""Series recorded from running processes, in promtool's own notation: a line for each, its values run together where they repeat."""

import gzip
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tools.observability.alert_data import series_in

MISSING: Final = "_"
_EMPTY: Final = re.compile(r'=""')


def samples_of(exposition: str, wanted: Iterable[str], **labels: str) -> Iterator[tuple[str, float]]:
    """The samples of one scrape that are wanted, each by its series with these labels added."""
    names = set(wanted)
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            if sample.name in names:
                yield _series(sample.name, {**sample.labels, **labels}), sample.value


def series_of(scrapes: Sequence[Mapping[str, float]]) -> Mapping[str, str]:
    """The values of each series over these scrapes, which are one interval apart."""
    names = sorted(set[str]().union(*scrapes))
    return {name: _run_together([_written(one.get(name)) for one in scrapes]) for name in names}


def write_recording(file: Path, series: Mapping[str, str]) -> None:
    with gzip.GzipFile(file, "wb", mtime=0) as written:
        written.write("".join(f"{name}\t{values}\n" for name, values in series.items()).encode())


def read_recording(file: Path) -> Mapping[str, str]:
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    return dict(line.split("\t") for line in lines)


def write_test(file: Path, rules: Path, series: Mapping[str, str], interval: str, **tests: Any) -> None:
    """A file for `promtool test rules` over these series."""
    files = [str(path) for path in sorted(rules.glob("*.yml"))]
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    document = {
        "rule_files": files,
        "evaluation_interval": "5s",
        "tests": [{"interval": interval, "input_series": inputs, **tests}],
    }
    file.write_text(yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, width=10**9), encoding="utf-8")


def used_by(expressions: Iterable[str]) -> set[str]:
    """The series of the product that these queries read, and whether a process is up."""
    return {"up"}.union(*(series_in(expr) for expr in expressions))


def _series(name: str, labels: Mapping[str, str]) -> str:
    inside = ", ".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{inside}}}"


def _written(value: float | None) -> str:
    return MISSING if value is None else f"{round(value, 4):.10g}"


def _run_together(values: Sequence[str]) -> str:
    """`7x3` is 7 four times."""
    runs = ((value, len(list(same))) for value, same in groupby(values))
    return " ".join(
        f"{value}x{count - 1}" if count > 1 and value != MISSING else " ".join([value] * count) for value, count in runs
    )
