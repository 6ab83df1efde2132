"""All that is known of one request, as it was found: in PostgreSQL, in Redis, and in the memory of processes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from app.domain.operators.control import Controls
from app.redis.insurer_states import InsurerState
from app.story.answer_trail import StoredTrail, decode_trail
from app.story.inquiries.inquiry import HeldJob, ProcessReply
from app.story.inquiries.process_inquirer import Replies
from app.story.job_places import JobPlaces
from app.story.story_rows import RequestRows


@dataclass(frozen=True, slots=True)
class StoryEvidence:
    """The evidence of one request. `places`, `replies` and `states` are None where Redis is away."""

    rows: RequestRows
    controls: Controls
    places: JobPlaces | None
    replies: Replies | None
    states: Mapping[str, InsurerState] | None
    waiting: Mapping[str, int]
    """Unread jobs of the open insurers, as far as they are known."""
    now: datetime
    redis_ahead_s: float
    """By how much Redis's clock is ahead of PostgreSQL's."""

    def moment(self, ms: float) -> datetime:
        """The moment of the evidence, by PostgreSQL's clock."""
        return datetime.fromtimestamp(ms / 1000, UTC)

    def moment_of_redis(self, ms: float) -> datetime:
        """A moment of Redis's clock, as PostgreSQL's has it."""
        return datetime.fromtimestamp(ms / 1000 - self.redis_ahead_s, UTC)

    def held(self, insurer_id: str) -> tuple[ProcessReply, HeldJob] | None:
        """The worker that has this insurer's job in memory; the one that Redis names where two do."""
        owner = self.places.jobs[insurer_id].consumer if self.places and insurer_id in self.places.jobs else ""
        found = [
            (reply, job)
            for reply in (self.replies.by_name.values() if self.replies else ())
            for job in reply.jobs
            if job.insurer_id == insurer_id
        ]
        return min(found, key=lambda one: (one[0].name != owner, one[1].is_lost), default=None)

    def trail(self, insurer_id: str) -> StoredTrail | None:
        """How its answer came about, or how far asking has come."""
        if stored := self.rows.trails.get(insurer_id):
            return stored
        if held := self.held(insurer_id):
            return decode_trail(held[1].trail)
        late = [reply.late_trails.get(insurer_id) for reply in (self.replies.by_name.values() if self.replies else ())]
        return next((trail for one in late if (trail := decode_trail(one))), None)
