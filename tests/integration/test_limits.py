"""Rate limits of insurers, over all workers together: counted where it matters, at the insurer's side."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import pairwise
from typing import Any

import pytest
from support.processes import worker_process
from support.proxy import proxied
from support.until import until
from support.world import ApiAtHand, World

from sandbox.insurers.control.call_log import InsurerRecord
from sandbox.insurers.script.behaviours import Processing, Status

LIMIT = 100
"""Calls a second."""
STARTING = 50
"""Calls that are left aside: workers come one after the other."""

Moments = dict[str, list[float]]


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> Moments:
    """When each call came, by step."""
    seen: Moments = {"create": [], "poll": []}
    enter = InsurerRecord.enter

    def noted(self: InsurerRecord, step: Any, now: Any) -> None:
        seen[step].append(now.timestamp())
        enter(self, step, now)

    monkeypatch.setattr(InsurerRecord, "enter", noted)
    return seen


def most_in_any_second(moments: Sequence[float]) -> int:
    """However the second is laid."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


async def waiting(world: World, requests: int, **more: Any) -> None:
    """Jobs that nobody reads yet."""
    await world.insurers("sever", more=more)
    api = await world.api()
    for _ in range(requests // 50):
        await asyncio.gather(*(world.accepted(api) for _ in range(50)))


@pytest.mark.processes
@pytest.mark.parametrize(("step", "key"), [("create", "rate_limit"), ("poll", "poll_rate_limit")])
async def test_all_workers_together_keep_the_limit_and_use_it(
    world: World, moments: Moments, step: str, key: str
) -> None:
    """Never more than agreed in any second, and at least 95 % of it under pressure in the best of a few seconds:
    a machine with too much to do can only make it less.
    """
    await waiting(world, 600, **{key: f"{LIMIT}/s", "max_in_flight": 150})
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(worker_process(world.folder, world.environment))
        await until(lambda: len(moments[step]) >= 600, seconds=20)
    seen = moments[step][STARTING : 600 - STARTING]
    used = max(LIMIT / (seen[first + LIMIT] - seen[first]) for first in range(len(seen) - LIMIT)) / LIMIT
    print(f"{step}: {most_in_any_second(moments[step])} in a second at most, {used:.1%} used")
    assert most_in_any_second(moments[step]) <= LIMIT
    assert used >= 0.95
    assert world.sandbox.seen_by("sever").applications <= 600


async def test_a_small_limit_is_spread_and_the_last_ones_give_up_in_time(world: World, moments: Moments) -> None:
    """Who cannot be asked before the end is told so at once, and costs no call."""
    world.set(quote_deadline="4s")
    await world.insurers("sever", more={"rate_limit": "5/s"})
    api = await world.api()
    await world.worker()
    accepted = await asyncio.gather(*(world.accepted(api) for _ in range(30)))
    told = [await world.watched(api, one) for one in accepted]
    statuses = [events[0]["quote"]["status"] for events in told]
    assert statuses.count("OFFERED") >= 10
    assert all(later - earlier > 0.15 for earlier, later in pairwise(moments["create"]))
    assert statuses.count("FAILED") + statuses.count("OFFERED") + statuses.count("TIMED_OUT") == 30
    assert statuses.count("FAILED") >= 10
    assert len(moments["create"]) <= 16


@pytest.mark.parametrize("more", [{}, {"rate_limit": "200/s"}], ids=["without a limit", "with one"])
async def test_one_retry_after_slows_all_workers(world: World, moments: Moments, more: dict[str, Any]) -> None:
    """The insurer tells one of them; none calls for so long, then all go on. Polls are another matter."""
    await world.insurers("sever", more=more)
    world.sandbox.set_mode("sever", Processing())
    api = await world.api()
    for number in range(3):
        await world.worker(f"worker-{number}")
    polled = await world.accepted(api)
    await until(lambda: moments["poll"])
    world.sandbox.script("sever", Status(status=429, retry_after=1, step="create"))
    told = await world.accepted(api)
    await until(lambda: len(moments["create"]) == 2)
    await until(lambda: heard(world))
    began, polls = moments["create"][1], len(moments["poll"])
    others = await asyncio.gather(*(world.accepted(api) for _ in range(20)))
    await until(lambda: len(moments["create"]) == 23)
    assert min(moments["create"][2:]) - began >= 0.95
    assert len([moment for moment in moments["poll"][polls:] if moment < began + 1]) > 5
    world.sandbox.set_mode("sever", None)
    for one in (polled, told, *others):
        assert (await world.watched(api, one))[0]["quote"]["status"] == "OFFERED"


async def heard(world: World) -> bool:
    return bool(await world.redis.client.exists("{osago-00}:pause:sever:create"))


async def test_without_redis_each_worker_takes_its_share(world: World, moments: Moments) -> None:
    """Going away and coming back included: never more than agreed in any second."""
    async with proxied(world.redis.url) as proxy:
        world.set(redis_url=proxy.url, quote_deadline="60s")
        await world.insurers("sever", more={"poll_rate_limit": f"{LIMIT}/s", "poll_interval": "10ms"})
        world.sandbox.set_mode("sever", Processing())
        api: ApiAtHand = await world.api()
        for number in range(3):
            await world.worker(f"worker-{number}")
        for _ in range(60):
            await world.accepted(api)
        await until(lambda: len(moments["poll"]) > LIMIT)
        proxy.go_down()
        gone_at = len(moments["poll"])
        await until(lambda: len(moments["poll"]) > gone_at + 3 * LIMIT, seconds=20)
        proxy.come_back()
        back_at = len(moments["poll"])
        await until(lambda: len(moments["poll"]) > back_at + 2 * LIMIT, seconds=20)
        await world.stop()
    alone = moments["poll"][gone_at + LIMIT : back_at]
    used = max(LIMIT / (alone[first + LIMIT] - alone[first]) for first in range(len(alone) - LIMIT)) / LIMIT
    print(f"{most_in_any_second(moments['poll'])} in a second at most, {used:.1%} used without Redis")
    assert most_in_any_second(moments["poll"]) <= LIMIT
    assert used >= 0.95
