"""PostgreSQL restarted, cut off, away, full: nothing half-accepted, nothing lost, and no caller hangs."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from support.proxy import Proxy, proxied
from support.stalls import within
from support.until import until
from support.world import ApiAtHand, World

from cli.quote.aggregator_client import CREATE
from sandbox.insurers.script.behaviours import Processing

INSURERS = ("sever", "volga", "ural")
REQUESTS = 12
TOLD_S_MAX = 2.5  # two seconds, and some for a busy machine


@dataclass
class Stage:
    """An API and two workers, each with a PostgreSQL behind a proxy, and requests in mid-flight with their watchers."""

    world: World
    api: ApiAtHand
    proxy: Proxy
    watches: list["asyncio.Task[list[dict[str, Any]]]"]

    async def created(self, **changes: Any) -> dict[str, Any]:
        """What a mutation answers, in time."""
        with within(TOLD_S_MAX, *self.world.server_pids):
            return (await self.api.post(CREATE, {"input": self.world.new_request(**changes)})).json()


@asynccontextmanager
async def in_mid_flight(
    world: World, requests: int = REQUESTS, *, deadline: str = "100s"
) -> AsyncGenerator[Stage, None]:
    """By default nothing runs out of time on a busy machine."""
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(proxied(await world.database.guest_url()))
        world.set(database_url=proxy.url, quote_deadline=deadline)
        await world.insurers(*INSURERS)
        for insurer in INSURERS:
            world.sandbox.set_mode(insurer, Processing())
        api = await world.api()
        for number in range(2):
            await world.worker(f"worker-{number}")
        accepted = [await world.accepted(api) for _ in range(requests)]
        watches = [asyncio.create_task(world.watched(api, one)) for one in accepted]
        await until(lambda: api.begun(*accepted) == requests)
        await until(lambda: all(world.sandbox.seen_by(insurer).applications == requests for insurer in INSURERS))
        yield Stage(world, api, proxy, watches)
        await world.stop()


async def answered(stage: Stage) -> None:
    for insurer in INSURERS:
        stage.world.sandbox.set_mode(insurer, None)
    for events in await asyncio.gather(*stage.watches):
        assert sorted(event["quote"]["insurer"]["id"] for event in events[:-1]) == sorted(INSURERS)
        assert events[-1]["outcome"] == "ALL_ANSWERED"
    accepted = await stage.world.database.fetch("SELECT 1 FROM osago_requests")
    for insurer in INSURERS:
        await until(lambda insurer=insurer: stage.world.sandbox.seen_by(insurer).applications == len(accepted))


async def test_a_restart_in_mid_flight_costs_a_short_delay(world: World) -> None:
    """A real restart: connections end, new ones are refused for a moment, then everything goes on."""
    async with in_mid_flight(world) as stage:
        await asyncio.to_thread(world.restart_postgresql)
        await answered(stage)
        await until(lambda: _accepts_again(stage))


async def test_connections_that_are_killed_are_replaced(world: World) -> None:
    """Neither a watcher nor a caller gets an error."""
    async with in_mid_flight(world) as stage:
        for _ in range(3):
            await world.database.break_connections()
            assert stage.api.services.live.subscriptions == REQUESTS
        await answered(stage)


async def test_while_it_is_away_mutations_say_so_and_answers_wait(world: World) -> None:
    """Mutations fail within two seconds, retryable, with nothing stored; answers of insurers are committed later."""
    async with in_mid_flight(world) as stage:
        stage.proxy.go_down()
        for insurer in INSURERS:
            world.sandbox.set_mode(insurer, None)
        for body in await asyncio.gather(*(stage.created() for _ in range(5))):
            assert body["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        await until(lambda: all(seen.polls for seen in world.sandbox.seen_beginning_with("")))
        assert stage.api.services.live.subscriptions == REQUESTS
        stage.proxy.come_back()
        await answered(stage)
        assert len(await world.database.fetch("SELECT 1 FROM osago_requests")) == REQUESTS


async def test_a_subscriber_who_comes_while_it_is_away_waits_for_it(world: World) -> None:
    """A restart takes seconds, and most clients give up at the first error: patience saves them."""
    async with in_mid_flight(world, requests=1) as stage:
        one_more = await world.accepted(stage.api)
        stage.proxy.go_down()
        stage.watches.append(asyncio.create_task(world.watched(stage.api, one_more)))
        await until(lambda: stage.api.services.live.subscriptions == 2)
        stage.proxy.come_back()
        await answered(stage)


async def test_with_postgresql_away_at_the_deadline_a_watcher_gets_its_cursor(world: World) -> None:
    """The outcome is unknown then. The client subscribes again from its cursor, and has it when PostgreSQL is back."""
    async with in_mid_flight(world, requests=1, deadline="10s") as stage:
        stage.proxy.go_down()
        await until(lambda: stage.api.services.live.subscriptions == 0)
        stage.proxy.come_back()
        (events,) = await asyncio.gather(*stage.watches)
        assert sorted(event["quote"]["insurer"]["id"] for event in events[:-1]) == sorted(INSURERS)
        assert events[-1]["outcome"] == "DEADLINE"


async def test_a_hang_of_postgresql_is_reported_within_two_seconds(world: World) -> None:
    """Packets that get lost give the same error as a refused connection, within the same time."""
    async with in_mid_flight(world, requests=2) as stage:
        stage.proxy.hang()
        bodies = [await stage.created(), *await asyncio.gather(*(stage.created() for _ in range(3)))]
        assert {body["errors"][0]["extensions"]["code"] for body in bodies} == {"UNAVAILABLE"}
        stage.proxy.break_connections()
        stage.proxy.flow_again()
        await until(lambda: _accepts_again(stage))
        await answered(stage)


async def _accepts_again(stage: Stage) -> bool:
    return "errors" not in await stage.created()


async def test_too_many_connections_are_reported_and_pass(world: World) -> None:
    """Another program holds all connections: the error is retryable, and over when they are released."""
    async with in_mid_flight(world, requests=2) as stage:
        await world.database.admin("ALTER DATABASE {} CONNECTION LIMIT 0")
        await world.database.break_connections()
        assert (await stage.created())["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        await world.database.admin("ALTER DATABASE {} CONNECTION LIMIT -1")
        await until(lambda: _accepts_again(stage))
        await answered(stage)
