"""Giving jobs of a lane back, for the next reaper to take over."""

from collections.abc import Callable, Iterable
from typing import Final

import structlog

from app.domain.errors import RedisAway
from app.observability import metrics
from app.redis.job_streams import JobStreams
from app.runtime.supervision import report_failure
from workers.job import Holding, deliveries_by_shard

log: Final = structlog.get_logger(__name__)


class JobReturner:
    """Hands a lane's jobs back. `doubt` has a shard's reader look up what is pending here, before its next read."""

    def __init__(self, insurer_id: str, jobs: JobStreams, consumer: str, doubt: Callable[[int], None]) -> None:
        self._insurer_id = insurer_id
        self._jobs = jobs
        self._consumer = consumer
        self._doubt = doubt

    async def give_back(self, holdings: Iterable[Holding], reason: str, *, counted: bool) -> None:
        """Leaves jobs to the next reaper. With `counted` this delivery failed by the job's own fault, and counts."""
        for shard, entries in deliveries_by_shard(holdings, counted=counted).items():
            try:
                await self._jobs.hand_back(shard, self._insurer_id, self._consumer, entries)
                metrics.HANDED_BACK.labels(self._insurer_id, reason).inc(len(entries))
            except RedisAway as error:  # the jobs wait for this worker
                self._leave_pending(shard, len(entries), str(error))
            except Exception as error:  # noqa: BLE001 - it is reported
                # A bug on the way to Redis costs these jobs a delay; the lane's places are freed, and its other tasks go on.
                report_failure(f"lane:{self._insurer_id}", error)
                self._leave_pending(shard, len(entries), type(error).__name__)

    def _leave_pending(self, shard: int, jobs: int, why: str) -> None:
        """Leaves jobs pending for this worker."""
        log.warning("jobs.kept", insurer=self._insurer_id, jobs=jobs, error=why)
        self._doubt(shard)
