"""Subscriptions that have no task: what is promised of any subscription holds for them, in any company."""

import gc
from collections import Counter, defaultdict
from typing import Any

import pytest
import structlog
from support.socket import Socket, opened
from support.until import until
from support.world import ApiAtHand, SettlerAtHand, World

from app.api.compiled.subscription_plan import CompiledSubscription

INSURERS = ("sever", "volga", "zarya")
SIMPLE = """subscription Q($requestId: ID!, $after: String) { quotes(requestId: $requestId, after: $after) {
  __typename ... on QuoteReceived { cursor quote { insurer { id } status } progress { answered total } }
  ... on QuotesCompleted { cursor outcome } } }"""
NOT_SIMPLE = SIMPLE.replace("cursor quote", "cursor cursor quote")
ALIASED = SIMPLE.replace("quotes(", "watched: quotes(").replace("{ cursor quote", "{ place: cursor quote")
CYCLES = 200


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers(*INSURERS)
    return await world.api()


@pytest.fixture
async def accepted(world: World, api: ApiAtHand) -> dict[str, Any]:
    return await world.accepted(api)


async def watch(socket: Socket, accepted: dict[str, Any], id_: str, query: str = SIMPLE, **variables: Any) -> None:
    await socket.subscribe(query, {"requestId": accepted["quoteRequest"]["id"], **variables}, id_=id_)


async def until_complete(socket: Socket, *ids: str) -> dict[str, list[Any]]:
    """The data of each operation, in order, until all of them are complete."""
    results: dict[str, list[Any]] = defaultdict(list)
    left = set(ids)
    while left:
        message = await socket.receive()
        if message["type"] == "complete":
            left.remove(message["id"])
        else:
            assert message["id"] in left, "something comes after the end"
            results[message["id"]].append(message["payload"]["data"])
    return results


async def test_every_kind_of_document_gets_the_same_events(
    api: ApiAtHand, accepted: dict[str, Any], settler: SettlerAtHand
) -> None:
    """In the same order, each once, then complete: written out, shared, under another name, or run by graphql-core."""
    async with opened(api.graphql) as socket:
        await socket.init(accepted["watchToken"])
        for id_, query in {"1": SIMPLE, "2": SIMPLE, "3": ALIASED, "4": NOT_SIMPLE}.items():
            await watch(socket, accepted, id_, query)
        await until(lambda: api.services.live.subscriptions == 4)
        for insurer in INSURERS:
            await settler.settle(accepted, insurer)
        results = await until_complete(socket, "1", "2", "3", "4")
    *quotes, end = results["1"]
    assert [one["quotes"]["quote"]["insurer"]["id"] for one in quotes] == list(INSURERS)
    assert [one["quotes"]["progress"]["answered"] for one in quotes] == [1, 2, 3]
    assert end["quotes"]["outcome"] == "ALL_ANSWERED"
    assert results["2"] == results["4"] == results["1"]
    assert [one["watched"].get("place") for one in results["3"]] == [one["quotes"]["cursor"] for one in quotes] + [None]
    assert api.services.live.subscriptions == 0


async def test_subscribers_of_one_request_each_have_their_own_place(
    api: ApiAtHand, accepted: dict[str, Any], settler: SettlerAtHand
) -> None:
    """An encoded event is reused for a subscriber only if it is at the same position."""
    async with opened(api.graphql) as socket:
        await socket.init(accepted["watchToken"])
        await watch(socket, accepted, "all")
        await settler.settle(accepted, "sever")
        cursor = (await socket.receive())["payload"]["data"]["quotes"]["cursor"]
        await watch(socket, accepted, "rest", after=cursor)
        await watch(socket, accepted, "again")
        assert (await socket.receive())["id"] == "again"
        await settler.settle(accepted, "volga")
        await settler.settle(accepted, "zarya")
        results = await until_complete(socket, "all", "rest", "again")
    assert [len(results[id_]) for id_ in ("all", "rest", "again")] == [3, 3, 3]
    assert results["rest"] == results["all"] == results["again"]


async def test_who_completes_midway_hears_nothing_more(
    api: ApiAtHand, accepted: dict[str, Any], settler: SettlerAtHand
) -> None:
    """The others on the socket go on, and the id may be used again from where it was."""
    async with opened(api.graphql) as socket:
        await socket.init(accepted["watchToken"])
        await watch(socket, accepted, "1")
        await watch(socket, accepted, "2")
        await until(lambda: api.services.live.subscriptions == 2)
        await settler.settle(accepted, "sever")
        first, second = await socket.receive(), await socket.receive()
        assert first["payload"] == second["payload"]
        await socket.send({"id": "1", "type": "complete"})
        await until(lambda: api.services.live.subscriptions == 1)
        await settler.settle(accepted, "volga")
        assert (await socket.receive())["id"] == "2"
        await watch(socket, accepted, "1", after=first["payload"]["data"]["quotes"]["cursor"])
        assert (await socket.receive())["payload"]["data"]["quotes"]["quote"]["insurer"]["id"] == "volga"
        await settler.settle(accepted, "zarya")
        results = await until_complete(socket, "1", "2")
    assert results["1"] == results["2"]


