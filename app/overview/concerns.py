"""The concerns of a snapshot: states that need an operator, the worst first, for the console and `osago top`."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from app.domain.insurer import Availability
from app.overview.system_snapshot import (
    Concern,
    InsurerFigures,
    ProcessFigures,
    PushFigures,
    RequestFigures,
    Urgency,
)

WAITING_S_MAX: Final = 5.0
"""A job is to be read at once; one that has waited for so long is behind others, or without a worker."""
OUTBOX_S_MAX: Final = 5.0
IN_TIME_SHARE_MIN: Final = 0.999
FRAMES_SHARE_MIN: Final = 0.99
FAILED_SHARE_MAX: Final = 0.5
ANSWERS_MIN: Final = 10
"""A share of fewer answers says little."""
FAILURES: Final = frozenset({"FAILED", "UNAVAILABLE", "NONE"})
OK: Final = "ok"


def concerns_of(
    servers: dict[str, str],
    requests: RequestFigures,
    push: PushFigures,
    insurers: Sequence[InsurerFigures],
    processes: Sequence[ProcessFigures],
    dead_letters: int | None,
    outbox_s: float | None,
) -> tuple[Concern, ...]:
    """Alarms before notices, in the order of their causes: a server that is away explains what follows."""
    found = [
        *(Concern("SERVER_AWAY", name, detail=state) for name, state in servers.items() if state != OK),
        *_of_processes(processes, redis_is_there=servers.get("redis") == OK),
        *_of_requests(requests, push, outbox_s),
        *(concern for insurer in insurers for concern in _of_insurer(insurer)),
    ]
    if dead_letters:
        found.append(Concern("DEAD_LETTERS", value=dead_letters))
    return tuple(sorted(found, key=lambda one: one.urgency is not Urgency.ALARM))


def _of_processes(processes: Iterable[ProcessFigures], *, redis_is_there: bool) -> Iterator[Concern]:
    working = 0
    for one in processes:
        if one.state == "SILENT":
            yield Concern("PROCESS_SILENT", one.name, value=one.seen_s)
        elif one.state == "FAILING":
            yield Concern("PROCESS_FAILING", one.name, detail=", ".join(one.failing))
        elif one.state == "DRAINING":
            yield Concern("PROCESS_DRAINING", one.name, urgency=Urgency.NOTICE)
        working += one.kind == "worker" and one.state != "SILENT"
    if redis_is_there and not working:
        yield Concern("NO_WORKER")


def _of_requests(requests: RequestFigures, push: PushFigures, outbox_s: float | None) -> Iterator[Concern]:
    if requests.overdue:
        yield Concern("OVERDUE", value=requests.overdue)
    if requests.in_time is not None and requests.in_time < IN_TIME_SHARE_MIN:
        yield Concern("ENDS_LATE", value=requests.late)
    if outbox_s is not None and outbox_s > OUTBOX_S_MAX:
        yield Concern("OUTBOX_WAITS", value=round(outbox_s, 1))
    if push.within_500_ms is not None and push.frames >= ANSWERS_MIN and push.within_500_ms < FRAMES_SHARE_MIN:
        yield Concern("FRAMES_SLOW", value=push.within_500_ms, urgency=Urgency.NOTICE)


def _of_insurer(one: InsurerFigures) -> Iterator[Concern]:
    if one.pause:
        yield Concern("PAUSED", one.id, detail=one.pause.why, urgency=Urgency.NOTICE)
    if one.circuit and one.circuit.forced:
        yield Concern("CIRCUIT_FORCED", one.id, detail=one.circuit.forced, urgency=Urgency.NOTICE)
    elif one.circuit and one.circuit.state == Availability.UNAVAILABLE:
        yield Concern("CIRCUIT_OPEN", one.id, value=one.circuit.open_s)
    elif one.circuit and one.circuit.state == Availability.RECOVERING:
        yield Concern("CIRCUIT_TRIAL", one.id, urgency=Urgency.NOTICE)
    answers = sum(one.answers.values())
    failed = sum(count for status, count in one.answers.items() if status in FAILURES)
    if answers >= ANSWERS_MIN and failed > FAILED_SHARE_MAX * answers and not one.pause:
        yield Concern("INSURER_FAILING", one.id, value=round(failed / answers, 3))
    if one.oldest_s is not None and one.oldest_s > WAITING_S_MAX and not (one.pause and one.pause.hold):
        yield Concern("JOBS_WAIT", one.id, value=round(one.oldest_s, 1))
    if one.places and one.in_flight >= one.places:
        yield Concern("LANE_FULL", one.id, value=one.in_flight, urgency=Urgency.NOTICE)
    if paused_s := max(one.create_limit.paused_s, one.poll_limit.paused_s):
        yield Concern("INSURER_BUSY", one.id, value=paused_s, urgency=Urgency.NOTICE)
