"""One snapshot of the whole system: from Redis what waits and what processes report, from PostgreSQL what is open.

It needs no other process to answer, and a server that is away costs the figures that only it knows.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, TypeVar

import msgspec

from app.config.insurers_file import InsurerSettings
from app.config.quantities import Rate
from app.domain.errors import Unavailable
from app.domain.operators.control import NO_CONTROLS, Control, ControlKind, Controls, PauseMode
from app.observability.recent_activity import (
    SLOT_S,
    WINDOW_S,
    Activity,
    InsurerActivity,
    merged,
    quantile,
    share_within,
)
from app.observability.recent_calls import Calls
from app.overview.concerns import OK, concerns_of
from app.overview.request_figures import OpenFigures, read_open_figures
from app.overview.system_snapshot import (
    CircuitFigures,
    Concern,
    InsurerFigures,
    LimitFigures,
    NearEndFigures,
    PauseFigures,
    ProcessFigures,
    PushFigures,
    RequestFigures,
    Snapshot,
    StepFigures,
    Urgency,
)
from app.postgres.control_rows import read_controls
from app.postgres.database import reading
from app.postgres.outbox import oldest_notice
from app.redis.dead_letters import DeadLetters
from app.redis.fleet.process_reports import WORKER, HeardProcesses, HeardReport, ProcessReports
from app.redis.insurer_states import InsurerState, InsurerStates
from app.redis.job_streams import Backlog
from app.resources import Resources
from app.use_cases.controls.operator_controls import control_rate

READ_S_MAX: Final = 1.0
NEAR: Final = timedelta(seconds=10)
FRAME_S_MAX: Final = 0.5
_EMPTY: Final = InsurerActivity()
Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class _InRedis:
    heard: HeardProcesses
    backlog: Mapping[str, Backlog]
    states: Mapping[str, InsurerState]
    dead_letters: int


@dataclass(frozen=True, slots=True)
class _InPostgresql:
    figures: OpenFigures
    outbox_s: float
    controls: Controls


@dataclass(slots=True)
class SnapshotReader:
    """Reads snapshots over the resources of one process."""

    resources: Resources
    _reports: ProcessReports = field(init=False)
    _states: InsurerStates = field(init=False)
    _letters: DeadLetters = field(init=False)

    def __post_init__(self) -> None:
        redis = self.resources.redis
        self._reports = ProcessReports(redis)
        self._states = InsurerStates(redis)
        self._letters = DeadLetters(redis, shards=self.resources.settings.shards)

    async def read(self) -> Snapshot:
        """The system now. Raises nothing: what a server does not answer within READ_S_MAX is not known."""
        (redis, redis_state), (postgresql, postgresql_state) = await asyncio.gather(
            _within(self._read_redis()), _within(self._read_postgresql())
        )
        heard = redis.heard if redis else None
        activity = merged(one.report.activity for one in (heard.reports if heard else ()) if one.report.activity)
        calls = heard.calls if heard else {}
        servers = {"postgresql": postgresql_state, "redis": redis_state}
        requests, push = self._requests(postgresql, activity), _push(activity)
        controls = postgresql.controls if postgresql else NO_CONTROLS
        insurers = [self._insurer(one, redis, activity, calls, controls) for one in self.resources.insurers.values()]
        processes = _processes(heard, self.resources.settings.lease)
        letters = redis.dead_letters if redis else None
        outbox_s = postgresql.outbox_s if postgresql else None
        concerns = concerns_of(servers, requests, push, insurers, calls, processes, letters, outbox_s)
        return Snapshot(
            at=self.resources.clock.now(),
            window_s=WINDOW_S,
            slot_s=SLOT_S,
            servers=servers,
            series=activity.series,
            requests=requests,
            push=push,
            insurers=_with_trouble(insurers, concerns),
            processes=tuple(processes),
            dead_letters=letters,
            outbox_s=outbox_s,
            concerns=concerns,
        )

    async def _read_redis(self) -> _InRedis:
        ids = list(self.resources.insurers)
        heard, backlog, states, letters = await asyncio.gather(
            self._reports.read(), self.resources.jobs.backlog(ids), self._states.read(ids), self._letters.count()
        )
        return _InRedis(heard, backlog, states.of, letters)

    async def _read_postgresql(self) -> _InPostgresql:
        clock = self.resources.clock
        async with reading(self.resources.pool) as connection:
            figures = await read_open_figures(connection, clock.now(), near=NEAR)
            oldest = await oldest_notice(connection)
            controls = await read_controls(connection)
        now, outbox_s = clock.now(), max(0.0, -clock.seconds_until(oldest)) if oldest else 0.0
        in_force = {(one.kind, one.subject): one for one in controls if not one.is_over(now)}
        return _InPostgresql(figures, outbox_s, in_force)

    def _requests(self, known: _InPostgresql | None, activity: Activity) -> RequestFigures:
        ends, figures = sum(activity.ended.values()), known.figures if known else None
        first = figures.first if figures else ()
        left = self.resources.clock.seconds_until
        return RequestFigures(
            open=figures.open if figures else None,
            near=figures.near if figures else None,
            overdue=figures.overdue if figures else None,
            first=tuple(NearEndFigures(str(r.id), round(left(r.expires_at), 2), r.asked, r.missing) for r in first),
            accepted=sum(activity.series.get("accepted", ())),
            ended=activity.ended,
            late=activity.late,
            in_time=(ends - activity.late) / ends if ends else None,
        )

    def _insurer(
        self,
        settings: InsurerSettings,
        known: _InRedis | None,
        activity: Activity,
        calls: Calls,
        controls: Controls,
    ) -> InsurerFigures:
        id_ = settings.id
        done = activity.insurers.get(id_, _EMPTY)
        lanes = (
            [one.report.lanes[id_] for one in known.heard.reports if id_ in one.report.lanes and not one.is_silent]
            if known
            else []
        )
        backlog = known.backlog[id_] if known else None
        state = known.states[id_] if known else InsurerState()
        oldest_ms = backlog.oldest_ms if backlog else None
        return InsurerFigures(
            id=id_,
            name=settings.name,
            waiting=backlog.waiting if backlog else None,
            oldest_s=max(0, known.heard.now_ms - oldest_ms) / 1000 if known and oldest_ms is not None else None,
            in_flight=sum(lane.in_flight for lane in lanes),
            places=sum(lane.places for lane in lanes),
            workers=len(lanes),
            answers=done.answers,
            calls=done.calls,
            asking_p50_s=_rounded(quantile(done.asking, 0.5)),
            asking_p99_s=_rounded(quantile(done.asking, 0.99)),
            create_limit=_limit(settings.rate_limit, state, "create", controls.get((ControlKind.LIMIT, id_))),
            poll_limit=_limit(settings.poll_rate_limit, state, "poll", controls.get((ControlKind.POLL_LIMIT, id_))),
            circuit=_circuit(state, controls.get((ControlKind.CIRCUIT, id_))) if known else None,
            pause=_pause(controls.get((ControlKind.PAUSE, id_))),
            steps={
                step: StepFigures(one.results, _rounded(one.mean_s), _rounded(one.usual_mean_s))
                for step, one in calls.get(id_, {}).items()
            },
        )


def _with_trouble(insurers: Sequence[InsurerFigures], concerns: Sequence[Concern]) -> tuple[InsurerFigures, ...]:
    """Each with its first alarm, so that its state and its red line agree."""
    alarms = [one for one in concerns if one.urgency is Urgency.ALARM]
    first = {one.subject: one.code for one in reversed(alarms)}
    return tuple(msgspec.structs.replace(one, trouble=first.get(one.id)) for one in insurers)


async def _within(read: Awaitable[Part]) -> tuple[Part | None, str]:
    """The result of a read and `ok`, or nothing and the error."""
    try:
        async with asyncio.timeout(READ_S_MAX):
            return await read, OK
    except TimeoutError:
        return None, "does not answer"
    except Unavailable:
        return None, "not there"


def _limit(rate: Rate | None, state: InsurerState, step: str, control: Control | None) -> LimitFigures:
    paused_s = round(max(0.0, state.paused_s.get(step, 0.0)), 1)
    held = control_rate(control) if control else rate
    return LimitFigures(held.count if held else None, held.per_s if held else None, paused_s, by_control=bool(control))


def _circuit(state: InsurerState, control: Control | None) -> CircuitFigures:
    circuit, forced = state.circuit, control.setting if control else None
    if circuit is None:
        return CircuitFigures(forced=forced)
    open_s = round(max(0.0, circuit.open_s), 1)
    return CircuitFigures(state.availability.value, open_s, circuit.openings + 1, forced)


def _pause(control: Control | None) -> PauseFigures | None:
    if control is None:
        return None
    holds = control.setting == PauseMode.HOLD
    return PauseFigures(control.why, control.author, control.since, control.until, hold=holds)


def _push(activity: Activity) -> PushFigures:
    return PushFigures(
        frames=sum(activity.pushed.values()),
        p50_s=_rounded(quantile(activity.pushed, 0.5)),
        p99_s=_rounded(quantile(activity.pushed, 0.99)),
        within_500_ms=share_within(activity.pushed, FRAME_S_MAX),
    )


def _processes(heard: HeardProcesses | None, lease_s: float) -> Sequence[ProcessFigures]:
    if heard is None:
        return ()
    found = [_process(one, heard.beats_s.get(one.report.name), lease_s) for one in heard.reports]
    return sorted(found, key=lambda one: (one.kind, one.name))


def _process(heard: HeardReport, beat_s: float | None, lease_s: float) -> ProcessFigures:
    report = heard.report
    has_no_beat = report.kind == WORKER and (beat_s is None or not 0 <= beat_s < lease_s)
    if heard.is_silent or has_no_beat:
        state = "SILENT"
    elif report.failing:
        state = "FAILING"
    else:
        state = "DRAINING" if report.is_draining else "WORKING"
    return ProcessFigures(
        kind=report.kind,
        name=report.name,
        host=report.host,
        pid=report.pid,
        started_at=report.started_at,
        state=state,
        seen_s=round(heard.age_s, 1),
        beat_s=None if beat_s is None else round(beat_s, 1),
        failing=report.failing,
        lanes=report.lanes,
        in_flight=sum(lane.in_flight for lane in report.lanes.values()),
        sockets=report.sockets,
        stalled=report.activity.stalled if report.activity else 0,
        health=report.health,
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else float(f"{seconds:.3g}")
