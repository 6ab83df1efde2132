"""The trails of a worker's jobs: written with the answer, or afterwards where the request has ended without one."""

from datetime import datetime, timedelta
from typing import Final

from app.redis.job_streams import Delivery
from app.story.answer_trail import AnswerTrail
from app.story.late_trails import LateTrails
from app.story.request_story import WaitKind
from workers.job import Holding

END_WRITTEN_AFTER: Final = timedelta(seconds=0.5)
"""After its deadline the end of a request is surely written, if PostgreSQL is there."""


class JobTrails:
    """The trails of one worker's jobs."""

    def __init__(self, consumer: str, late: LateTrails) -> None:
        self._consumer = consumer
        self.late = late
        self._clock = late.clock

    def begin(self) -> AnswerTrail:
        """The trail of a job that was just delivered."""
        return AnswerTrail(self._clock.monotonic())

    def encode(self, trail: AnswerTrail, delivery: Delivery) -> str:
        """The trail as it is kept with the quote."""
        return trail.encode(self._consumer, delivery, self._clock.unix_s() - self._clock.monotonic())

    def settling(self, holding: Holding) -> str:
        """The trail of a job that is answered."""
        holding.trail.wait(WaitKind.SETTLING, self._clock.monotonic())
        return self.encode(holding.trail, holding.delivery)

    def end(self, insurer_id: str, holding: Holding, expires_at: datetime | None = None) -> None:
        """Called when calls have stopped without an answer; without `expires_at` the request has ended already."""
        holding.trail.interrupt(self._clock.monotonic())
        key = (holding.delivery.request_id, insurer_id)
        due_at = self._clock.now() if expires_at is None else expires_at + END_WRITTEN_AFTER
        self.late.put(key, self.encode(holding.trail, holding.delivery), due_at)
