"""Redis flushed, killed, forgetful, cut off, away, slow: every open request gets every quote and its end in time."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.proxy import Proxy, proxied
from support.servers import RedisAtHand
from support.until import until
from support.world import ApiAtHand, World

from app.redis.lua_scripts import ENQUEUE, PUBLISH
from sandbox.demo.servers import Redis
from sandbox.insurers.script.behaviours import Processing

INSURERS = ("sever", "volga", "ural")
REQUESTS = 12


@dataclass
class Stage:
    """Two APIs, two workers, a Redis of their own behind a proxy, and requests in mid-flight with their watchers."""

    world: World
    apis: list[ApiAtHand]
    server: Redis
    proxy: Proxy
    accepted: list[dict[str, Any]]
    watches: list["asyncio.Task[list[dict[str, Any]]]"]
    redis: Any


@asynccontextmanager
async def in_mid_flight(world: World, folder: Path, *, deadline: str = "100s") -> AsyncGenerator[Stage, None]:
    """Every job asked and polled, none answered; by default nothing runs out of time on a busy machine."""
    server = Redis(folder / "redis")
    server.start()
    async with AsyncExitStack() as stack:
        stack.callback(server.kill)
        proxy = await stack.enter_async_context(proxied(server.url))
        world.set(redis_url=proxy.url, lease="900ms", quote_deadline=deadline)
        await world.insurers(*INSURERS)
        for insurer in INSURERS:
            world.sandbox.set_mode(insurer, Processing())
        apis = [await world.api() for _ in range(2)]
        for number in range(2):
            await world.worker(f"worker-{number}")
        accepted = [await world.accepted(apis[number % 2]) for number in range(REQUESTS)]
        watches = [asyncio.create_task(world.watched(apis[n // 2 % 2], one)) for n, one in enumerate(accepted)]
        await until(lambda: sum(api.begun(*accepted) for api in apis) == REQUESTS)
        await until(lambda: all(world.sandbox.seen_by(insurer).applications == REQUESTS for insurer in INSURERS))
        at_hand = RedisAtHand(server.url)
        stack.push_async_callback(at_hand.client.aclose)
        yield Stage(world, apis, server, proxy, accepted, watches, at_hand.client)
        await world.stop()


async def answered(stage: Stage, *, outcome: str = "ALL_ANSWERED") -> None:
    """The insurers answer; every watcher sees every quote once, then the end; no insurer has a second application."""
    for insurer in INSURERS:
        stage.world.sandbox.set_mode(insurer, None)
    for events in await asyncio.gather(*stage.watches):
        *quotes, end = events
        assert sorted(event["quote"]["insurer"]["id"] for event in quotes) == sorted(INSURERS)
        assert end["outcome"] == outcome
    for insurer in INSURERS:
        assert stage.world.sandbox.seen_by(insurer).applications == REQUESTS


async def flushed(stage: Stage) -> None:
    await stage.redis.flushall()


async def restarted_empty(stage: Stage) -> None:
    stage.server.kill()
    stage.server.start()


async def without_its_scripts(stage: Stage) -> None:
    await stage.redis.script_flush()


async def with_every_connection_killed(stage: Stage) -> None:
    for kind in ("normal", "pubsub"):
        await stage.redis.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


async def away_for_a_while(stage: Stage) -> None:
    """While new requests come in and insurers answer; back again, with all that it had."""
    stage.proxy.go_down()
    stage.accepted.append(await stage.world.accepted(stage.apis[0]))
    stage.watches.append(asyncio.create_task(stage.world.watched(stage.apis[1], stage.accepted[-1])))
    stage.world.sandbox.set_mode("sever", None)
    await until(lambda: _settled(stage.world, "sever", REQUESTS))
    stage.proxy.come_back()
    await until(lambda: stage.world.sandbox.seen_by("ural").applications == REQUESTS + 1)


async def _settled(world: World, insurer: str, count: int) -> bool:
    rows = await world.database.fetch("SELECT 1 FROM osago_quotes WHERE insurer_id = $1", insurer)
    return len(rows) >= count


async def slow(stage: Stage) -> None:
    stage.proxy.delay_s = 0.1


FAULTS: dict[str, Callable[[Stage], Any]] = {
    "flushed": flushed,
    "killed and restarted empty": restarted_empty,
    "its scripts flushed": without_its_scripts,
    "every connection killed": with_every_connection_killed,
    "slow": slow,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_open_requests_get_every_quote_over_each_fault_of_redis(
    world: World, tmp_path: Path, fault: Callable[[Stage], Any]
) -> None:
    """Subscriptions resume by themselves, and no insurer gets a second application."""
    async with in_mid_flight(world, tmp_path) as stage:
        await fault(stage)
        await answered(stage)


async def test_quotes_are_settled_and_watched_while_redis_is_away(world: World, tmp_path: Path) -> None:
    """Calls that have begun go on; requests that are accepted meanwhile start as soon as Redis is back."""
    async with in_mid_flight(world, tmp_path) as stage:
        await away_for_a_while(stage)
        for insurer in INSURERS:
            world.sandbox.set_mode(insurer, None)
        for events in await asyncio.gather(*stage.watches):
            assert sorted(event["quote"]["insurer"]["id"] for event in events[:-1]) == sorted(INSURERS)
            assert events[-1]["outcome"] == "ALL_ANSWERED"


async def test_with_redis_down_at_the_deadline_the_end_comes_from_postgresql(world: World, tmp_path: Path) -> None:
    """Both processes read the end from PostgreSQL, in time."""
    async with in_mid_flight(world, tmp_path, deadline="12s") as stage:
        stage.proxy.go_down()
        for events in await asyncio.gather(*stage.watches):
            assert {event["quote"]["status"] for event in events[:-1]} == {"TIMED_OUT"}
            assert (len(events), events[-1]["outcome"]) == (len(INSURERS) + 1, "DEADLINE")
        stage.proxy.come_back()


@pytest.mark.parametrize(
    "command", [ENQUEUE.hash.encode(), b"XREADGROUP", PUBLISH.hash.encode()], ids=["enqueue", "read", "publish"]
)
async def test_a_reply_that_is_lost_doubles_nothing_and_orphans_nothing(
    world: World, tmp_path: Path, command: bytes
) -> None:
    """Redis has run the command, but its reply is lost: a repeat changes nothing, and jobs that were read are found."""
    async with in_mid_flight(world, tmp_path) as stage:
        cut = stage.proxy.cut_replies(command)
        extra = [await world.accepted(stage.apis[0]) for _ in range(6)]
        watches = [asyncio.create_task(world.watched(stage.apis[1], one)) for one in extra]
        for insurer in INSURERS:
            world.sandbox.set_mode(insurer, None)
        for events in await asyncio.gather(*stage.watches, *watches):
            assert sorted(event["quote"]["insurer"]["id"] for event in events[:-1]) == sorted(INSURERS)
            assert events[-1]["outcome"] == "ALL_ANSWERED"
        assert cut.done.is_set()
        for insurer in INSURERS:
            assert world.sandbox.seen_by(insurer).applications == REQUESTS + 6
            await until(lambda insurer=insurer: _is_empty(stage, insurer))


async def _is_empty(stage: Stage, insurer: str) -> bool:
    return await stage.redis.xlen(f"{{osago-00}}:jobs:{insurer}") == 0
