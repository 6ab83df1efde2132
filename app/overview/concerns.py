"""The concerns of a snapshot: states that need an operator, the worst first, for the console and `osago top`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from app.observability.faults import FaultCode
from app.observability.recent_calls import Calls
from app.overview.insurer_concerns import concerns_of_insurer
from app.overview.system_snapshot import (
    Concern,
    InsurerFigures,
    ProcessFigures,
    PushFigures,
    RequestFigures,
    Urgency,
)
from app.redis.fleet.process_health import slow_servers

OUTBOX_S_MAX: Final = 5.0
IN_TIME_SHARE_MIN: Final = 0.999
FRAMES_SHARE_MIN: Final = 0.99
FRAMES_MIN: Final = 10
"""Of fewer frames a share says little."""
STALLED_MAX: Final = 4
"""A telephone that sleeps is no fault; more clients of one process within the window are a network, or a client that does not read."""
OK: Final = "ok"


def concerns_of(
    servers: Mapping[str, str],
    requests: RequestFigures,
    push: PushFigures,
    insurers: Sequence[InsurerFigures],
    calls: Calls,
    processes: Sequence[ProcessFigures],
    dead_letters: int | None,
    outbox_s: float | None,
) -> tuple[Concern, ...]:
    """Alarms before notices, in the order of their causes: a server that is away explains what follows."""
    found = [
        *_of_servers(servers, processes),
        *_of_processes(processes, redis_is_there=servers.get("redis") == OK),
        *_of_requests(requests, push, outbox_s),
        *(concern for insurer in insurers for concern in concerns_of_insurer(insurer, calls.get(insurer.id, {}))),
    ]
    if dead_letters:
        found.append(Concern(FaultCode.DEAD_LETTERS, value=dead_letters))
    return tuple(sorted(found, key=lambda one: one.urgency is not Urgency.ALARM))


def _of_servers(servers: Mapping[str, str], processes: Sequence[ProcessFigures]) -> Iterator[Concern]:
    """A server that processes reach, slowly, is slow, also when it has not answered the snapshot in time."""
    slow = slow_servers(one.health for one in processes if one.state != "SILENT")
    for name, state in servers.items():
        if seconds := slow.get(name):
            yield Concern(FaultCode.SERVER_SLOW, name, value=round(seconds, 3))
        elif state != OK:
            yield Concern(FaultCode.SERVER_AWAY, name, detail=state)


def _of_processes(processes: Iterable[ProcessFigures], *, redis_is_there: bool) -> Iterator[Concern]:
    working = 0
    for one in processes:
        if one.state == "SILENT":
            yield Concern(FaultCode.PROCESS_SILENT, one.name, value=one.seen_s)
            continue
        if one.state == "FAILING":
            yield Concern(FaultCode.PROCESS_FAILING, one.name, detail=", ".join(one.failing))
        elif one.state == "DRAINING":
            yield Concern(FaultCode.PROCESS_DRAINING, one.name, urgency=Urgency.NOTICE)
        yield from _of_health(one, redis_is_there=redis_is_there)
        working += one.kind == "worker"
    if redis_is_there and not working:
        yield Concern(FaultCode.NO_WORKER)


def _of_health(one: ProcessFigures, *, redis_is_there: bool) -> Iterator[Concern]:
    if redis_is_there and one.health.is_deaf:
        yield Concern(FaultCode.NOTIFIER_DOWN, one.name, value=one.health.unheard_s)
    if one.health.is_clock_off:
        yield Concern(FaultCode.CLOCK_OFF, one.name, value=round(one.health.clock_off_s, 1), detail=one.host)
    if one.stalled > STALLED_MAX:
        yield Concern(FaultCode.SLOW_READERS, one.name, value=one.stalled)


def _of_requests(requests: RequestFigures, push: PushFigures, outbox_s: float | None) -> Iterator[Concern]:
    if requests.overdue:
        yield Concern(FaultCode.OVERDUE, value=requests.overdue)
    if requests.in_time is not None and requests.in_time < IN_TIME_SHARE_MIN:
        yield Concern(FaultCode.ENDS_LATE, value=requests.late)
    if outbox_s is not None and outbox_s > OUTBOX_S_MAX:
        yield Concern(FaultCode.OUTBOX_WAITS, value=round(outbox_s, 1))
    if push.within_500_ms is not None and push.frames >= FRAMES_MIN and push.within_500_ms < FRAMES_SHARE_MIN:
        yield Concern(FaultCode.FRAMES_SLOW, value=push.within_500_ms, urgency=Urgency.NOTICE)
