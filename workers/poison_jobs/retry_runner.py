"""Retries of dead letters that operators ask for in the console: some worker takes each, and a process of its own asks."""

import asyncio
import sys
from typing import Final

import structlog

from app.redis.dead_letters import DeadLetters
from app.resources import Resources
from app.runtime.periodic import periodic
from app.runtime.supervision import Part

log: Final = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 1.0
START_S_MAX: Final = 15.0
"""Beside the deadline of a request, which asking has: for the process to start and to end."""
ANSWER: Final = "answer: "
"""The prefix of the line with the result, in the output of the process."""
ANSWER_LENGTH_MAX: Final = 200
KILLED: Final = "its process died"
TOO_LATE: Final = "no answer in time: its process was ended"


class LetterRetryRunner:
    """The retries of one worker, one after the other."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._letters = DeadLetters(resources.redis, shards=resources.settings.shards)

    def part(self) -> Part:
        return periodic("letter-retries", self.run_once, every_s=LOOK_EVERY_S, clock=self._resources.clock)

    async def run_once(self) -> None:
        """Works on what is queued.

        Raises:
            RedisAway: Redis is not there.
        """
        while letter_id := await self._letters.take_retry():
            answer = await self._ask(letter_id)
            log.info("letter.retried", letter=letter_id, answer=answer)
            await self._letters.answer_retry(letter_id, answer)

    async def _ask(self, letter_id: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "workers.poison_jobs.letter_retry", letter_id),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(self._resources.settings.quote_deadline + START_S_MAX):
                printed, _ = await process.communicate()
        except TimeoutError:
            return TOO_LATE
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        line = printed.rpartition(b"\n")[2].decode(errors="replace")
        if process.returncode != 0 or not line.startswith(ANSWER):
            return KILLED
        return line.removeprefix(ANSWER)[:ANSWER_LENGTH_MAX]
