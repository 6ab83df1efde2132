"""An API that admits no further WebSocket, and its book of those that it has refused."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from support.raw_http import raw_connection
from support.world import ApiAtHand, World

from app.observability import metrics
from app.server import connect_admission

ASKED_S = 1.1


@dataclass
class Refusals:
    """When the API has refused, by the loop's clock."""

    at_s: list[float] = field(default_factory=list[float])
    asked_s: float = ASKED_S

    @property
    def gaps_s(self) -> list[float]:
        return [later - earlier for earlier, later in pairwise(self.at_s)]


@asynccontextmanager
async def fully_booked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[tuple[ApiAtHand, Refusals], None]:
    """Every client is asked to come again after `ASKED_S` at least."""
    book = Refusals()
    monkeypatch.setattr(connect_admission, "RETRY_S_MAX", ASKED_S)
    monkeypatch.setattr(metrics.CONNECTS_REFUSED, "inc", lambda: book.at_s.append(asyncio.get_running_loop().time()))
    world.set(connect_rate="1/h")
    world.write_insurers("sever")
    api = await world.api()
    async with raw_connection(api.url) as first:
        await first.shake_hands()
        yield api, book


@asynccontextmanager
async def watching(watch: Coroutine[Any, Any, object]) -> AsyncGenerator[None, None]:
    """A client that tries beside the block, and ends with it."""
    task = asyncio.create_task(watch)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
