"""Quarantine: a job that was delivered too often runs once more, alone, in a process of its own.

It may have killed its workers, or only stood beside the one that did. If it fails alone too, it is a dead letter.
"""

import asyncio
import sys
from datetime import datetime
from typing import Final

import structlog

from app.documents import decode_quote
from app.domain.quote import Answer, ReasonCode, failed
from app.observability import metrics
from app.resources import Resources
from app.streams.jobs import Delivery
from app.streams.letters import DeadLetter, DeadLetters

log: Final = structlog.get_logger(__name__)

ALONE_MOST: Final = 2
GRACE_S: Final = 2.0
TRACE_LENGTH_MOST: Final = 8000


class Quarantine:
    """Runs suspects apart, a few at a time."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._letters = DeadLetters(resources.redis, shards=resources.settings.shards)
        self._max_deliveries = resources.settings.max_deliveries
        self._places = asyncio.Semaphore(ALONE_MOST)

    def is_suspect(self, delivery: Delivery) -> bool:
        return delivery.deliveries >= self._max_deliveries

    async def ask_alone(self, insurer_id: str, delivery: Delivery, expires_at: datetime) -> Answer | None:
        """The answer, asked for by a process of its own; None where the end came first.

        If that process fails, the job is a dead letter, and its quote FAILED.
        """
        async with self._places:
            left_s = self._resources.clock.seconds_until(expires_at)
            if left_s <= 0:
                return None
            code, output, trace = await _run(insurer_id, delivery, left_s + GRACE_S)
        if code == 0:
            return decode_quote(delivery.request_id, output).answer if output else None
        reason = "killed" if code is None or code < 0 else "failed"
        log.error("job.buried", insurer=insurer_id, request_id=str(delivery.request_id), reason=reason)
        metrics.DEAD_LETTERS.labels(insurer_id).inc()
        now = self._resources.clock.now()
        letter = DeadLetter(insurer_id, delivery.request_id, delivery.deliveries, reason, trace, now)
        await self._letters.bury(letter)
        return failed(ReasonCode.INTERNAL)


async def _run(insurer_id: str, delivery: Delivery, seconds: float) -> tuple[int | None, bytes, str]:
    """Exit code (None: it had to be killed), what it printed, and where it failed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "workers.alone",
        insurer_id,
        str(delivery.request_id),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(seconds):
            output, trace = await process.communicate()
    except TimeoutError:
        return None, b"", "it did not end"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, output, trace.decode(errors="replace")[-TRACE_LENGTH_MOST:]
