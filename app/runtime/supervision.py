"""Things that run for ever, one turn after the other, and survive a turn that fails."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog

from app.domain.errors import Unavailable
from app.redis.topology import GONE
from app.runtime.cancellation import end_if_cancelled
from app.runtime.clock import Clock

_BEGIN_AGAIN_S: Final = 0.5
_TELL_EVERY_S: Final = 10.0

log: Final = structlog.get_logger(__name__)


class Seldom:
    """Says when to tell of something that lasts: at once, and then every ten seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tell_from_s = 0.0

    @property
    def is_due(self) -> bool:
        """Whether to tell of it now; whoever asks is taken to tell."""
        now_s = self._clock.monotonic()
        if now_s < self._tell_from_s:
            return False
        self._tell_from_s = now_s + _TELL_EVERY_S
        return True


async def forever(name: str, run_once: Callable[[], Awaitable[object]], *, every_s: float, clock: Clock) -> None:
    """Runs a turn every so often. What is away is waited for; a bug is logged, and the next turn tries again."""
    waiting = Seldom(clock)
    while True:
        end_if_cancelled()
        try:
            await run_once()
        except (Unavailable, *GONE) as error:
            if waiting.is_due:
                log.warning("loop.waits", loop=name, error=type(error).__name__)
        except Exception:
            # One turn is isolated from the next: a loop that dies of a bug would take the process's promise with it.
            log.exception("loop.failed", loop=name)
        await clock.sleep(every_s)


@asynccontextmanager
async def running(*parts: Callable[[], Awaitable[None]]) -> AsyncGenerator[None, None]:
    """Runs parts of a process beside the block, and ends them with it. One that fails is begun again."""
    async with asyncio.TaskGroup() as tasks:
        begun = [tasks.create_task(_kept_alive(part)) for part in parts]
        try:
            yield
        finally:
            for task in begun:
                task.cancel()


async def _kept_alive(part: Callable[[], Awaitable[None]]) -> None:
    while True:
        end_if_cancelled()
        try:
            await part()
        except Exception:
            # A bug in one part must not end the others: customers hang on them.
            log.exception("part.failed", part=getattr(part, "__qualname__", repr(part)))
        await asyncio.sleep(_BEGIN_AGAIN_S)
