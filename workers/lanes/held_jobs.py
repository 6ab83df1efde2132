"""A worker's jobs of one request, for inquiries: what each waits for, and trails that are not written yet."""

from collections.abc import Mapping
from uuid import UUID

from app.story.inquiries.inquiry import REPLY_FORM, HeldJob, ProcessReply
from app.story.request_story import ProcessKind
from workers.job import Holding
from workers.lanes.job_trails import JobTrails
from workers.lanes.lane import Lane


class HeldJobs:
    """The jobs of one worker, by request."""

    def __init__(self, consumer: str, lanes: Mapping[str, Lane], trails: JobTrails) -> None:
        self._consumer = consumer
        self._lanes = lanes
        self._trails = trails
        self._clock = trails.late.clock

    def of(self, request_id: UUID) -> ProcessReply:
        """The jobs of this request; waits for nothing."""
        held = {id_: holding for id_, lane in self._lanes.items() if (holding := lane.held(request_id))}
        return ProcessReply(
            form=REPLY_FORM,
            name=self._consumer,
            kind=ProcessKind.WORKER,
            jobs=tuple(self._job(id_, holding) for id_, holding in held.items()),
            late_trails=dict(self._trails.late.of(request_id, self._lanes)),
        )

    def _job(self, insurer_id: str, holding: Holding) -> HeldJob:
        wait = holding.trail.waiting
        offset_s = self._clock.unix_s() - self._clock.monotonic()
        return HeldJob(
            insurer_id=insurer_id,
            trail=self._trails.encode(holding.trail, holding.delivery),
            waits_for=wait.kind,
            since_ms=int((wait.since_s + offset_s) * 1000),
            until_ms=None if wait.until_s is None else int((wait.until_s + offset_s) * 1000),
            step=wait.step,
            is_lost=holding.is_lost,
        )
