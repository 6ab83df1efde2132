"""graphql-transport-ws: every misuse has its code, and an operation's own fault closes nothing."""

import contextlib
from collections.abc import AsyncGenerator
from uuid import uuid4

import pytest
import structlog
from support.socket import Socket, opened
from support.until import until
from support.world import ApiAtHand, World
from websockets.exceptions import NegotiationError

INSURERS = "{ insurers { id } }"


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers("sever", "volga")
    return await world.api()


@pytest.fixture
async def socket(api: ApiAtHand) -> AsyncGenerator[Socket, None]:
    async with opened(api.graphql) as made:
        await made.init(api.token)
        yield made


async def test_queries_and_mutations_go_over_a_socket_too(socket: Socket) -> None:
    """The operation has one result, then it is complete."""
    await socket.subscribe(INSURERS)
    assert await socket.receive() == {
        "id": "1",
        "type": "next",
        "payload": {"data": {"insurers": [{"id": "sever"}, {"id": "volga"}]}},
    }
    assert await socket.receive() == {"id": "1", "type": "complete"}


async def test_a_ping_is_answered_with_its_payload(socket: Socket) -> None:
    """A pong comes also while operations run."""
    await socket.send({"type": "ping", "payload": {"at": 1}})
    assert await socket.receive() == {"type": "pong", "payload": {"at": 1}}
    await socket.send({"type": "pong"})
    await socket.send({"type": "ping"})
    assert await socket.receive() == {"type": "pong"}


@pytest.mark.parametrize("query", ["{", "{ nothing }", "query A { insurers { id } } query B { insurers { id } }", ""])
async def test_a_wrong_document_is_an_error_of_its_operation(socket: Socket, query: str) -> None:
    """The socket and the other operations on it go on."""
    await socket.subscribe(query, id_="wrong")
    message = await socket.receive()
    assert (message["id"], message["type"]) == ("wrong", "error")
    assert message["payload"][0]["extensions"]["code"] == "BAD_REQUEST"
    await socket.subscribe(INSURERS, id_="wrong")
    assert (await socket.receive())["type"] == "next"


async def test_a_request_that_is_not_there_is_an_error_with_a_code(socket: Socket) -> None:
    """A request of another caller gives the same error."""
    for request_id in (str(uuid4()), "no id at all"):
        await socket.watch(request_id)
        message = await socket.receive()
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"] == {"code": "NOT_FOUND"}


@pytest.mark.parametrize(
    "frame", ["", "{", "[]", "null", '"x"', '{"type":"data"}', '{"type":"subscribe","id":[]}', b"{}"]
)
async def test_a_malformed_frame_closes_with_4400(socket: Socket, frame: str | bytes) -> None:
    """The code is the protocol's, never 1006."""
    await socket.send(frame)
    assert (await socket.closed())[0] == 4400


async def test_a_second_init_closes_with_4429(socket: Socket) -> None:
    await socket.send({"type": "connection_init"})
    assert (await socket.closed())[0] == 4429


async def test_an_id_that_is_taken_closes_with_4409(world: World, api: ApiAtHand, socket: Socket) -> None:
    """With one id for two operations, results could not be assigned."""
    accepted = await world.accepted(api)
    for _ in range(2):
        await socket.watch(accepted["quoteRequest"]["id"])
    assert (await socket.closed())[0] == 4409


async def test_a_subscription_before_the_init_closes_with_4401(api: ApiAtHand) -> None:
    async with opened(api.graphql) as made:
        await made.subscribe(INSURERS)
        assert (await made.closed())[0] == 4401


@pytest.mark.parametrize("payload", [{}, {"token": "forged"}, {"token": 1}, {"Authorization": "Basic x"}])
async def test_without_a_good_token_the_socket_closes_with_4403(api: ApiAtHand, payload: dict[str, object]) -> None:
    """Clients come back after it, with a fresh one."""
    async with opened(api.graphql) as made:
        await made.send({"type": "connection_init", "payload": payload})
        assert (await made.closed())[0] == 4403


async def test_a_token_may_come_as_a_header(api: ApiAtHand) -> None:
    """GraphiQL and service clients send it so."""
    async with opened(api.graphql) as made:
        await made.send({"type": "connection_init", "payload": {"Authorization": f"Bearer {api.token}"}})
        assert await made.receive() == {"type": "connection_ack"}


async def test_a_silent_socket_is_closed_with_4408(
    world: World, monkeypatch: pytest.MonkeyPatch, api: ApiAtHand
) -> None:
    """The init has to come within its time."""
    monkeypatch.setattr("app.api.websocket.graphql_socket.INIT_S_MAX", 0.05)
    async with opened(api.graphql) as made:
        assert (await made.closed())[0] == 4408


@pytest.mark.parametrize("protocol", ["", "graphql-ws"])
async def test_another_protocol_is_not_spoken(api: ApiAtHand, protocol: str) -> None:
    """4406, and the legacy protocol is another one."""
    with contextlib.suppress(NegotiationError):  # some clients close before the server does
        async with opened(api.graphql, protocol) as made:
            assert (await made.closed())[0] == 4406


async def test_operations_on_a_socket_have_a_limit(world: World, api: ApiAtHand, socket: Socket) -> None:
    """The operation above the limit ends with an error, the others go on."""
    accepted = await world.accepted(api)
    for number in range(101):
        await socket.watch(accepted["quoteRequest"]["id"], id_=str(number))
    message = await socket.receive()
    assert (message["id"], message["type"]) == ("100", "error")
    assert message["payload"][0]["extensions"]["code"] == "OVERLOADED"


async def test_a_subscription_that_is_completed_by_its_client_is_gone(
    world: World, api: ApiAtHand, socket: Socket
) -> None:
    """The subscription has left the hub, and its id is free."""
    accepted = await world.accepted(api)
    live = api.services.live
    await socket.watch(accepted["quoteRequest"]["id"])
    await until(lambda: live.subscriptions == 1)
    await socket.send({"id": "1", "type": "complete"})
    await until(lambda: live.subscriptions == 0)
    await socket.watch(accepted["quoteRequest"]["id"])
    await until(lambda: live.subscriptions == 1)
    await socket.connection.close()
    await until(lambda: live.subscriptions == 0)


async def test_an_error_of_ours_is_masked_and_leads_to_the_log(
    api: ApiAtHand, socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cause of the fault stays in the log; the caller gets the id of the line."""

    def broken(_self: object, *_: object) -> object:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("app.api.schema.queries.request_id_of", broken)
    with structlog.testing.capture_logs() as lines:
        await socket.subscribe('{ quoteRequest(id: "x") { id } }')
        message = await socket.receive()
    [error] = message["payload"]["errors"] if message["type"] == "next" else message["payload"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert "secret" not in str(message)
    [line] = [line for line in lines if line["event"] == "operation.failed"]
    assert error["extensions"]["requestId"] == line["request_id"]
