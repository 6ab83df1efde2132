"""Waking the tasks that wait for a state to change."""

import asyncio

from app.runtime.clock import Clock


class ChangeSignal:
    """Each `notify` wakes the tasks that wait by then, and no later one."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def notify(self) -> None:
        """The state has changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self) -> None:
        """Returns at the next change."""
        await self._changed.wait()

    async def wait_at_most(self, seconds: float, clock: Clock) -> bool:
        """Returns at the next change, or after so many seconds; whether it has changed."""
        changed = asyncio.ensure_future(self._changed.wait())
        asleep = asyncio.ensure_future(clock.sleep(seconds))
        try:
            done, _ = await asyncio.wait({changed, asleep}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
            asleep.cancel()
        return changed in done
