"""What a process has acknowledged, and PostgreSQL does not have after a failover, is counted."""

import asyncio
from uuid import UUID, uuid4

import pytest
from support.world import World

from app.observability import metrics
from app.use_cases import acknowledged
from app.use_cases.acknowledged import AcknowledgedRequests


async def test_requests_that_make_room_while_the_lost_are_counted_cost_no_count(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests go on being accepted meanwhile: the memory of a process is as long as it may be. None is counted twice."""
    monkeypatch.setattr(acknowledged, "REMEMBERED_MAX", 3)
    world.write_insurers("sever")
    api = await world.api()
    kept = (await world.accepted(api))["quoteRequest"]["id"]
    remembered = AcknowledgedRequests(api.services.pool, api.services.clock)
    remembered.add(uuid4() for _ in range(3))
    before = metrics.ACKNOWLEDGED_LOST._value.get()
    counting = asyncio.create_task(remembered.count_lost())
    await asyncio.sleep(0)  # it has begun
    remembered.add([UUID(kept)] * 2)
    assert await counting == 3
    assert metrics.ACKNOWLEDGED_LOST._value.get() == before + 3
    assert await remembered.count_lost() == 0
