"""The lag of the event loop: by how much a timer is late now and then."""

import asyncio
from typing import Final

from app.observability import metrics
from app.runtime.cancellation import raise_if_cancelled

EVERY_S: Final = 0.25


async def measure() -> None:
    """Measures for ever; a part of every process."""
    loop = asyncio.get_running_loop()
    while True:
        raise_if_cancelled()
        due_s = loop.time() + EVERY_S
        await asyncio.sleep(EVERY_S)
        metrics.LOOP_LAG.observe(max(0.0, loop.time() - due_s))
