"""Promises and alerts as data: read from `deploy/observability`, and held to the metrics that there are."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from prometheus_client import Counter, Gauge, Histogram

from app.observability import metrics

ROOT: Final = Path(__file__).parents[2]
DATA: Final = ROOT / "deploy" / "observability"
Severity = Literal["page", "ticket", "note"]
_NAME: Final = re.compile(r"\bosago_[a-z0-9_]+")
_PARTS: Final = ((Histogram, ("_bucket", "_sum", "_count")), (Counter, ("_total",)), (Gauge, ("",)))
"""By kind of metric, those derived from it included: the ends of its series' names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One rule with its page. `look`: commands and what each shows; `burns` is the promise that it is about, if any."""

    name: str
    expr: str
    holds_for: str
    severity: Severity
    part: str
    summary: str
    meaning: str
    look: Sequence[tuple[str, str]]
    act: Sequence[str]
    burns: str = ""

    @property
    def slug(self) -> str:
        """`OsagoLaneFull` is `lane-full`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", self.name.removeprefix("Osago")).lower()

    @property
    def page(self) -> str:
        """File name of its page."""
        return f"{self.slug}.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A service level: `bad` of `total` events break it, both PromQL with `WINDOW` for their range."""

    name: str
    promise: str
    objective: float
    total: str
    bad: str
    look: str

    def burn(self, window: str) -> str:
        """The recorded share of broken promises within a window."""
        return f'osago:slo_errors:ratio_rate{window}{{slo="{self.name}"}}'


def read_promises() -> list[Promise]:
    """Those of `slos.toml`.

    Raises:
        ValueError: a bound is none of its histogram's buckets.
    """
    return [_promise(one) for one in tomllib.loads((DATA / "slos.toml").read_text(encoding="utf-8"))["slo"]]


def read_alerts() -> list[Alert]:
    """Those of `alerts.toml`."""
    return [_alert(one) for one in tomllib.loads((DATA / "alerts.toml").read_text(encoding="utf-8"))["alert"]]


def read_translations() -> Mapping[str, Mapping[str, Any]]:
    """Those of `runbooks.ru.toml`, by slug: `meaning`, `look` and `act`, as an alert has them."""
    return tomllib.loads((DATA / "runbooks.ru.toml").read_text(encoding="utf-8"))


def declared_metrics() -> Mapping[str, Counter | Gauge | Histogram]:
    """The metrics of the code by the names of their series, as queries write them."""
    found: dict[str, Counter | Gauge | Histogram] = {}
    for metric in vars(metrics).values():
        for kind, suffixes in _PARTS:
            if isinstance(metric, kind):
                base: str = cast("Any", metric)._name  # noqa: SLF001 - the library has no other way
                found |= {base + suffix: metric for suffix in suffixes}
    return found


def series_in(text: str) -> set[str]:
    """Names of the product's series in a query or a file."""
    return set(_NAME.findall(text))


def _promise(raw: Mapping[str, Any]) -> Promise:
    if "histogram" in raw:
        name, within = raw["histogram"], float(raw["within"])
        metric = cast("Any", declared_metrics()[f"{name}_bucket"])
        if within not in metric._kwargs["buckets"]:  # noqa: SLF001 - as below
            raise ValueError(f"{raw['name']}: {within} is no bucket of {name}")
        total = f"sum(rate({name}_count[WINDOW]))"
        bad = f'{total} - sum(rate({name}_bucket{{le="{within}"}}[WINDOW]))'
    else:
        total, bad = (f"sum(rate({raw[key]}[WINDOW]))" for key in ("total", "bad"))
    return Promise(
        name=raw["name"],
        promise=raw["promise"],
        objective=raw["objective"],
        total=total,
        bad=bad,
        look=raw["look"],
    )


def _alert(raw: Mapping[str, Any]) -> Alert:
    return Alert(
        name=raw["name"],
        expr=raw["expr"].strip(),
        holds_for=raw["for"],
        severity=raw["severity"],
        part=raw["part"],
        summary=raw["summary"],
        meaning=raw["meaning"],
        look=[(command, shows) for command, shows in raw["look"]],
        act=raw["act"],
    )
