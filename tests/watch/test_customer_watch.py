"""One subscription for all requests of a customer."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from support.socket import Socket, opened
from support.stalls import machine_stall
from support.until import until
from support.world import SECRET, ApiAtHand, SettlerAtHand, World

from app.api.auth.tokens import Tokens
from app.redis import keys
from app.runtime.clock import Clock
from app.runtime.group_commit import DataRefused
from app.watch import customer_watch

INSURERS: Final = ("sever", "volga")
WATCH: Final = """subscription W($customerId: ID!) { customerQuotes(customerId: $customerId) { __typename
  ... on QuoteReceived { cursor requestId quote { id insurer { id } } progress { answered total } }
  ... on QuotesCompleted { cursor requestId outcome } } }"""
TOKEN: Final = "mutation T($id: ID!) { createCustomerToken(customerId: $id) { token expiresAt } }"
REQUEST: Final = "query Q($id: ID!) { quoteRequest(id: $id) { id } }"


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers(*INSURERS)
    return await world.api()


async def customer_token(api: ApiAtHand, customer_id: str = "customer-1") -> str:
    body = (await api.post(TOKEN, {"id": customer_id})).json()
    return body["data"]["createCustomerToken"]["token"]


@asynccontextmanager
async def watching(api: ApiAtHand, token: str, customer_id: str = "customer-1") -> AsyncGenerator[Socket, None]:
    """A socket that watches a customer, and is heard of by its API."""
    async with opened(api.graphql) as socket:
        before = listeners(api)
        await socket.init(token)
        await socket.subscribe(WATCH, {"customerId": customer_id})
        await until(lambda: listeners(api) > before)
        yield socket


def listeners(api: ApiAtHand) -> int:
    return sum(map(len, api.services.customers._listeners.values()))


async def event_of(socket: Socket) -> dict[str, Any]:
    message = await socket.receive()
    assert message["type"] == "next", message
    return message["payload"]["data"]["customerQuotes"]


async def answer_of(socket: Socket) -> tuple[str, str]:
    """The request and the insurer of the next answer."""
    event = await event_of(socket)
    return event["requestId"], event["quote"]["insurer"]["id"]


def id_of(accepted: dict[str, Any]) -> str:
    return accepted["quoteRequest"]["id"]


async def test_open_requests_come_first_and_new_ones_as_they_begin(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """The subscription stays open when a request has ended."""
    other = await world.api()
    first = await world.accepted(api)
    await settler.settle(first, "sever")
    async with watching(api, await customer_token(api)) as socket:
        assert await answer_of(socket) == (id_of(first), "sever")
        second = await world.accepted(other)  # at another process
        await settler.settle(second, "volga")
        assert await answer_of(socket) == (id_of(second), "volga")
        await settler.settle(first, "volga")
        assert await answer_of(socket) == (id_of(first), "volga")
        end = await event_of(socket)
        assert (end["requestId"], end["outcome"]) == (id_of(first), "ALL_ANSWERED")
        await settler.settle(second, "sever")
        assert await answer_of(socket) == (id_of(second), "sever")
        assert (await event_of(socket))["requestId"] == id_of(second)
        third = await world.accepted(api)
        await settler.settle(third, "sever")
        assert await answer_of(socket) == (id_of(third), "sever")
    await until(lambda: api.services.live.subscriptions == 0 and listeners(api) == 0)


async def never() -> None:
    """Looks for nothing."""


async def test_a_ring_brings_a_new_request_without_a_look(
    world: World, api: ApiAtHand, settler: SettlerAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ring's own content is enough: PostgreSQL is not asked in between."""
    monkeypatch.setattr(api.services.customers, "_look_for_all", never)
    async with watching(api, api.token) as socket:
        await until(lambda: api.services.live.notifier.is_connected)
        accepted = await world.accepted(api)
        await settler.settle(accepted, "sever")
        assert await answer_of(socket) == (id_of(accepted), "sever")


async def test_without_redis_new_requests_are_found_all_the_same(world: World) -> None:
    """The subscription finds them in PostgreSQL, a second later."""
    world.write_insurers(*INSURERS)
    settler = await world.settler()
    world.set(redis_url="redis://127.0.0.1:1/0")
    api = await world.api()
    async with watching(api, api.token) as socket:
        accepted = await world.accepted(api)
        await settler.settle(accepted, "sever")
        assert await answer_of(socket) == (id_of(accepted), "sever")