@pytest.mark.parametrize("id_", ['"', "\\", "\x00\x1f", "\u2028</script>", "Ы 🚗", "a" * 128])
async def test_any_id_comes_back_as_it_was(
    api: ApiAtHand, accepted: dict[str, Any], settler: SettlerAtHand, id_: str
) -> None:
    """The client chooses the ids; the server sends them back unchanged."""
    await settler.settle(accepted, *INSURERS)
    async with opened(api.graphql) as socket:
        await socket.init(accepted["watchToken"])
        await watch(socket, accepted, id_)
        assert len((await until_complete(socket, id_))[id_]) == 4


@pytest.mark.parametrize(
    "variables",
    [{}, {"requestId": None}, {"requestId": 1.5}, {"requestId": "x", "after": 1}, {"requestId": "x", "after": ["y"]}],
)
async def test_errors_of_variables_are_those_of_graphql_core(api: ApiAtHand, variables: dict[str, Any]) -> None:
    """Plans and graphql-core give the same error."""
    messages: list[dict[str, Any]] = []
    async with opened(api.graphql) as socket:
        await socket.init(api.token)
        for query in (SIMPLE, NOT_SIMPLE):
            await socket.subscribe(query, variables)
            messages.append(await socket.receive())
    assert messages[0] == messages[1]
    assert messages[0]["type"] == "error"


async def test_another_ones_request_is_not_there(world: World, api: ApiAtHand, accepted: dict[str, Any]) -> None:
    """Every kind of document gives the same error, and leaves no subscription behind."""
    other = await world.accepted(api)
    async with opened(api.graphql) as socket:
        await socket.init(other["watchToken"])
        for query in (SIMPLE, NOT_SIMPLE):
            await watch(socket, accepted, "1", query)
            message = await socket.receive()
            assert (message["type"], message["payload"][0]["extensions"]) == ("error", {"code": "NOT_FOUND"})
    assert api.services.live.subscriptions == 0


async def test_a_bug_in_writing_ends_one_operation(
    api: ApiAtHand, accepted: dict[str, Any], settler: SettlerAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Masked, with a line in the log; the operations beside it go on."""

    def broken(*_: object) -> dict[str, Any]:
        raise ZeroDivisionError("secret")

    async with opened(api.graphql) as socket:
        await socket.init(accepted["watchToken"])
        await watch(socket, accepted, "broken")
        await watch(socket, accepted, "whole", NOT_SIMPLE)
        await until(lambda: api.services.live.subscriptions == 2)
        monkeypatch.setattr(CompiledSubscription, "write", broken)
        with structlog.testing.capture_logs() as lines:
            await settler.settle(accepted, *INSURERS)
            messages = [await socket.receive() for _ in range(6)]
    [error] = [message for message in messages if message["id"] == "broken"]
    assert (error["type"], error["payload"][0]["extensions"]["code"]) == ("error", "INTERNAL")
    assert [message["type"] for message in messages if message["id"] == "whole"] == ["next"] * 4 + ["complete"]
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["operation.failed"]


async def test_a_server_that_knows_no_peers_serves_too(
    world: World, api: ApiAtHand, settler: SettlerAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the server's own interface the subscription runs over ASGI."""
    monkeypatch.setattr("app.api.websocket.graphql_socket.peer_of", lambda _scope: None)
    accepted = await world.accepted(api)
    async with opened(api.graphql) as socket:
        await socket.init(accepted["watchToken"])
        await watch(socket, accepted, "1")
        await settler.settle(accepted, *INSURERS)
        assert len((await until_complete(socket, "1"))["1"]) == 4


async def test_who_hears_no_bell_finds_what_postgresql_knows(
    world: World, api: ApiAtHand, accepted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notification may be lost: after five seconds of silence the subscription reads from PostgreSQL."""
    monkeypatch.setattr("app.watch.hub.LOOK_EVERY_S", 0.05)
    async with opened(api.graphql) as socket:
        await socket.init(accepted["watchToken"])
        await watch(socket, accepted, "1")
        await until(lambda: api.services.live.subscriptions == 1)
        await world.database.fetch(
            "INSERT INTO osago_quotes VALUES ($1, 'sever', 'TIMED_OUT', NULL, $2, now())",
            accepted["quoteRequest"]["id"],
            '{"code": "NO_ANSWER_IN_TIME"}',
        )
        message = await socket.receive()
    assert message["payload"]["data"]["quotes"]["quote"] == {"insurer": {"id": "sever"}, "status": "TIMED_OUT"}


async def test_subscribing_and_completing_leaves_nothing_behind(api: ApiAtHand, accepted: dict[str, Any]) -> None:
    """No object stays, however often a client subscribes. Only types that grow with each cycle count."""
    async with opened(api.graphql) as socket:
        await socket.init(accepted["watchToken"])

        async def cycles() -> Counter[type]:
            for number in range(CYCLES):
                await watch(socket, accepted, str(number))
                await until(lambda: api.services.live.subscriptions == 1)
                await socket.send({"id": str(number), "type": "complete"})
                await until(lambda: api.services.live.subscriptions == 0)
            gc.collect()
            return Counter(map(type, gc.get_objects()))

        await cycles()
        before = await cycles()
        after = await cycles()
    assert {kind: grown for kind, grown in (after - before).items() if grown >= CYCLES // 2} == {}
