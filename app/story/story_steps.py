"""The steps of a story in the order of their moments: pure, from the evidence."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from app.domain.quote import QuoteStatus
from app.redis.keys import RETURNED
from app.story.answer_trail import (
    CALL,
    CIRCUIT_WAIT,
    ISOLATION,
    NO_CALL,
    RATE_WAIT,
    StoredTrail,
    TrailStep,
)
from app.story.job_places import END
from app.story.request_story import StepKind, StoryStep
from app.story.story_evidence import StoryEvidence

BY_ACCEPT: Final = "accept"
PROCESSING: Final = "processing"
_KINDS: Final = {
    RATE_WAIT: StepKind.RATE_WAITED,
    CIRCUIT_WAIT: StepKind.CIRCUIT_WAITED,
    CALL: StepKind.CALLED,
    NO_CALL: StepKind.NOT_CALLED,
    ISOLATION: StepKind.ISOLATED,
}
_UNANSWERED: Final = {QuoteStatus.PENDING, QuoteStatus.TIMED_OUT, QuoteStatus.CANCELLED}
_RANKS: Final = {kind: rank for rank, kind in enumerate(StepKind)}


def steps_of(evidence: StoryEvidence) -> tuple[StoryStep, ...]:
    """Every step, by its moment; of one moment in the order in which things come about.

    Moments of Redis and of a worker are by two clocks, some milliseconds apart: what must have come first is not shown after its effect.
    """
    found = [*_request_steps(evidence), *_watcher_steps(evidence)]
    for insurer_id in evidence.rows.insurers:
        found += _insurer_steps(evidence, insurer_id)
    return tuple(sorted(found, key=lambda step: (step.at, _RANKS[step.kind])))


def _request_steps(evidence: StoryEvidence) -> Iterator[StoryStep]:
    rows = evidence.rows
    yield StoryStep(at=rows.created_at, kind=StepKind.ACCEPTED, by=rows.tenant)
    if rows.completed_at and rows.outcome:
        yield StoryStep(at=rows.completed_at, kind=StepKind.ENDED, result=rows.outcome.value)
    if evidence.places:
        for insurer_id, at_ms in evidence.places.published_ms.items():
            quote = rows.quotes.get(insurer_id)
            cause = rows.completed_at if insurer_id == END else quote and quote.received_at
            at = evidence.moment_of_redis(at_ms)
            yield StoryStep(
                at=max(at, cause) if cause else at,
                kind=StepKind.PUBLISHED,
                insurer_id=insurer_id or None,
                result="end" if insurer_id == END else "quote",
            )


def _insurer_steps(evidence: StoryEvidence, insurer_id: str) -> Iterator[StoryStep]:
    trail = evidence.trail(insurer_id)
    place = evidence.places.jobs.get(insurer_id) if evidence.places else None
    if trail and trail.enqueued_ms:
        at = min(evidence.moment_of_redis(trail.enqueued_ms), evidence.moment(trail.read_ms))
        yield _enqueued(at, insurer_id, trail.via)
    elif place and place.enqueued_ms:
        yield _enqueued(evidence.moment_of_redis(place.enqueued_ms), insurer_id, place.via)
    if trail:
        yield from _trail_steps(evidence, insurer_id, trail)
    if quote := evidence.rows.quotes.get(insurer_id):
        yield StoryStep(at=quote.received_at, kind=StepKind.SETTLED, insurer_id=insurer_id, result=quote.status.value)


def _enqueued(at: datetime, insurer_id: str, via: str) -> StoryStep:
    return StoryStep(at=at, kind=StepKind.ENQUEUED, insurer_id=insurer_id, by=via or BY_ACCEPT)


def _trail_steps(evidence: StoryEvidence, insurer_id: str, trail: StoredTrail) -> Iterator[StoryStep]:
    read_at = evidence.moment(trail.read_ms)
    yield StoryStep(
        at=read_at,
        kind=StepKind.TAKEN_OVER if trail.taken_from else StepKind.READ,
        insurer_id=insurer_id,
        by=trail.worker,
        result="" if trail.taken_from == RETURNED else trail.taken_from,
        count=trail.deliveries,
    )
    is_answered = evidence.rows.status_of(insurer_id) not in _UNANSWERED
    for place, step in enumerate(trail.steps):
        at = read_at + timedelta(milliseconds=step.offset_ms)
        if trail.omitted and place == trail.omitted_before:
            yield StoryStep(at=at, kind=StepKind.OMITTED, insurer_id=insurer_id, count=trail.omitted)
        if kind := _KINDS.get(step.code):
            is_last = place == len(trail.steps) - 1
            yield StoryStep(
                at=at,
                kind=kind,
                insurer_id=insurer_id,
                by=trail.worker,
                step=step.step,
                result=_result(step, is_answer=is_last and is_answered),
                seconds=None if step.code == ISOLATION else step.ms / 1000,
            )


def _result(step: TrailStep, *, is_answer: bool) -> str:
    """A poll that went well and was not the last one brought no answer yet."""
    is_processing = (step.code, step.step, step.result) == (CALL, "poll", "ok") and not is_answer
    return PROCESSING if is_processing else step.result


def _watcher_steps(evidence: StoryEvidence) -> Iterator[StoryStep]:
    for reply in evidence.replies.by_name.values() if evidence.replies else ():
        for place in reply.places:
            yield StoryStep(
                at=evidence.moment(place.at_ms),
                kind=place.kind,
                by=reply.name,
                socket=place.socket,
                result=place.result,
                count=None if place.kind is StepKind.LEFT else place.count,
            )
        for frame in reply.frames:
            yield StoryStep(
                at=evidence.moment(frame.at_ms),
                kind=StepKind.SENT,
                insurer_id=frame.insurer_id or None,
                by=reply.name,
                socket=frame.socket,
                result="quote" if frame.insurer_id else "end",
            )