async def test_after_a_reconnect_open_requests_come_again_and_ended_ones_can_be_resumed(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """A customer token opens each request of the customer too; its cursors are the same."""
    ended, still_open = await world.accepted(api), await world.accepted(api)
    token = await customer_token(api)
    async with watching(api, token) as socket:
        await settler.settle(ended, "sever")
        cursor = (await event_of(socket))["cursor"]
    await settler.settle(ended, "volga")
    await settler.settle(still_open, "sever")
    async with watching(api, token) as socket:
        assert await answer_of(socket) == (id_of(still_open), "sever")
        await socket.watch(id_of(ended), cursor, id_="2")
        messages = [await socket.receive() for _ in range(3)]
    assert [message["id"] for message in messages] == ["2", "2", "2"]
    assert messages[0]["payload"]["data"]["quotes"]["quote"]["insurer"]["id"] == "volga"
    assert messages[1]["payload"]["data"]["quotes"]["outcome"] == "ALL_ANSWERED"
    assert messages[2]["type"] == "complete"


async def test_another_customers_requests_stay_unseen(world: World, api: ApiAtHand, settler: SettlerAtHand) -> None:
    """Also if both customers have the same mark in the ring, and if another service has a customer of that name."""
    twin = next(f"c{n}" for n in range(10**7) if keys.customer_mark("core-app", f"c{n}") == MARK)
    async with watching(api, await customer_token(api)) as socket:
        foreign = await world.accepted(api, customerId=twin)
        elsewhere = ApiAtHand(api.url, world.token("another-app"), api.services)
        other = await world.accepted(elsewhere)
        await settler.settle(foreign, *INSURERS)
        await settler.settle(other, *INSURERS)
        ours = await world.accepted(api)
        await settler.settle(ours, "sever")
        assert await answer_of(socket) == (id_of(ours), "sever")
    token = await customer_token(api)
    assert (await api.post(REQUEST, {"id": id_of(ours)}, token=token)).json()["data"]["quoteRequest"]
    for hidden in (foreign, other):
        assert (await api.post(REQUEST, {"id": id_of(hidden)}, token=token)).json()["data"] == {"quoteRequest": None}


MARK: Final = keys.customer_mark("core-app", "customer-1")


async def test_a_request_without_answers_ends_in_time_here_too(world: World, api: ApiAtHand) -> None:
    """No worker is alive, and the other request is still open."""
    long = await world.accepted(api)
    world.set(quote_deadline="5s")
    hurried = await world.api()
    async with watching(hurried, hurried.token) as socket:
        with machine_stall(*world.server_pids) as stall:
            accepted = await world.accepted(hurried)
            events = [await event_of(socket) for _ in range(3)]
            ended_at = datetime.now(UTC)
    assert {event["requestId"] for event in events} == {id_of(accepted)}
    assert events[-1]["outcome"] == "DEADLINE"
    expires_at = datetime.fromisoformat(accepted["quoteRequest"]["expiresAt"])
    assert ended_at <= expires_at + timedelta(seconds=stall.seconds)
    assert id_of(long) != id_of(accepted)


async def test_who_may_watch_a_customer(world: World, api: ApiAtHand) -> None:
    """A service its own customers', a browser the one customer of its token; a watch token none."""
    accepted = await world.accepted(api)
    tokens = Tokens(SECRET, Clock(), watch_ttl_s=-1)
    refused = [
        (accepted["watchToken"], "customer-1"),
        (await customer_token(api), "customer-2"),
        (world.token(scope="quotes:write"), "customer-1"),
    ]
    for token, customer_id in refused:
        async with opened(api.graphql) as socket:
            await socket.init(token)
            await socket.subscribe(WATCH, {"customerId": customer_id})
            assert (await socket.receive())["payload"][0]["extensions"] == {"code": "FORBIDDEN"}
    async with opened(api.graphql) as socket:
        await socket.send(
            {"type": "connection_init", "payload": {"token": tokens.customer_token("core-app", "customer-1")[0]}}
        )
        assert (await socket.closed())[0] == 4403


async def test_a_customer_token_is_a_services_to_give(world: World, api: ApiAtHand) -> None:
    """It holds as long as a watch token, and changes nothing."""
    body = (await api.post(TOKEN, {"id": "customer-1"})).json()["data"]["createCustomerToken"]
    left = datetime.fromisoformat(body["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    for token in (body["token"], (await world.accepted(api))["watchToken"], world.token(scope="quotes:write")):
        [error] = (await api.post(TOKEN, {"id": "customer-1"}, token=token)).json()["errors"]
        assert error["extensions"] == {"code": "FORBIDDEN"}
    [error] = (await api.post(TOKEN, {"id": "Иванов Иван"})).json()["errors"]
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    assert "Иванов" not in error["message"]


async def test_a_customer_with_more_open_requests_than_are_followed_gets_to_the_rest(
    world: World, api: ApiAtHand, settler: SettlerAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It follows the next one as soon as one of the first has ended."""
    monkeypatch.setattr(customer_watch, "OPEN_MAX", 2)
    monkeypatch.setattr(customer_watch, "LOOK_EVERY_S", 0)
    accepted = [await world.accepted(api) for _ in range(3)]
    for one in accepted:
        await settler.settle(one, "sever")
    async with watching(api, api.token) as socket:
        assert [await answer_of(socket) for _ in range(2)] == [(id_of(one), "sever") for one in accepted[:2]]
        await settler.settle(accepted[1], "volga")
        assert await answer_of(socket) == (id_of(accepted[1]), "volga")
        assert (await event_of(socket))["requestId"] == id_of(accepted[1])
        assert await answer_of(socket) == (id_of(accepted[2]), "sever")


@pytest.mark.parametrize("customer_id", ["\u0000", "", "a b", "x" * 200])
async def test_what_no_customer_can_be_called_is_refused(api: ApiAtHand, customer_id: str) -> None:
    """With what is wrong, before PostgreSQL is asked."""
    async with opened(api.graphql) as socket:
        await socket.init(api.token)
        await socket.subscribe(WATCH, {"customerId": customer_id})
        message = await socket.receive()
    assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "BAD_REQUEST")
    assert listeners(api) == 0


async def test_a_look_that_fails_costs_no_other_subscription_its_own(
    world: World, api: ApiAtHand, settler: SettlerAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever PostgreSQL refuses of one of them."""
    watches = api.services.customers
    look, look_for_all = watches._looks.submit, watches._look_for_all

    async def refused_to_one(listener: Any) -> Any:
        if listener.customer[1] == "refused":
            raise DataRefused
        return await look(listener)

    monkeypatch.setattr(watches, "_look_for_all", never)
    for shard in range(world.settings.shards):
        monkeypatch.setitem(api.services.live.notifier._listeners, keys.accepted(shard), lambda _: None)
    async with watching(api, api.token, "refused"), watching(api, api.token) as socket:
        monkeypatch.setattr(watches._looks, "submit", refused_to_one)
        accepted = await world.accepted(api)
        await settler.settle(accepted, "sever")
        await look_for_all()
        assert await answer_of(socket) == (id_of(accepted), "sever")
