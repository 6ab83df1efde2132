"""The gaps of a story: unknown parts, and the reasons; pure, from the evidence."""

from collections.abc import Iterator
from datetime import timedelta

from app.redis.job_streams import KEPT_AFTER_EXPIRY
from app.redis.keys import RETURNED
from app.story.request_story import Gap, GapCode, ProcessKind
from app.story.story_evidence import StoryEvidence

ENQUEUED_AFTER = timedelta(seconds=2)
"""A younger request may not be in Redis yet."""


def gaps_of(evidence: StoryEvidence) -> tuple[Gap, ...]:
    """Each once."""
    return tuple(dict.fromkeys([*_of_redis(evidence), *_of_processes(evidence), *_of_trails(evidence)]))


def _of_redis(evidence: StoryEvidence) -> Iterator[Gap]:
    rows, places = evidence.rows, evidence.places
    if places is None:
        yield Gap(code=GapCode.REDIS_AWAY)
    elif not places.is_known:
        if evidence.now >= rows.expires_at + KEPT_AFTER_EXPIRY:
            yield Gap(code=GapCode.REDIS_FORGOT_IT)
        elif rows.completed_at or evidence.now - rows.created_at > ENQUEUED_AFTER:
            yield Gap(code=GapCode.REDIS_LOST_IT)


def _of_processes(evidence: StoryEvidence) -> Iterator[Gap]:
    replies = evidence.replies
    if replies is None:
        return
    for process in replies.asked:
        if not process.has_answered:
            yield Gap(code=GapCode.PROCESS_SILENT, what=process.name)
    if evidence.rows.open_insurers and not any(one.kind is ProcessKind.WORKER for one in replies.asked):
        yield Gap(code=GapCode.NO_WORKER)
    accepted_ms = evidence.rows.created_at.timestamp() * 1000
    for reply in replies.by_name.values():
        if reply.frames_since_ms > accepted_ms:
            yield Gap(code=GapCode.FRAMES_LIMITED, what=reply.name)


def _of_trails(evidence: StoryEvidence) -> Iterator[Gap]:
    for insurer_id in evidence.rows.insurers:
        trail = evidence.trail(insurer_id)
        if trail and trail.taken_from and trail.taken_from != RETURNED:
            yield Gap(code=GapCode.PROCESS_DIED, what=trail.taken_from)
        elif trail is None and insurer_id in evidence.rows.quotes:
            yield Gap(code=GapCode.NO_TRAIL, what=insurer_id)
