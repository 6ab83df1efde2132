"""Clients of others' making: each loses its connection at the third event, resumes without gap or repeat, and ends.

What they run stands in docs/clients.md.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Final

import pytest
from support.processes import Process, api_process, together
from support.proxy import Proxy, proxied
from support.raw_http import raw_connection
from support.until import until
from support.world import ApiAtHand, SettlerAtHand, World

from app.observability import metrics

INSURERS: Final = ("sever", "volga", "zarya", "ural", "taiga")
THIRD: Final = INSURERS[2]
CLIENTS: Final = ("graphql-ws", "graphql-sse", "apollo", "apollo-multipart", "urql", "relay", "eventsource", "gql")
END_S_MAX: Final = 60.0
"""When a test is given up: some clients wait for seconds of their own choice before they connect again."""

each_client = pytest.mark.parametrize("client", CLIENTS)


class Watching:
    """A client at work."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.events: list[dict[str, Any]] = []

    async def see(self, count: int) -> None:
        """Waits until it has printed so many events."""
        assert self._process.stdout
        while len(self.events) < count:
            line = await self._process.stdout.readline()
            assert line, await self._problems()
            self.events.append(json.loads(line))

    async def end(self) -> None:
        """Waits until it ends by itself; what it has seen is then every event once, in order."""
        assert self._process.stdout
        rest = await self._process.stdout.read()
        self.events += [json.loads(line) for line in rest.splitlines()]
        assert await self._process.wait() == 0, await self._problems()
        assert insurers_of(self.events) == list(INSURERS)
        assert self.events[-1]["outcome"] == "ALL_ANSWERED"
        assert len(self.events) == len(INSURERS) + 1

    async def _problems(self) -> str:
        assert self._process.stderr
        return (await self._process.stderr.read()).decode()


Watch = Callable[[str, str, Mapping[str, Any]], AbstractAsyncContextManager[Watching]]


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers(*INSURERS)
    return await world.api()


@pytest.fixture
def watch(node: Any, python: Any) -> Watch:
    """Starts a client that watches a request at a URL."""

    @asynccontextmanager
    async def run(client: str, url: str, accepted: Mapping[str, Any]) -> AsyncGenerator[Watching, None]:
        program = (python, "subscribe.py") if client == "gql" else (node, "subscribe.mjs")
        start, name = program
        async with (
            start(name, client, url, accepted["quoteRequest"]["id"], accepted["watchToken"]) as process,
            asyncio.timeout(END_S_MAX),
        ):
            yield Watching(process)

    return run


def insurers_of(events: Sequence[dict[str, Any]]) -> list[str]:
    return [event["quote"]["insurer"]["id"] for event in events if event["__typename"] == "QuoteReceived"]


async def settled_in_turn(settler: SettlerAtHand, accepted: Mapping[str, Any], *insurers: str) -> None:
    """One after the other, so that their order is known."""
    for insurer in insurers:
        await settler.settle(accepted, insurer)


@each_client
async def test_a_client_goes_on_after_the_third_event(
    client: str, world: World, api: ApiAtHand, settler: SettlerAtHand, proxy: Proxy, watch: Watch
) -> None:
    """It has the third event when its connection is cut, and misses the fourth while it cannot connect."""
    accepted = await world.accepted(api)
    async with watch(client, proxy.url, accepted) as watching:
        await settled_in_turn(settler, accepted, *INSURERS[:3])
        await watching.see(3)
        proxy.go_down()
        await settled_in_turn(settler, accepted, INSURERS[3])
        proxy.come_back()
        await watching.see(4)
        await settled_in_turn(settler, accepted, INSURERS[4])
        await watching.end()


@each_client
async def test_a_client_goes_on_from_the_middle_of_the_third_event(
    client: str, world: World, api: ApiAtHand, settler: SettlerAtHand, proxy: Proxy, watch: Watch
) -> None:
    """It has two events and a part of the third, which comes again, whole."""
    accepted = await world.accepted(api)
    broken = proxy.break_within(f'"{THIRD}"'.encode())
    async with watch(client, proxy.url, accepted) as watching:
        await settled_in_turn(settler, accepted, *INSURERS[:2])
        await watching.see(2)
        await settled_in_turn(settler, accepted, THIRD)
        await broken.done.wait()
        await settled_in_turn(settler, accepted, INSURERS[3])
        await watching.see(4)
        await settled_in_turn(settler, accepted, INSURERS[4])
        await watching.end()


@pytest.mark.processes
@each_client
async def test_a_client_goes_on_when_its_api_is_killed(
    client: str, world: World, settler: SettlerAtHand, watch: Watch
) -> None:
    """`kill -9` at the third event; another process of the API takes over behind the same address."""
    world.write_insurers(*INSURERS)
    async with AsyncExitStack() as stack:
        serving, other = await together(stack, *(api_process(world.folder, world.environment) for _ in range(2)))
        balancer = await stack.enter_async_context(proxied(serving.url))
        accepted = await world.accepted(at_hand(world, other))
        watching = await stack.enter_async_context(watch(client, balancer.url, accepted))
        await settled_in_turn(settler, accepted, *INSURERS[:3])
        await watching.see(3)
        serving.kill()
        await settled_in_turn(settler, accepted, INSURERS[3])
        balancer.lead_to(other.url)
        await watching.see(4)
        await settled_in_turn(settler, accepted, INSURERS[4])
        await watching.end()


@each_client
async def test_a_client_that_is_refused_comes_again(
    client: str, world: World, api: ApiAtHand, settler: SettlerAtHand, watch: Watch
) -> None:
    """By a process that has admitted as many as it may; behind the same address it finds another one."""
    world.set(connect_rate="1/h")
    full = await world.api()
    accepted = await world.accepted(api)
    await settled_in_turn(settler, accepted, *INSURERS)
    async with raw_connection(full.url) as first, proxied(full.url) as balancer:
        await first.shake_hands()
        before = metrics.CONNECTS_REFUSED._value.get()
        async with watch(client, balancer.url, accepted) as watching:
            await until(lambda: metrics.CONNECTS_REFUSED._value.get() > before)
            balancer.lead_to(api.url)
            balancer.break_connections()
            await watching.end()


def at_hand(world: World, process: Process) -> ApiAtHand:
    return ApiAtHand(process.url, world.token(), None)


async def test_a_browsers_eventsource_opens_with_a_ticket_and_comes_back_with_a_cookie(
    world: World, api: ApiAtHand, settler: SettlerAtHand, proxy: Proxy, node: Any, chromium: str
) -> None:
    """Cut off after the first event; no token is in any URL."""
    accepted = await world.accepted(api)
    await settler.settle(accepted, "sever")
    request_id, token = accepted["quoteRequest"]["id"], accepted["watchToken"]
    async with node("eventsource.mjs", chromium, proxy.url, request_id, token) as process:
        assert process.stdout
        assert process.stderr
        async with asyncio.timeout(END_S_MAX):
            first = await process.stdout.readline()
            assert first, (await process.stderr.read()).decode()
            proxy.break_connections()
            await settler.settle(accepted, *INSURERS[1:])
            lines = [first, *(await process.stdout.read()).splitlines()]
            assert await process.wait() == 0, (await process.stderr.read()).decode()
    events = [json.loads(line) for line in lines]
    assert sorted(insurers_of(events)) == sorted(INSURERS)
    assert events[-1]["outcome"] == "ALL_ANSWERED"
    assert len(events) == len(INSURERS) + 1
