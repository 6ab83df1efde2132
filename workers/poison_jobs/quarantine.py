"""Quarantine: jobs that were delivered too often run apart from all others.

Such a job may have killed its workers, or only stood beside the one that did, and beside a fast killer stand a thousand
others. So they run together in an isolated process; if it dies, the job that was running goes into another one
alone. Where that is not known, they are split into two until the killer is alone. A job that fails alone, or by an error
of its own, is a dead letter.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog

from app.domain.errors import RedisAway
from app.domain.quote import Answer, ReasonCode, failed
from app.observability import metrics
from app.observability.tracing.spans import current_wire
from app.redis.dead_letters import DeadLetter, DeadLetters
from app.redis.job_streams import Delivery
from app.resources import Resources
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.supervision import IsolatedTasks
from workers.poison_jobs.isolated_process import Failure, IsolatedProcess, SuspectJob

log: Final = structlog.get_logger(__name__)

PROCESSES_MAX: Final = 8
GATHER_S: Final = 0.1
GRACE_S: Final = 2.0


class IsolationFailed(Exception):
    """A bug in what isolates jobs, not in the jobs: they are handed back."""


class Quarantine:
    """Its owner runs `run` as a part."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._letters = DeadLetters(resources.redis, shards=resources.settings.shards)
        self._max_deliveries = resources.settings.max_deliveries
        self._places = asyncio.Semaphore(PROCESSES_MAX)
        self._waiting: list[SuspectJob] = []
        self._called = asyncio.Event()
        self._isolating = IsolatedTasks("isolated")

    def is_suspect(self, delivery: Delivery) -> bool:
        return delivery.deliveries >= self._max_deliveries

    async def ask_apart(self, insurer_id: str, delivery: Delivery, ends_at: datetime) -> Answer | None:
        """The answer, asked for by another process; None where the end came first.

        If that fails, the job is a dead letter, and its quote FAILED.
        """
        verdict = asyncio.get_running_loop().create_future()
        self._waiting.append(SuspectJob(insurer_id, delivery, ends_at, verdict, current_wire()))
        self._called.set()
        return await verdict

    async def run(self) -> None:
        """Starts an isolated process for the jobs that came together."""
        try:
            while True:
                raise_if_cancelled()
                await self.run_once()
        except asyncio.CancelledError:  # the process ends, and its isolated processes with it
            await self._isolating.ended(max_s=0)
            raise

    async def run_once(self) -> None:
        await self._called.wait()
        await self._resources.clock.sleep(GATHER_S)
        self._called.clear()
        suspects, self._waiting = self._waiting, []
        self._isolating.start(self._isolate_all(suspects))

    async def _isolate_all(self, suspects: Sequence[SuspectJob]) -> None:
        """After any error of the isolated process no lane waits for a verdict that never comes."""
        try:
            await self._isolate(suspects)
        except Exception as error:
            for suspect in suspects:
                if not suspect.verdict.done():
                    suspect.verdict.set_exception(IsolationFailed(type(error).__name__))
            raise

    async def _isolate(self, suspects: Sequence[SuspectJob]) -> None:
        """Asks about them in one process, and then about those that it left in smaller groups."""
        waited_for = [suspect for suspect in suspects if not suspect.verdict.done()]
        if not waited_for:
            return
        failures = await self._run_isolated(waited_for)
        culprits = [failure for failure in failures if failure.reason == "failed" or len(waited_for) == 1]
        for failure in culprits:
            await self._give_up(failure)
        left = [failure for failure in failures if failure not in culprits]
        if left:
            log.warning("quarantine.process_died", jobs=len(waited_for), left=len(left))
            await asyncio.gather(*map(self._isolate, _parted(left)))

    async def _run_isolated(self, suspects: Sequence[SuspectJob]) -> list[Failure]:
        async with self._places:
            left_s = self._resources.clock.seconds_until(max(suspect.ends_at for suspect in suspects))
            if left_s > 0:
                return await IsolatedProcess(suspects).run(left_s + GRACE_S)
        for suspect in suspects:
            if not suspect.verdict.done():
                suspect.verdict.set_result(None)
        return []

    async def _give_up(self, failure: Failure) -> None:
        suspect, delivery = failure.suspect, failure.suspect.delivery
        request_id = str(delivery.request_id)
        log.error("job.buried", insurer=suspect.insurer_id, request_id=request_id, reason=failure.reason)
        metrics.DEAD_LETTERS.labels(suspect.insurer_id).inc()
        letter = DeadLetter(
            suspect.insurer_id,
            delivery.request_id,
            delivery.deliveries,
            failure.reason,
            failure.trace,
            self._resources.clock.now(),
        )
        try:
            await self._letters.bury(letter)
        except RedisAway:  # the quote shows it all the same
            log.warning("job.buried_unseen", insurer=suspect.insurer_id, request_id=request_id)
        if not suspect.verdict.done():
            suspect.verdict.set_result(failed(ReasonCode.INTERNAL))


def _parted(failures: Sequence[Failure]) -> tuple[list[SuspectJob], list[SuspectJob]]:
    """The job that a process died of, and the others; two halves where it is not known."""
    marked = [failure.suspect for failure in failures if failure.is_marked]
    others = [failure.suspect for failure in failures if not failure.is_marked]
    if marked:
        return marked, others
    half = (len(others) + 1) // 2
    return others[:half], others[half:]
