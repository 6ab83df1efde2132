"""The pace of one worker: how many calls to insurers it begins at a time, so that each turn of its event loop stays short.

When 25,000 jobs come at once, answers that are ready to be settled would wait in every turn behind thousands of calls
that are about to begin. So new calls wait here, each insurer's in a line of its own, and the lines take turns. Calls
under way are not limited: an insurer that hangs delays no other. Under light load no call waits.
"""

import asyncio
import time
from typing import Final

from app.runtime.fair_queue import FairQueue

TURN_S_MAX: Final = 0.002
"""Seconds of CPU in one turn of the loop, for all that is done in it."""
BEGUN_MAX: Final = 64
"""Calls begun in one turn, however short the turns are."""


class CallPacer:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._lines: FairQueue[tuple[str, asyncio.Future[None]]] = FairQueue(lambda waiting: waiting[0])
        self._begun_max = BEGUN_MAX
        self._begun = 0
        self._is_counting = False
        """Whether a call has begun, or waits, in this turn."""

    async def wait(self, insurer_id: str) -> None:
        """Returns when one more call to this insurer may begin."""
        if not self._is_counting:
            self._begin_turn()
        if self._begun < self._begun_max and not self._lines:
            self._begun += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.append((insurer_id, turn))
        await turn

    def _begin_turn(self) -> None:
        self._begun = 0
        self._is_counting = True
        # Only a busy worker pays for the clock.
        began_at = time.thread_time() if self._lines else None
        asyncio.get_running_loop().call_soon(self._end_turn, began_at)

    def _end_turn(self, began_at: float | None) -> None:
        """After a long turn fewer calls begin in the next one, after a short one one more."""
        if began_at is not None:
            is_long = time.thread_time() - began_at > TURN_S_MAX
            self._begun_max = max(1, self._begun_max // 2) if is_long else min(BEGUN_MAX, self._begun_max + 1)
        self._is_counting = False
        if not self._lines:
            return
        self._begin_turn()
        while self._lines and self._begun < self._begun_max:
            _, turn = self._lines.popleft()
            if not turn.done():  # it was cancelled
                turn.set_result(None)
                self._begun += 1
