"""How long this process stood still: whoever counts events here cannot tell their times more exactly than that."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

TICK_S = 0.005


@asynccontextmanager
async def stalls() -> AsyncGenerator[Callable[[], float], None]:
    """The longest stall of the event loop beside the block, seconds."""
    longest_s = 0.0

    async def tick() -> None:
        nonlocal longest_s
        while True:
            began_at = time.monotonic()
            await asyncio.sleep(TICK_S)
            longest_s = max(longest_s, time.monotonic() - began_at - TICK_S)

    ticking = asyncio.create_task(tick())
    try:
        yield lambda: longest_s
    finally:
        ticking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticking
