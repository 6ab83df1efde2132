"""Concerns about one insurer: its calls of the last minute, its circuit, its jobs."""

from collections.abc import Iterator, Mapping
from typing import Final

from app.domain.insurer import Availability
from app.observability.faults import FaultCode
from app.observability.recent_calls import StepCalls
from app.overview.system_snapshot import Concern, InsurerFigures, Urgency

WAITING_S_MAX: Final = 5.0
"""A job is to be read at once; one that has waited for longer is behind others, or without a worker."""
FAILED_SHARE_MAX: Final = 0.5
ANSWERS_MIN: Final = 10
"""Of fewer answers a share says little."""
FAILURES: Final = frozenset({"FAILED", "UNAVAILABLE", "NONE"})


def concerns_of_insurer(one: InsurerFigures, steps: Mapping[str, StepCalls]) -> Iterator[Concern]:
    """`steps` are its calls over all processes."""
    if one.pause:
        yield Concern(FaultCode.PAUSED, one.id, detail=one.pause.why, urgency=Urgency.NOTICE)
    found = list(_of_calls(one, steps))
    yield from _of_circuit(one)
    yield from found
    yield from _of_answers(one, is_named=any(concern.urgency is Urgency.ALARM for concern in found))
    yield from _of_jobs(one)


def _of_circuit(one: InsurerFigures) -> Iterator[Concern]:
    if one.circuit and one.circuit.forced:
        yield Concern(FaultCode.CIRCUIT_FORCED, one.id, detail=one.circuit.forced, urgency=Urgency.NOTICE)
    elif one.circuit and one.circuit.state == Availability.UNAVAILABLE:
        yield Concern(FaultCode.CIRCUIT_OPEN, one.id, value=one.circuit.open_s)
    elif one.circuit and one.circuit.state == Availability.RECOVERING:
        yield Concern(FaultCode.CIRCUIT_TRIAL, one.id, urgency=Urgency.NOTICE)


def _of_calls(one: InsurerFigures, steps: Mapping[str, StepCalls]) -> Iterator[Concern]:
    """Of each kind one: that of the first step which has it."""
    is_open = one.circuit is not None and one.circuit.state != Availability.AVAILABLE
    found: dict[FaultCode, Concern] = {}
    for step, calls in steps.items():
        if concern := _of_step(one.id, step, calls, is_circuit_open=is_open):
            found.setdefault(concern.code, concern)
    yield from found.values()
    paused_s = max(one.create_limit.paused_s, one.poll_limit.paused_s)
    if paused_s and FaultCode.INSURER_BUSY not in found:
        yield Concern(FaultCode.CALLS_PUT_OFF, one.id, value=paused_s, urgency=Urgency.NOTICE)


def _of_step(insurer_id: str, step: str, calls: StepCalls, *, is_circuit_open: bool) -> Concern | None:
    """Its first fault: calls that hang are slow, too, and those that fail fast are not."""
    if calls.hangs(is_circuit_open=is_circuit_open):
        return _share(FaultCode.INSURER_HANGS, insurer_id, calls.timeouts, calls, step)
    if calls.fails(is_circuit_open=is_circuit_open):
        return _share(FaultCode.INSURER_FAILING, insurer_id, calls.errors, calls, f"{step}: {calls.worst}")
    if calls.is_busy:
        return _share(FaultCode.INSURER_BUSY, insurer_id, calls.busy, calls, step)
    mean_s, usual_s = calls.mean_s, calls.usual_mean_s
    if not calls.is_slow or mean_s is None or usual_s is None:
        return None
    return Concern(FaultCode.INSURER_SLOW, insurer_id, round(mean_s, 3), step, usual=round(usual_s, 3))


def _share(code: FaultCode, insurer_id: str, failed: int, calls: StepCalls, detail: str) -> Concern:
    return Concern(code, insurer_id, round(failed / calls.count, 3), detail)


def _of_answers(one: InsurerFigures, *, is_named: bool) -> Iterator[Concern]:
    """Where its calls of the last minute do not say it: too few, or its jobs fail for another reason."""
    answers = sum(one.answers.values())
    failed = sum(count for status, count in one.answers.items() if status in FAILURES)
    if answers >= ANSWERS_MIN and failed > FAILED_SHARE_MAX * answers and not one.pause and not is_named:
        yield Concern(FaultCode.INSURER_FAILING, one.id, value=round(failed / answers, 3))


def _of_jobs(one: InsurerFigures) -> Iterator[Concern]:
    if one.oldest_s is not None and one.oldest_s > WAITING_S_MAX and not (one.pause and one.pause.hold):
        yield Concern(FaultCode.JOBS_WAIT, one.id, value=round(one.oldest_s, 1))
    if one.places and one.in_flight >= one.places:
        yield Concern(FaultCode.LANE_FULL, one.id, value=one.in_flight, urgency=Urgency.NOTICE)
