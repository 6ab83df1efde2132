"""One browser takes its share of a process and no more, by whichever door; others are served."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, Final
from uuid import UUID

import httpx
import pytest
from support.plain_http import plain_http
from support.socket import Socket, opened
from support.until import until
from support.world import ApiAtHand, World
from websockets.asyncio.client import connect

WATCH: Final = "subscription ($id: ID!) { quotes(requestId: $id) { __typename } }"
ODD: Final = "subscription ($id: ID!, $no: Boolean!) { quotes(requestId: $id) { __typename @skip(if: $no) } }"
"""As above, for graphql-core: it is decided for each event."""
CUSTOMER: Final = 'subscription { customerQuotes(customerId: "customer-1") { __typename } }'
LOOK: Final = "query ($id: ID!) { quoteRequest(id: $id) { id } }"


async def world_with(world: World, share: str) -> ApiAtHand:
    world.write_insurers("sever")
    world.set(watch_share=share)
    return await world.api()


def id_of(accepted: Mapping[str, Any]) -> str:
    return accepted["quoteRequest"]["id"]


async def refused(socket: Socket, query: str, variables: dict[str, Any], id_: str = "x") -> dict[str, Any]:
    """The extensions of the one error that an operation ends with."""
    await socket.subscribe(query, variables, id_=id_)
    message = await socket.receive()
    assert (message["id"], message["type"]) == (id_, "error"), message
    return message["payload"][0]["extensions"]


async def rest(api: ApiAtHand, path: str, token: str) -> httpx.Response:
    async with plain_http() as http:
        return await http.get(f"{api.url}/osago/quotes/{path}", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("query", [WATCH, ODD])
async def test_subscriptions_of_one_browser_have_a_limit_over_all_doors(world: World, query: str) -> None:
    """Two sockets with two tokens of one request; then SSE and the plain WebSocket; a neighbour and a service go on."""
    api = await world_with(world, "4,16,100/s")
    mine, neighbours = await world.accepted(api), await world.accepted(api, clientReference="2")
    again = api.services.tokens.watch_token(UUID(id_of(mine)))
    variables = {"id": id_of(mine), "no": False}
    async with AsyncExitStack() as stack:
        first, second, other, service = [await stack.enter_async_context(opened(api.graphql)) for _ in range(4)]
        await first.init(mine["watchToken"])
        await second.init(again)
        for number in range(2):
            await first.subscribe(query, variables, id_=str(number))
            await second.subscribe(query, variables, id_=str(number))
        await until(lambda: api.services.live.subscriptions == 4)
        error = await refused(second, query, variables)
        assert (error["code"], error["retryAfterSeconds"]) == ("OVERLOADED", 1.0)
        events = await rest(api, f"{id_of(mine)}/events", mine["watchToken"])
        assert (events.status_code, events.json()["code"], events.headers["retry-after"]) == (429, "OVERLOADED", "1")
        plain = await stack.enter_async_context(
            connect(f"{api.url.replace('http', 'ws', 1)}/osago/quotes/{id_of(mine)}/stream")
        )
        await plain.send(json.dumps({"token": again}))
        assert json.loads(await plain.recv())["code"] == "OVERLOADED"
        await plain.wait_closed()
        assert plain.close_code == 1013
        await other.init(neighbours["watchToken"])
        await other.subscribe(query, {"id": id_of(neighbours), "no": False})
        await service.init(api.token)
        for number in range(10):
            await service.subscribe(query, variables, id_=str(number))
        await until(lambda: api.services.live.subscriptions == 15)
        await first.send({"id": "0", "type": "complete"})
        await until(lambda: api.services.live.subscriptions == 14)
        await second.subscribe(query, variables, id_="y")
        await until(lambda: api.services.live.subscriptions == 15)
    await until(lambda: api.services.live.subscriptions == 0)
    assert all(share.subscriptions == 0 for share in api.services.shares._shares.values())


async def test_sockets_of_one_browser_have_a_limit(world: World) -> None:
    """Whichever token of the request they show; streams of events count among them."""
    api = await world_with(world, "32,2,100/s")
    mine, neighbours = await world.accepted(api), await world.accepted(api, clientReference="2")
    again = api.services.tokens.watch_token(UUID(id_of(mine)))
    async with AsyncExitStack() as stack:
        first, second, third, other = [await stack.enter_async_context(opened(api.graphql)) for _ in range(4)]
        await first.init(mine["watchToken"])
        await second.init(again)
        await third.send({"type": "connection_init", "payload": {"token": again}})
        assert (await third.closed())[0] == 1013
        assert (await rest(api, f"{id_of(mine)}/events", again)).status_code == 429
        await other.init(neighbours["watchToken"])
        await first.connection.close()
        await until(lambda: api.services.sockets.open == 2)
        fourth = await stack.enter_async_context(opened(api.graphql))
        await fourth.init(mine["watchToken"])


async def test_queries_of_one_browser_have_a_rate(world: World) -> None:
    """Known documents, new ones and wrong ones, over HTTP, REST and the socket together; services have none."""
    api = await world_with(world, "32,16,6/h")
    mine = await world.accepted(api)
    token, variables = mine["watchToken"], {"id": id_of(mine)}
    assert (await api.post(LOOK, variables, token=token)).json()["data"]["quoteRequest"]
    for wrong in ("{", "{ nothing }", LOOK):
        await api.post(wrong, variables, token=token)
    assert (await rest(api, id_of(mine), token)).status_code == 200
    async with opened(api.graphql) as socket:
        await socket.init(token)
        await socket.subscribe(LOOK, variables)
        assert (await socket.receive())["type"] == "next"
        await socket.receive()
        assert (await refused(socket, LOOK, variables))["code"] == "OVERLOADED"
        assert (await refused(socket, "{ __typename }", {}))["retryAfterSeconds"] > 0
        answer = await api.post(LOOK, variables, token=token)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (429, "OVERLOADED")
        assert int(answer.headers["retry-after"]) > 60
        assert (await rest(api, id_of(mine), token)).status_code == 429
    for _ in range(10):
        assert (await api.post(LOOK, variables)).json()["data"]["quoteRequest"]


async def test_each_open_request_of_a_customer_is_a_subscription(world: World) -> None:
    """`customerQuotes` counts each of them; a customer's token has eight times a watch token's share, and no more."""
    api = await world_with(world, "1,16,10/s")
    create = 'mutation { createCustomerToken(customerId: "customer-1") { token } }'
    tokens = [(await api.post(create)).json()["data"]["createCustomerToken"]["token"] for _ in range(2)]
    await asyncio.gather(*(world.accepted(api, clientReference=str(number)) for number in range(5)))
    async with opened(api.graphql) as first, opened(api.graphql) as second:
        await first.init(tokens[0])
        await second.init(tokens[1])
        await first.subscribe(CUSTOMER)
        await until(lambda: api.services.live.subscriptions == 5)
        assert (await refused(second, CUSTOMER, {}))["code"] == "OVERLOADED"
        await until(lambda: api.services.live.subscriptions == 5)
