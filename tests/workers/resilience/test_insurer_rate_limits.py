"""Rate limits of insurers, over all workers together: counted where it matters, at the insurer's side."""

import asyncio
import signal
from contextlib import AsyncExitStack
from typing import Any

import pytest
from support.book import SendersBook, most_in_any_second
from support.processes import together, worker_process
from support.proxy import proxied
from support.stalls import machine_stall
from support.until import until
from support.world import ApiAtHand, World

from sandbox.insurers.model.call_log import InsurerRecord
from sandbox.insurers.script.behaviours import Processing, Status
from workers.lanes.stream_reader import READ_MAX
from workers.resilience.slot_reservations import LATE_S_MAX, RESERVED_S_MAX

LIMIT = 100
"""Calls a second."""
CALLS = 400
"""Enough for a few seconds at the limit."""
WORKERS = 3
STALLED_MUCH = 0.1
"""A share of the time."""
LOST = RESERVED_S_MAX / LATE_S_MAX
"""For each second that a worker is kept from running: what is a little too late loses all that it has reserved."""
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


async def waiting(world: World, requests: int, **more: Any) -> None:
    """Jobs that no worker reads yet; on a busy machine the first of them grow old before the last are there."""
    world.set(admission_age="off")
    await world.insurers("sever", more=more)
    api = await world.api()
    for _ in range(requests // 50):
        await asyncio.gather(*(world.accepted(api) for _ in range(50)))


@pytest.mark.processes
@pytest.mark.parametrize(("step", "key"), [("create", "rate_limit"), ("poll", "poll_rate_limit")])
async def test_all_workers_together_keep_the_limit_and_use_it(world: World, step: str, key: str) -> None:
    """Never more than agreed in any second, and at least 95 % of it under pressure in the best of a few seconds.

    What this machine kept them from is taken off: that can only make it less.
    """
    world.set(quote_deadline="120s")  # on a busy machine the last of them would run out of time before they are polled
    await waiting(world, CALLS, **{key: f"{LIMIT}/s", "max_in_flight": 150})
    book = SendersBook(world.folder, world.environment)
    async with AsyncExitStack() as stack:
        workers = (worker_process(world.folder, book.environment) for _ in range(3))
        await together(stack, *workers)
        with machine_stall() as stall:
            await until(lambda: len(book.moments(step)) >= CALLS)
    moments = book.moments(step)
    seen = moments[STARTING : CALLS - STARTING]
    used = max(LIMIT / (seen[first + LIMIT] - seen[first]) for first in range(len(seen) - LIMIT)) / LIMIT
    stalled = stall.seconds / (moments[-1] - moments[0])
    print(f"{step}: {most_in_any_second(moments)} in a second at most, {used:.1%} used, {stalled:.1%} stalled")
    assert most_in_any_second(moments) <= LIMIT
    assert used + LOST * stalled >= 0.95
    assert world.sandbox.seen_by("sever").applications <= CALLS


@pytest.mark.processes
async def test_a_worker_that_was_frozen_does_not_send_its_backlog_at_once(world: World) -> None:
    """The slots that passed meanwhile are lost: in no second are there more than agreed, of all workers together."""
    more = {"poll_rate_limit": f"{LIMIT}/s", "poll_interval": "10ms", "request_timeout": "10s"}
    await world.insurers("sever", more=more)
    world.sandbox.set_mode("sever", Processing())
    api = await world.api()
    book = SendersBook(world.folder, world.environment)
    async with AsyncExitStack() as stack:
        workers = (worker_process(world.folder, book.environment) for _ in range(3))
        frozen, *_ = await together(stack, *workers)
        await asyncio.gather(*(world.accepted(api) for _ in range(100)))

        async def more_calls() -> None:
            count = len(book.moments("poll"))
            await until(lambda: len(book.moments("poll")) > count + LIMIT)

        await more_calls()
        for _ in range(3):
            frozen.signal(signal.SIGSTOP)
            await more_calls()
            frozen.signal(signal.SIGCONT)
            await more_calls()
    print(f"{most_in_any_second(book.moments('poll'))} in a second at most")
    assert most_in_any_second(book.moments("poll")) <= LIMIT


async def test_a_small_limit_is_spread_and_the_last_ones_give_up_in_time(world: World, moments: Moments) -> None:
    """A job that could be called only after its end fails at once, and costs no call."""
    world.set(quote_deadline="4s")
    await world.insurers("sever", more={"rate_limit": "5/s"})
    api = await world.api()
    await world.worker()
    accepted = await asyncio.gather(*(world.accepted(api) for _ in range(30)))
    watched = [await world.watched(api, one) for one in accepted]
    statuses = [events[0]["quote"]["status"] for events in watched]
    assert set(statuses) <= {"FAILED", "OFFERED", "TIMED_OUT"}
    assert statuses.count("FAILED") >= 10
    assert statuses.count("OFFERED") <= len(moments["create"]) <= 4 * 5


@pytest.mark.parametrize("more", [{}, {"rate_limit": "200/s"}], ids=["without a limit", "with one"])
async def test_one_retry_after_slows_all_workers(world: World, moments: Moments, more: dict[str, Any]) -> None:
    """One worker gets the 429; none calls until its time is over, then all go on. Polls are not limited by it."""
    await world.insurers("sever", more=more)
    world.sandbox.set_mode("sever", Processing())
    api = await world.api()
    for number in range(3):
        await world.worker(f"worker-{number}")
    polled = await world.accepted(api)
    await until(lambda: moments["poll"])
    world.sandbox.script("sever", Status(status=429, retry_after=1, step="create"))
    refused = await world.accepted(api)
    await until(lambda: len(moments["create"]) == 2)
    await until(lambda: heard(world))
    began, polls = moments["create"][1], len(moments["poll"])
    others = await asyncio.gather(*(world.accepted(api) for _ in range(20)))
    await until(lambda: len(moments["create"]) == 23)
    assert min(moments["create"][2:]) - began >= 0.95
    assert [moment for moment in moments["poll"][polls:] if moment < moments["create"][2]]
    world.sandbox.set_mode("sever", None)
    for one in (polled, refused, *others):
        assert (await world.watched(api, one))[0]["quote"]["status"] == "OFFERED"


async def heard(world: World) -> bool:
    return bool(await world.redis.client.exists("{osago-00}:pause:sever:create"))


@pytest.mark.processes
async def test_without_redis_each_worker_takes_its_share(world: World) -> None:
    """Going away and coming back included: never more than agreed in any second.

    A process that the machine stops between a slot and its call sends that one call late, and one alone: it has one thread.
    """
    await world.insurers(
        "sever", more={"poll_rate_limit": f"{LIMIT}/s", "poll_interval": "10ms", "request_timeout": "10s"}
    )
    world.sandbox.set_mode("sever", Processing())
    world.set(quote_deadline="120s")
    api: ApiAtHand = await world.api()
    async with proxied(world.redis.url) as proxy, AsyncExitStack() as stack:
        book = SendersBook(world.folder, {**world.environment, "OSAGO_REDIS_URL": proxy.url})
        await together(stack, *(worker_process(world.folder, book.environment) for _ in range(WORKERS)))
        await asyncio.gather(*(world.accepted(api) for _ in range(5 * READ_MAX)))  # so that each worker reads some

        async def more_calls(count: int) -> list[float]:
            before = len(book.moments("poll"))
            await until(lambda: len(book.moments("poll")) > before + count)
            return book.moments("poll")

        await more_calls(LIMIT)
        proxy.go_down()
        gone_at = len(await more_calls(LIMIT))
        with machine_stall() as stall:
            alone = (await more_calls(2 * LIMIT))[gone_at:]
        proxy.come_back()
        moments = await more_calls(2 * LIMIT)
    used = max(LIMIT / (alone[first + LIMIT] - alone[first]) for first in range(len(alone) - LIMIT)) / LIMIT
    stalled = stall.seconds / (alone[-1] - alone[0])
    print(f"{most_in_any_second(moments)} in a second at most, {used:.1%} used without Redis, {stalled:.1%} stalled")
    assert most_in_any_second(moments) <= LIMIT + (WORKERS if stalled > STALLED_MUCH else 0)
    assert used + LOST * stalled >= 0.95
