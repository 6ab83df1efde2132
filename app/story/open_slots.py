"""The waits of an insurer's slot without a quote: pure, from the evidence."""

from datetime import timedelta
from typing import Final

from app.domain.insurer import Availability
from app.domain.operators.control import ControlKind
from app.postgres.outbox import Kind
from app.redis.keys import RETURNED
from app.story.inquiries.inquiry import HeldJob
from app.story.job_places import JobPlace
from app.story.request_story import OpenSlot, WaitKind
from app.story.story_evidence import StoryEvidence

RELAYED_AFTER: Final = timedelta(seconds=1.5)
"""The relay enqueues jobs that the API has not enqueued by then."""


def open_slot(evidence: StoryEvidence, insurer_id: str, *, lease_s: float) -> OpenSlot:
    """The slot of an insurer that has no quote in an open request."""
    held = evidence.held(insurer_id)
    place = evidence.places.jobs.get(insurer_id) if evidence.places else None
    if held:
        slot = _held(evidence, held[0].name, held[1], place)
    elif place and place.is_in_stream:
        slot = _in_stream(evidence, insurer_id, place, lease_s)
    elif Kind.ACCEPTED in evidence.rows.notices:
        created_at = evidence.rows.created_at
        slot = OpenSlot(waits_for=WaitKind.OUTBOX, since=created_at, next_at=created_at + RELAYED_AFTER)
    elif evidence.places:
        slot = OpenSlot(waits_for=WaitKind.RECOVERY)
    else:
        slot = OpenSlot(waits_for=WaitKind.UNKNOWN)
    return _with_insurer(evidence, insurer_id, slot)


def _held(evidence: StoryEvidence, worker: str, job: HeldJob, place: JobPlace | None) -> OpenSlot:
    return OpenSlot(
        waits_for=job.waits_for,
        worker=worker,
        since=evidence.moment(job.since_ms),
        next_at=evidence.moment(job.until_ms) if job.until_ms else None,
        step=job.step,
        deliveries=place.deliveries if place else None,
    )


def _in_stream(evidence: StoryEvidence, insurer_id: str, place: JobPlace, lease_s: float) -> OpenSlot:
    """No worker that has answered has it in memory."""
    enqueued_at = evidence.moment_of_redis(place.enqueued_ms)
    if not place.consumer:
        return OpenSlot(waits_for=WaitKind.WORKER, since=enqueued_at, ahead=evidence.waiting.get(insurer_id))
    since = evidence.now - timedelta(seconds=place.held_s)
    if place.consumer == RETURNED:
        return OpenSlot(waits_for=WaitKind.TAKE_OVER, since=since, deliveries=place.deliveries)
    silent_s = evidence.places.beats_s.get(place.consumer) if evidence.places else None
    is_dead = silent_s is None or not 0 <= silent_s < lease_s
    has_answered = evidence.replies is not None and place.consumer in evidence.replies.by_name
    if is_dead:
        return OpenSlot(waits_for=WaitKind.TAKE_OVER, worker=place.consumer, since=since, deliveries=place.deliveries)
    # It is frozen, or has the job in Redis's book alone: its reader looks for such jobs now and then.
    next_at = None if has_answered else evidence.now + timedelta(seconds=max(0.0, lease_s - (silent_s or 0.0)))
    return OpenSlot(
        waits_for=WaitKind.UNKNOWN,
        worker=place.consumer,
        since=since,
        next_at=next_at,
        deliveries=place.deliveries,
    )


def _with_insurer(evidence: StoryEvidence, insurer_id: str, slot: OpenSlot) -> OpenSlot:
    """With what holds up every job of this insurer."""
    state = evidence.states.get(insurer_id) if evidence.states is not None else None
    pause = evidence.controls.get((ControlKind.PAUSE, insurer_id))
    paused_s = max((seconds for seconds in state.paused_s.values() if seconds > 0), default=None) if state else None
    return OpenSlot(
        waits_for=slot.waits_for,
        worker=slot.worker,
        since=slot.since,
        next_at=slot.next_at,
        step=slot.step,
        deliveries=slot.deliveries,
        ahead=slot.ahead,
        is_circuit_open=state.availability is not Availability.AVAILABLE if state else None,
        paused_s=None if paused_s is None else round(paused_s, 3),
        operator_pause=pause.setting if pause and not pause.is_over(evidence.now) else "",
    )
