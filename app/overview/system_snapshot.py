"""The values of one snapshot of the whole system, as the console, `osago top` and `--json` have them.

Durations are seconds, moments are in UTC. What is not known, because PostgreSQL or Redis is away, is null.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from app.observability.faults import RUNBOOKS, FaultCode
from app.redis.fleet.process_health import ProcessHealth
from app.redis.fleet.process_reports import LaneReport

SNAPSHOT_FORM: Final = 1


class Urgency(StrEnum):
    """ALARM: a hand is needed. NOTICE: to be known."""

    ALARM = "ALARM"
    NOTICE = "NOTICE"


class Concern(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """Something that needs a hand, or is to be known: a code, an insurer, process or server, a number, a word more.

    `usual` is the number that there usually is; `runbook` a page of docs/runbooks, empty where there is none.
    """

    code: FaultCode
    subject: str = ""
    value: float | None = None
    detail: str = ""
    urgency: Urgency = Urgency.ALARM
    usual: float | None = None
    runbook: str = ""

    def __post_init__(self) -> None:
        if page := RUNBOOKS.get(self.code):
            msgspec.structs.force_setattr(self, "runbook", page)


class StepFigures(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """Calls of one step in the last minute, by result; what an answered one took, and what one usually takes."""

    calls: dict[str, int] = {}
    mean_s: float | None = None
    usual_s: float | None = None


class LimitFigures(msgspec.Struct, rename="camel", frozen=True):
    """A rate limit, `count` calls in `per_s` seconds; both null: none. `paused_s`: the insurer wants not to be called
    for so long. `by_control`: an operator has set it.
    """

    count: int | None = None
    per_s: float | None = None
    paused_s: float = 0.0
    by_control: bool = False


class CircuitFigures(msgspec.Struct, rename="camel", frozen=True):
    """A circuit; `open_s`: for how long it is open still, `openings`: how often in a row it has opened."""

    state: str = "AVAILABLE"
    open_s: float = 0.0
    openings: int = 0
    forced: str | None = None
    """By an operator: `open` or `closed`."""


class PauseFigures(msgspec.Struct, rename="camel", frozen=True):
    """An operator has paused the insurer. `hold`: its quotes wait."""

    why: str
    by: str
    since: datetime | None = None
    until: datetime | None = None
    hold: bool = False


class InsurerFigures(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """One insurer. `waiting`, `oldest_s`: unread jobs. What is counted is of the window, `answers` by status, `calls` by result."""

    id: str
    name: str
    waiting: int | None = None
    oldest_s: float | None = None
    in_flight: int = 0
    places: int = 0
    workers: int = 0
    answers: dict[str, int] = {}
    calls: dict[str, int] = {}
    asking_p50_s: float | None = None
    asking_p99_s: float | None = None
    create_limit: LimitFigures = LimitFigures()
    poll_limit: LimitFigures = LimitFigures()
    circuit: CircuitFigures | None = None
    pause: PauseFigures | None = None
    steps: dict[str, StepFigures] = {}
    trouble: FaultCode | None = None
    """The first alarm about it among the concerns."""


class NearEndFigures(msgspec.Struct, rename="camel", frozen=True):
    """An open request that ends in `left_s` seconds (negative: it is late), and the insurers that have not answered."""

    id: str
    left_s: float
    asked: int
    missing: tuple[str, ...]


class RequestFigures(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """Requests. `open` counts at most 10,000. `accepted`, `ended`, `late` are of the window; `overdue`: past their end, not ended."""

    open: int | None = None
    near: int | None = None
    overdue: int | None = None
    first: tuple[NearEndFigures, ...] = ()
    accepted: int = 0
    ended: dict[str, int] = {}
    late: int = 0
    in_time: float | None = None
    """The share of the ends that came by `expiresAt`."""


class PushFigures(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """From an insurer's answer to its frame, of all frames of the window."""

    frames: int = 0
    p50_s: float | None = None
    p99_s: float | None = None
    within_500_ms: float | None = None


class ProcessFigures(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """A process. `state`: WORKING, DRAINING, SILENT (its report is old; a worker's jobs are taken over), FAILING (a part keeps failing)."""

    kind: str
    name: str
    host: str
    pid: int
    started_at: datetime
    state: str
    seen_s: float
    beat_s: float | None = None
    failing: tuple[str, ...] = ()
    lanes: dict[str, LaneReport] = {}
    in_flight: int = 0
    sockets: int = 0
    stalled: int = 0
    """Its clients that took nothing any more, in the window."""
    health: ProcessHealth = ProcessHealth()


class Snapshot(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """All of it. `servers`: `ok`, or what is wrong. `series`: counts by slots of `slot_s`, the last of which is not over yet."""

    form: int = SNAPSHOT_FORM
    at: datetime
    window_s: int
    slot_s: int
    servers: dict[str, str]
    series: dict[str, list[int]]
    requests: RequestFigures
    push: PushFigures
    insurers: tuple[InsurerFigures, ...] = ()
    processes: tuple[ProcessFigures, ...] = ()
    dead_letters: int | None = None
    concerns: tuple[Concern, ...] = ()
    """The worst first."""
    outbox_s: float | None = None
    """How old the oldest notice is that Redis does not have yet; 0: none waits."""
