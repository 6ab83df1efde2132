"""What this worker reports of itself, for `osago workers` and the console."""

import os
import socket
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from app.domain.errors import RedisAway
from app.redis.fleet.worker_reports import WorkerReport, WorkerReports
from app.runtime.clock import Clock
from app.runtime.periodic import periodic
from app.runtime.supervision import Part

log: Final = structlog.get_logger(__name__)

EVERY_S: Final = 1.0


class SelfReport:
    """Its owner runs `parts`. `in_flight` returns the jobs of each lane."""

    def __init__(
        self,
        reports: WorkerReports,
        clock: Clock,
        in_flight: Callable[[], Mapping[str, int]],
        is_draining: Callable[[], bool],
        *,
        consumer: str,
    ) -> None:
        self._reports = reports
        self._clock = clock
        self._in_flight = in_flight
        self._is_draining = is_draining
        self._consumer = consumer
        self._since = clock.now()

    def parts(self) -> list[Part]:
        return [periodic("self-report", self.put, every_s=EVERY_S, clock=self._clock)]

    async def put(self) -> None:
        """Reports once.

        Raises:
            RedisAway: Redis is not there.
        """
        report = WorkerReport(
            host=socket.gethostname(),
            pid=os.getpid(),
            since=self._since,
            lanes=self._in_flight(),
            is_draining=self._is_draining(),
        )
        await self._reports.put(self._consumer, report)

    async def leave(self) -> None:
        """This worker ends; without Redis its report goes with its beat."""
        try:
            await self._reports.leave(self._consumer)
        except RedisAway as error:
            log.debug("worker.report_left", error=str(error))
