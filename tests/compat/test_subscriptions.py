"""Clients of others' making: each subscribes, is cut off, resumes without gap or repeat, and ends."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final

import pytest
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportConnectionFailed
from gql.transport.websockets import WebsocketsTransport
from support.proxy import Proxy, proxied
from support.world import ApiAtHand, SettlerAtHand, World

from cli.quote.aggregator_client import WATCH

INSURERS: Final = ("sever", "volga", "zarya")
END_S_MAX: Final = 30.0


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers(*INSURERS)
    return await world.api()


@pytest.fixture
async def proxy(api: ApiAtHand) -> AsyncGenerator[Proxy, None]:
    async with proxied(api.url) as made:
        yield made


def insurers_of(events: Sequence[dict[str, Any]]) -> list[str]:
    return [event["quote"]["insurer"]["id"] for event in events if event["__typename"] == "QuoteReceived"]


@pytest.mark.parametrize("client", ["graphql-ws", "graphql-sse", "apollo", "apollo-multipart", "urql", "eventsource"])
async def test_a_javascript_client_resumes_where_it_was_cut_off(
    client: str, world: World, api: ApiAtHand, settler: SettlerAtHand, proxy: Proxy, node: Any
) -> None:
    """Those of npm: graphql-ws, graphql-sse, Apollo Client (over a socket and as multipart), urql, and eventsource."""
    accepted = await world.accepted(api)
    await settler.settle(accepted, "sever")
    request_id, token = accepted["quoteRequest"]["id"], accepted["watchToken"]
    async with node("subscribe.mjs", client, proxy.url, request_id, token) as process:
        assert process.stdout
        assert process.stderr
        async with asyncio.timeout(END_S_MAX):
            first = await process.stdout.readline()
            assert first, (await process.stderr.read()).decode()
            proxy.go_down()
            await settler.settle(accepted, "volga")
            proxy.come_back()
            lines = [first, await process.stdout.readline()]
            await settler.settle(accepted, "zarya")
            lines += (await process.stdout.read()).splitlines()
            problems = (await process.stderr.read()).decode()
            assert await process.wait() == 0, problems
    events = [json.loads(line) for line in lines]
    assert insurers_of(events) == list(INSURERS)
    assert events[-1]["outcome"] == "ALL_ANSWERED"


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
            await settler.settle(accepted, "volga", "zarya")
            lines = [first, *(await process.stdout.read()).splitlines()]
            assert await process.wait() == 0, (await process.stderr.read()).decode()
    events = [json.loads(line) for line in lines]
    assert sorted(insurers_of(events)) == sorted(INSURERS)
    assert events[-1]["outcome"] == "ALL_ANSWERED"
    assert len(events) == len(INSURERS) + 1


async def test_pythons_gql_resumes_where_it_was_cut_off(
    world: World, api: ApiAtHand, settler: SettlerAtHand, proxy: Proxy
) -> None:
    """As examples/python_client.py does, of which a test kills the API."""
    accepted = await world.accepted(api)
    await settler.settle(accepted, "sever")
    events: list[dict[str, Any]] = []
    after: str | None = None
    while not events or events[-1]["__typename"] != "QuotesCompleted":
        variables = {"requestId": accepted["quoteRequest"]["id"], "after": after}
        transport = WebsocketsTransport(
            url=f"{proxy.url.replace('http', 'ws', 1)}/graphql", init_payload={"token": accepted["watchToken"]}
        )
        try:
            async with Client(transport=transport) as session:
                async for data in session.subscribe(GraphQLRequest(WATCH, variable_values=variables)):
                    events.append(data["quotes"])
                    after = data["quotes"]["cursor"]
                    if len(events) == 1:
                        proxy.break_connections()
                        await settler.settle(accepted, "volga", "zarya")
        except TransportConnectionFailed:
            assert len(events) == 1
    assert sorted(insurers_of(events)) == sorted(INSURERS)
    assert len(events) == len(INSURERS) + 1
