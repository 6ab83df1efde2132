"""Accepting: CPU of the API per createQuoteRequest beside a bare echo, and what one machine takes in all.

Everything is on: the token is checked, the application validated and sealed, committed with its outbox row, its twelve
jobs enqueued, a watch token signed. Off is only the bound of admission, for no worker reads the jobs.
"""

import asyncio
import json
from collections.abc import Mapping
from statistics import median
from typing import Final

import httpx

from bench.measured_processes import cpu_s, echo
from bench.open_loop import offer
from bench.rows import Row, Target
from bench.system import CREATE, System, create_body, system
from bench.wrk import load

LINE: Final = "accept"
IN_FLIGHT: Final = 64
SLICE_S: Final = 1.0
ROUNDS: Final = 8
SETTINGS: Final = {"OSAGO_ADMISSION_AGE": "off", "OSAGO_QUOTE_DEADLINE": "1h"}
"""The deadline is far, lest the sweeper ends thousands of requests in the middle of it all."""
ANY: Final = CREATE.replace("progress {", "id id progress {")
"""The same fields, in a document that only graphql-core can run: one stands twice."""


def rows() -> list[Row]:
    """The rows of this line."""
    with system(**SETTINGS) as made:
        headers = {"Authorization": f"Bearer {made.token()}", "Content-Type": "application/json"}
        return [*_cpu(made, headers), *_whole(made, headers)]


def _cpu(made: System, headers: Mapping[str, str]) -> list[Row]:
    bodies = {"known document": create_body(), "any document": create_body(ANY)}
    found: dict[str, list[tuple[float, float]]] = {what: [] for what in bodies}
    with echo() as (echo_pid, echo_url), made.api() as (pid, url):
        for number in range(ROUNDS + 1):
            for what, body in bodies.items():
                _check(url, body, headers)
                yardstick = _slice(echo_pid, echo_url, body, headers)
                figure = _slice(pid, url, body, headers)
                if number:  # the first round warms up
                    found[what].append((figure, yardstick))
    return [
        _row(what, pairs, Target(1.5 if what.startswith("known") else 8, of="ratio")) for what, pairs in found.items()
    ]


def _slice(pid: int, url: str, body: bytes, headers: Mapping[str, str]) -> float:
    """Microseconds of the process's CPU per request."""
    before = cpu_s(pid)
    requests = load(url, body, headers, connections=IN_FLIGHT, seconds=SLICE_S).requests
    return (cpu_s(pid) - before) / requests * 1e6


def _row(what: str, pairs: list[tuple[float, float]], target: Target) -> Row:
    figure, yardstick = (min(side) for side in zip(*pairs, strict=True))
    middle = median(one / other for one, other in pairs)
    return Row(
        LINE, f"{what}, CPU", figure, "µs", yardstick, target, f"{IN_FLIGHT} in flight; median of pairs {middle:.2f}"
    )


def _whole(made: System, headers: Mapping[str, str]) -> list[Row]:
    body = create_body()
    rows: list[Row] = []
    with made.api("--processes", "2") as (_, url):
        load(url, body, headers, connections=128, seconds=3)
        before = made.fetch("SELECT count(*) FROM osago_requests")
        found = max((load(url, body, headers, connections=128, seconds=5) for _ in range(3)), key=lambda one: one.per_s)
        stored = made.fetch("SELECT count(*) FROM osago_requests") - before
        rows += [
            Row(LINE, "whole machine, 128 connections", found.per_s, "/s", 2500, Target(5000, is_most=False)),
            Row(LINE, "… p99", found.p99_us / 1000, "ms", None, Target(100), f"{stored} stored in three runs"),
        ]
        offered = asyncio.run(offer(url, body, headers, per_s=2500, seconds=10))
        rows.append(Row(LINE, "open loop, 2,500/s, p99", offered.p99_ms, "ms", None, Target(50), offered.note))
    return rows


def _check(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """What is measured is acceptance, not a refusal."""
    answer = httpx.post(url, content=body, headers=dict(headers)).json()
    accepted = answer.get("data", {}).get("createQuoteRequest", {}).get("__typename")
    if accepted != "QuoteRequestAccepted":
        raise ValueError(json.dumps(answer, ensure_ascii=False))
