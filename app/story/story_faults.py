"""Which faults a request suffers or has suffered: pure, from the evidence.

What its trails and places say holds for ever. What goes for all requests, a slow server or a lost connection, is known of now
alone: it is named for an open request, and for a minute after its end.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from app.domain.quote import NoOffer, ReasonCode
from app.observability.faults import FaultCode
from app.observability.recent_calls import SLOW_S_MIN, TIMEOUT, StepCalls, is_slow
from app.redis.fleet.process_health import slow_servers
from app.redis.fleet.process_reports import API, HeardReport
from app.redis.keys import RETURNED
from app.story.answer_trail import CALL, NO_CALL, UNFINISHED, StoredTrail, TrailStep
from app.story.frame_book import STALLED
from app.story.open_slots import open_slot
from app.story.request_story import OpenSlot, ProcessKind, StoryFault, WaitKind
from app.story.story_evidence import StoryEvidence

STORY_FAULTS: Final = frozenset(
    {
        *(FaultCode.SERVER_AWAY, FaultCode.SERVER_SLOW, FaultCode.NO_WORKER, FaultCode.PROCESS_SILENT),
        *(FaultCode.NOTIFIER_DOWN, FaultCode.CLOCK_OFF, FaultCode.SLOW_READERS, FaultCode.JOBS_WAIT),
        *(FaultCode.INSURER_SLOW, FaultCode.INSURER_HANGS, FaultCode.INSURER_FAILING, FaultCode.INSURER_BUSY),
        *(FaultCode.CIRCUIT_OPEN, FaultCode.PAUSED, FaultCode.DEAD_LETTERS),
    }
)
CURRENT: Final = timedelta(seconds=60)
"""A fault of now is named for requests that have ended within this time."""
BEAT_S_MAX: Final = 2.0
"""A worker that neither replies nor has beaten within this time stands still; one that beats has only missed the question."""
READ_S_MAX: Final = 5.0
SOCKETS_SHOWN_MAX: Final = 3
_ANSWERED: Final = "ok"
_BUSY: Final = frozenset({"429", "busy"})


def faults_of(evidence: StoryEvidence, *, lease_s: float) -> tuple[StoryFault, ...]:
    """Each once: what goes for everything first, then insurer by insurer."""
    found = [*_of_servers(evidence), *_of_processes(evidence), *_of_sockets(evidence)]
    for insurer_id in evidence.rows.insurers:
        found += _of_insurer(evidence, insurer_id, lease_s=lease_s)
    return tuple(dict.fromkeys(found))


def _is_current(evidence: StoryEvidence) -> bool:
    ended_at = evidence.rows.completed_at
    return ended_at is None or evidence.now - ended_at <= CURRENT


def _fresh(evidence: StoryEvidence) -> list[HeardReport]:
    """What processes have reported lately; nothing for a request that is past."""
    if evidence.replies is None or not _is_current(evidence):
        return []
    return [one for one in evidence.replies.heard.reports if not one.is_silent]


def _of_servers(evidence: StoryEvidence) -> Iterator[StoryFault]:
    if evidence.places is None and _is_current(evidence):
        yield StoryFault(code=FaultCode.SERVER_AWAY, what="redis")
    for server, seconds in slow_servers(one.report.health for one in _fresh(evidence)).items():
        yield StoryFault(code=FaultCode.SERVER_SLOW, what=server, seconds=round(seconds, 3))


def _of_processes(evidence: StoryEvidence) -> Iterator[StoryFault]:
    replies, rows = evidence.replies, evidence.rows
    if replies is None:
        return
    if rows.open_insurers and not any(one.kind is ProcessKind.WORKER for one in replies.asked):
        yield StoryFault(code=FaultCode.NO_WORKER)
    ended_at = rows.completed_at or evidence.now
    taking_part = set(_taking_part(evidence))
    for one in _fresh(evidence):
        health, name = one.report.health, one.report.name
        is_deaf = one.report.kind == API and health.is_deaf
        if is_deaf and evidence.now - timedelta(seconds=health.unheard_s or 0.0) < ended_at:
            yield StoryFault(code=FaultCode.NOTIFIER_DOWN, what=name, seconds=health.unheard_s)
        if health.is_clock_off and name in taking_part:
            yield StoryFault(code=FaultCode.CLOCK_OFF, what=name, seconds=round(health.clock_off_s, 1))


def _taking_part(evidence: StoryEvidence) -> Iterator[str]:
    """The processes that have asked an insurer for this request, or sent frames of it."""
    for insurer_id in evidence.rows.insurers:
        if trail := evidence.trail(insurer_id):
            yield trail.worker
    if evidence.places:
        yield from (place.consumer for place in evidence.places.jobs.values())
    if evidence.replies:
        yield from (name for name, reply in evidence.replies.by_name.items() if reply.places or reply.frames)


def _of_sockets(evidence: StoryEvidence) -> Iterator[StoryFault]:
    for name, reply in evidence.replies.by_name.items() if evidence.replies else ():
        sockets = list(dict.fromkeys(place.socket for place in reply.places if place.result == STALLED))
        if sockets:
            shown = ", ".join(sockets[:SOCKETS_SHOWN_MAX])
            yield StoryFault(code=FaultCode.SLOW_READERS, what=name, count=len(sockets), detail=shown)


def _of_insurer(evidence: StoryEvidence, insurer_id: str, *, lease_s: float) -> Iterator[StoryFault]:
    rows = evidence.rows
    trail, quote = evidence.trail(insurer_id), rows.quotes.get(insurer_id)
    lately = evidence.replies.heard.calls.get(insurer_id, {}) if evidence.replies else {}
    yield from _of_worker(evidence, insurer_id, trail)
    yield from _of_reading(evidence, insurer_id, trail)
    if trail:
        yield from _of_calls(insurer_id, trail, lately)
        yield from _of_refusals(evidence, insurer_id, trail, lately)
    if quote is None and rows.completed_at is None:
        yield from _of_wait(evidence, insurer_id, open_slot(evidence, insurer_id, lease_s=lease_s), lately)
    if quote and isinstance(quote.answer, NoOffer) and quote.answer.reason.code is ReasonCode.INTERNAL:
        yield StoryFault(code=FaultCode.DEAD_LETTERS, what=insurer_id, count=trail.deliveries if trail else None)


def _of_worker(evidence: StoryEvidence, insurer_id: str, trail: StoredTrail | None) -> Iterator[StoryFault]:
    """The worker that had the job is gone, or has it and stands still."""
    if trail and trail.taken_from and trail.taken_from != RETURNED:
        yield StoryFault(code=FaultCode.PROCESS_SILENT, what=trail.taken_from, by=trail.worker)
    place = evidence.places.jobs.get(insurer_id) if evidence.places else None
    if place is None or not place.is_in_stream or place.consumer in {"", RETURNED} or evidence.places is None:
        return
    silent_s = evidence.places.beats_s.get(place.consumer)
    has_replied = evidence.replies is not None and place.consumer in evidence.replies.by_name
    if not has_replied and (silent_s is None or silent_s > BEAT_S_MAX):
        seconds = None if silent_s is None else round(silent_s, 1)
        yield StoryFault(code=FaultCode.PROCESS_SILENT, what=place.consumer, seconds=seconds)


def _of_reading(evidence: StoryEvidence, insurer_id: str, trail: StoredTrail | None) -> Iterator[StoryFault]:
    """The job lay unread: its lane had no place, or there was no worker."""
    place = evidence.places.jobs.get(insurer_id) if evidence.places else None
    if trail and trail.enqueued_ms and not trail.taken_from:
        waited = evidence.moment(trail.read_ms) - evidence.moment_of_redis(trail.enqueued_ms)
    elif trail is None and place and place.is_in_stream and not place.consumer:
        waited = evidence.now - evidence.moment_of_redis(place.enqueued_ms)
    else:
        return
    if waited.total_seconds() > READ_S_MAX:
        lanes = [one.report.lanes[insurer_id] for one in _fresh(evidence) if insurer_id in one.report.lanes]
        places = sum(lane.places for lane in lanes)
        is_full = places > 0 and sum(lane.in_flight for lane in lanes) >= places
        seconds = round(waited.total_seconds(), 1)
        yield StoryFault(code=FaultCode.JOBS_WAIT, what=insurer_id, seconds=seconds, count=places if is_full else None)


def _of_calls(insurer_id: str, trail: StoredTrail, lately: Mapping[str, StepCalls]) -> Iterator[StoryFault]:
    """Of each step, and each way to go wrong, one: how often, and the longest call."""
    found: dict[tuple[FaultCode, str, str], StoryFault] = {}
    for one in trail.steps:
        usual_s = _usual_s(lately, one.step)
        if one.code != CALL or not (code := _fault_of(one, usual_s)):
            continue
        detail = "" if code in {FaultCode.INSURER_SLOW, FaultCode.INSURER_HANGS} else one.result
        before = found.get((code, one.step, detail))
        found[code, one.step, detail] = StoryFault(
            code=code,
            what=insurer_id,
            step=one.step,
            seconds=max(one.ms / 1000, before.seconds or 0.0 if before else 0.0),
            usual_s=usual_s,
            count=1 + (before.count or 0 if before else 0),
            detail=detail,
        )
    yield from found.values()


def _fault_of(call: TrailStep, usual_s: float | None) -> FaultCode | None:
    """What is wrong with one call, if anything is."""
    seconds = call.ms / 1000
    if call.result == UNFINISHED:  # the end of the request came first
        return FaultCode.INSURER_HANGS if seconds > SLOW_S_MIN else None
    if call.result.startswith(TIMEOUT):
        return FaultCode.INSURER_HANGS
    if call.result in _BUSY:
        return FaultCode.INSURER_BUSY
    if call.result != _ANSWERED:
        return FaultCode.INSURER_FAILING
    return FaultCode.INSURER_SLOW if is_slow(seconds, usual_s) else None


def _of_refusals(
    evidence: StoryEvidence, insurer_id: str, trail: StoredTrail, lately: Mapping[str, StepCalls]
) -> Iterator[StoryFault]:
    """Calls that were not made. Behind an open circuit are failures that other requests met."""
    refused = {step.result: step.step for step in trail.steps if step.code == NO_CALL}
    worst = max((calls for calls in lately.values() if calls.worst), key=lambda one: one.count, default=None)
    if "circuit_open" in refused:
        yield StoryFault(
            code=FaultCode.CIRCUIT_OPEN,
            what=insurer_id,
            step=refused["circuit_open"],
            detail=worst.worst if worst and _is_current(evidence) else "",
        )
    if "paused" in refused:
        yield StoryFault(code=FaultCode.PAUSED, what=insurer_id)
    if "rate_limit" in refused and worst and worst.busy and _is_current(evidence):
        yield StoryFault(code=FaultCode.INSURER_BUSY, what=insurer_id, step=refused["rate_limit"], count=0)


def _of_wait(
    evidence: StoryEvidence, insurer_id: str, slot: OpenSlot, lately: Mapping[str, StepCalls]
) -> Iterator[StoryFault]:
    """What holds the open slot up."""
    if slot.operator_pause and slot.waits_for in {WaitKind.PAUSE, WaitKind.WORKER}:
        yield StoryFault(code=FaultCode.PAUSED, what=insurer_id, detail=slot.operator_pause)
    if slot.paused_s and slot.waits_for in {WaitKind.RATE_LIMIT, WaitKind.RETRY, WaitKind.NEXT_POLL}:
        yield StoryFault(code=FaultCode.INSURER_BUSY, what=insurer_id, step=slot.step, seconds=slot.paused_s)
    if slot.waits_for is WaitKind.INSURER and slot.since:
        seconds, usual_s = (evidence.now - slot.since).total_seconds(), _usual_s(lately, slot.step)
        if is_slow(seconds, usual_s):
            calls = lately.get(slot.step)
            hangs = calls is not None and calls.hangs(is_circuit_open=bool(slot.is_circuit_open))
            yield StoryFault(
                code=FaultCode.INSURER_HANGS if hangs else FaultCode.INSURER_SLOW,
                what=insurer_id,
                step=slot.step,
                seconds=round(seconds, 1),
                usual_s=usual_s,
                detail="under way",
            )


def _usual_s(lately: Mapping[str, StepCalls], step: str) -> float | None:
    calls = lately.get(step)
    return None if calls is None or calls.usual_mean_s is None else float(f"{calls.usual_mean_s:.3g}")
