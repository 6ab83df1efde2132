"""Durations and rates as people write them in settings: `500ms`, `5s`, `30min`, `1h`; `50/s`, `10/min`, `off`."""

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

_SECONDS: Final = MappingProxyType({"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0})
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|min|h|d)", re.ASCII)
_SHARE: Final = re.compile(r"(\d{1,6}),(\d{1,6}),(.+)", re.ASCII)
_RATE: Final = re.compile(r"(\d{1,9})/(s|min|h)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` in any `per_s` seconds."""

    count: int
    per_s: float

    @property
    def per_second(self) -> float:
        return self.count / self.per_s

    def __str__(self) -> str:
        return f"{self.count}/{next(unit for unit, seconds in _SECONDS.items() if seconds == self.per_s)}"


@dataclass(frozen=True, slots=True)
class WatchShare:
    """The share of one caller in a process: subscriptions and sockets at once, and a rate of queries."""

    subscriptions: int
    sockets: int
    queries: Rate

    def times(self, factor: int) -> "WatchShare":
        """The share of a caller that may hold so many times as much."""
        rate = Rate(self.queries.count * factor, self.queries.per_s)
        return WatchShare(self.subscriptions * factor, self.sockets * factor, rate)

    def __str__(self) -> str:
        return f"{self.subscriptions},{self.sockets},{self.queries}"


def parse_watch_share(text: object) -> WatchShare:
    """Reads `32,16,10/s`.

    Raises:
        ValueError: it is not two counts of at least one and a rate.
    """
    match = _SHARE.fullmatch(text) if isinstance(text, str) else None
    if match is None or 0 in (int(match[1]), int(match[2])):
        raise ValueError("a share is subscriptions, sockets and a rate of queries, such as 32,16,10/s")
    rate = parse_rate(match[3])
    if rate is None:
        raise ValueError("a share has a rate of queries, such as 10/s")
    return WatchShare(int(match[1]), int(match[2]), rate)


def parse_duration(text: object) -> float:
    """Seconds.

    Raises:
        ValueError: it is no positive number with a unit.
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or float(match[1]) <= 0:
        raise ValueError("a duration is a number with a unit, such as 500ms, 5s, 30min or 1h")
    return float(match[1]) * _SECONDS[match[2]]


def parse_rate(text: object) -> Rate | None:
    """None for `off`.

    Raises:
        ValueError: it is neither `off` nor a number per unit of time.
    """
    if text == "off":
        return None
    match = _RATE.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError("a rate is a number per unit of time, such as 50/s or 10/min, or off")
    return Rate(int(match[1]), _SECONDS[match[2]])


def parse_bound(text: object) -> float | None:
    """Seconds; None for `off`.

    Raises:
        ValueError: it is neither `off` nor a duration.
    """
    return None if text == "off" else parse_duration(text)


OptionalDuration = Annotated[float | None, BeforeValidator(parse_bound)]
Duration = Annotated[float, BeforeValidator(parse_duration)]
Share = Annotated[WatchShare, NoDecode, BeforeValidator(parse_watch_share)]
OptionalRate = Annotated[Rate | None, BeforeValidator(parse_rate)]
