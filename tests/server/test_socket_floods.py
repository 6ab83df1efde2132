"""One WebSocket that floods: it is closed with a code that says so, after a bounded number of frames, and parsed in turns."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from support.raw_http import (
    CONTINUATION,
    HANDSHAKE,
    PING,
    PONG,
    TEXT,
    RawConnection,
    close_code,
    frame,
    frames_in,
    raw_connection,
)
from support.world import ApiAtHand, World

from app.server.peer_budget import PeerCost
from app.server.websocket_limits import PIECE_BYTES_MAX, WebSocketProtocol
from cli.quote.aggregator_client import WATCH

FLOOD_BYTES = 4 << 20
"""What a flood of the tests would write, if it was let."""
FLOOD, MALFORMED, LATE = 1008, 4400, 4408


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers("sever")
    return await world.api()


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[WebSocketProtocol]:
    """Every WebSocket that the server has had."""
    seen: list[WebSocketProtocol] = []
    made = WebSocketProtocol.connection_made

    def noted(self: WebSocketProtocol, transport: Any) -> None:
        seen.append(self)
        made(self, transport)

    monkeypatch.setattr(WebSocketProtocol, "connection_made", noted)
    return seen


def message(text: Any) -> bytes:
    return frame(TEXT, json.dumps(text).encode())


async def initialised(connection: RawConnection, token: str) -> None:
    await connection.shake_hands()
    connection.write(message({"type": "connection_init", "payload": {"token": token}}))
    assert b"connection_ack" in await connection.reader.readuntil(b"}")


SMALL = {
    "empty pings": (b"", frame(PING) * 20_000, FLOOD),
    "full pings": (b"", frame(PING, b"x" * 125) * 500, FLOOD),
    "pongs": (b"", frame(PONG) * 20_000, FLOOD),
    "pings and pongs in turns": (b"", (frame(PING) + frame(PONG, b"y")) * 10_000, FLOOD),
    "empty continuations": (frame(TEXT, fin=False), frame(CONTINUATION, fin=False) * 20_000, FLOOD),
    "continuations of one byte": (frame(TEXT, b" ", fin=False), frame(CONTINUATION, b" ", fin=False) * 10_000, FLOOD),
    "pings between continuations": (
        frame(TEXT, b" ", fin=False),
        (frame(CONTINUATION, b" ", fin=False) + frame(PING)) * 10_000,
        FLOOD,
    ),
    "empty texts": (b"", frame(TEXT) * 20_000, None),
    "empty texts in two fragments": (b"", (frame(TEXT, fin=False) + frame(CONTINUATION)) * 10_000, None),
    "pings of GraphQL": (b"", message({"type": "ping"}) * 2000, FLOOD),
    "pongs of GraphQL": (b"", message({"type": "pong"}) * 2000, FLOOD),
}


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("has_token", [False, True], ids=["without a token", "with one"])
async def test_a_flood_of_frames_closes_the_socket(api: ApiAtHand, kind: str, has_token: bool) -> None:  # noqa: FBT001
    """The rule holds before and after `connection_init`; the code is readable, and answers stay within the budget."""
    first, piece, code = SMALL[kind]
    async with raw_connection(api.url) as connection:
        await (initialised(connection, api.token) if has_token else connection.shake_hands())
        connection.write(first)
        _, received = await connection.flood(piece, FLOOD_BYTES)
    assert close_code(received) in ({code} if code else {FLOOD, MALFORMED})
    answers = [one for one in frames_in(received) if one[0] in {PONG, TEXT}]
    assert len(answers) <= PeerCost.CONTROL_FRAME.value.at_once + PIECE_BYTES_MAX // len(frame(PING))


async def test_completing_what_does_not_run_is_a_flood_too(api: ApiAtHand) -> None:
    """Each costs a decoding, and has no effect."""
    async with raw_connection(api.url) as connection:
        await initialised(connection, api.token)
        _, received = await connection.flood(message({"type": "complete", "id": "x"}) * 1000, FLOOD_BYTES)
    assert close_code(received) == FLOOD


async def test_a_stream_without_graphql_has_the_same_budget(world: World, api: ApiAtHand) -> None:
    """It wants nothing of its client after the token."""
    accepted = await world.accepted(api)
    path = f"/osago/quotes/{accepted['quoteRequest']['id']}/stream"
    async with raw_connection(api.url) as connection:
        await connection.shake_hands(path)
        connection.write(message({"token": accepted["watchToken"]}))
        _, received = await connection.flood(message({"more": 1}) * 1000, FLOOD_BYTES)
    assert close_code(received) == FLOOD


async def test_subscriptions_that_are_given_up_at_once_are_slowed_down(world: World, api: ApiAtHand) -> None:
    """The socket stays open; beyond the allowance each one waits for its unit to come back."""
    accepted, beyond = await world.accepted(api), 20
    allowance = PeerCost.ABANDONED_OPERATION.value
    payload = {"query": WATCH, "variables": {"requestId": accepted["quoteRequest"]["id"], "after": None}}
    pair = message({"id": "1", "type": "subscribe", "payload": payload}) + message({"type": "complete", "id": "1"})
    loop = asyncio.get_running_loop()
    async with raw_connection(api.url) as connection:
        await initialised(connection, accepted["watchToken"])
        begun_s = loop.time()
        connection.write(pair * (allowance.at_once + beyond) + message({"type": "ping"}))
        async with asyncio.timeout(60):
            await connection.reader.readuntil(b'"pong"')
        # What the pairs themselves take gives units back, too: the moment of the last one is what counts.
        assert loop.time() - begun_s >= (beyond - 1) / allowance.per_s


async def test_a_socket_without_a_token_is_closed_when_its_time_is_up_also_if_it_sends(
    api: ApiAtHand, connections: list[WebSocketProtocol], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moment is checked when bytes arrive, not by a timer alone, which may be late: here it never fires."""
    monkeypatch.setattr("app.api.websocket.graphql_socket.INIT_S_MAX", 3600.0)
    async with raw_connection(api.url) as connection:
        await connection.shake_hands()
        connection.write(frame(PING))
        await connection.reader.readexactly(2)  # the socket has been waited with since
        loop = asyncio.get_running_loop()
        connections[0].budget.expect_authentication(loop.time())
        connection.write(frame(TEXT, b"{", fin=False))
        assert close_code(await connection.rest()) == LATE


async def test_a_socket_with_a_token_is_not_late(api: ApiAtHand, connections: list[WebSocketProtocol]) -> None:
    """The token has come, so no deadline is left."""
    async with raw_connection(api.url) as connection:
        await initialised(connection, api.token)
        assert not connections[0].budget.is_late(1e12)


async def test_a_turn_of_the_loop_parses_one_piece(
    api: ApiAtHand, connections: list[WebSocketProtocol], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One read may bring any number of bytes: a turn takes a piece that lay there, and the first of a new read; then come the others."""
    turns: Counter[int] = Counter()
    turn = 0
    loop = asyncio.get_running_loop()
    parse = WebSocketProtocol._parse

    def tick() -> None:
        nonlocal turn, ticking
        turn += 1
        ticking = loop.call_soon(tick)

    def noted(self: WebSocketProtocol) -> None:
        before = len(self._unparsed)
        parse(self)
        if taken := before - len(self._unparsed):
            assert taken <= PIECE_BYTES_MAX
            turns[turn] += 1

    monkeypatch.setattr(WebSocketProtocol, "_parse", noted)
    async with raw_connection(api.url) as connection:
        await initialised(connection, api.token)
        turns.clear()
        ticking = loop.call_soon(tick)
        text = b" " * 60_000
        connection.write(frame(TEXT, text, fin=False) + frame(CONTINUATION, b"x"))
        assert close_code(await connection.rest()) == MALFORMED
        ticking.cancel()
    assert turns.total() >= len(text) // PIECE_BYTES_MAX
    assert max(turns.values()) <= 2


async def test_messages_of_one_socket_come_one_in_a_turn(api: ApiAtHand, connections: list[WebSocketProtocol]) -> None:
    """A piece holds many; each costs its application something, and other connections come between."""
    turn, seen = 0, []
    loop = asyncio.get_running_loop()

    def tick() -> None:
        nonlocal turn, ticking
        turn += 1
        ticking = loop.call_soon(tick)

    async with raw_connection(api.url) as connection:
        await initialised(connection, api.token)
        inbox: Any = connections[0].queue
        get = inbox.get

        class Noted:
            put_nowait, empty = inbox.put_nowait, inbox.empty

            async def get(self) -> Any:
                got = await get()
                seen.append(turn)
                return got

        connections[0].queue = Noted()
        ticking = loop.call_soon(tick)
        connection.write(message({"type": "ping"}) * 100)
        for _ in range(99):
            await connection.reader.readuntil(b'"pong"')
        ticking.cancel()
    assert len(seen) >= 99
    assert max(Counter(seen).values()) == 1


async def test_a_client_with_much_to_say_is_served(world: World, api: ApiAtHand) -> None:
    """A hundred operations at once, a ping between any two, an answer for each."""
    payload = {"query": "{ insurers { id } }"}
    async with raw_connection(api.url) as connection:
        await initialised(connection, api.token)
        for number in range(100):
            connection.write(message({"id": str(number), "type": "subscribe", "payload": payload}))
            connection.write(message({"type": "ping"}) + frame(PING, b"are you there"))
        ended: set[str] = set()
        received = b""
        async with asyncio.timeout(60):
            while len(ended) < 100:
                received += await connection.reader.read(1 << 16)
                texts = [json.loads(payload) for opcode, payload in frames_in(received) if opcode == TEXT]
                ended = {one["id"] for one in texts if one["type"] == "complete"}
    assert close_code(received) is None


async def test_a_long_message_in_small_fragments_is_read(api: ApiAtHand) -> None:
    """64 bytes each are no flood."""
    text = json.dumps({"type": "ping", "payload": {"long": "x" * 60_000}}).encode()
    async with raw_connection(api.url) as connection:
        await initialised(connection, api.token)
        pieces = [text[place : place + 64] for place in range(0, len(text), 64)]
        connection.write(frame(TEXT, pieces[0], fin=False))
        for piece in pieces[1:-1]:
            connection.write(frame(CONTINUATION, piece, fin=False))
        connection.write(frame(CONTINUATION, pieces[-1]))
        async with asyncio.timeout(20):
            assert b'"pong"' in await connection.reader.readuntil(b'"pong"')


@pytest.mark.parametrize(
    ("head", "status"),
    [(b"POST /graphql HTTP/1.1\r\n", 400), (b"GET /graphql HTTP/1.1\r\n" + b"X-Many: 1\r\n" * 200, 400)],
    ids=["not a GET", "more headers than the handshake takes"],
)
async def test_a_handshake_that_cannot_be_read_is_answered(api: ApiAtHand, head: bytes, status: int) -> None:
    """Without an answer the connection would stay open for ever, without the limits of a socket or a request."""
    lines = (
        b"Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    async with raw_connection(api.url) as connection:
        connection.write(head + lines)
        assert (await connection.answer())[0] // 100 * 100 == status


async def test_frames_before_the_end_of_the_handshake_wait_for_it(api: ApiAtHand) -> None:
    """The answer to a ping must not come before the 101."""
    async with raw_connection(api.url) as connection:
        handshake = HANDSHAKE % (b"/graphql", b"AAAAAAAAAAAAAAAAAAAAAA==")
        connection.write(handshake + frame(PING, b"early") + message({"type": "ping"}))
        assert (await connection.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        async with asyncio.timeout(20):
            assert frames_in(await connection.reader.readexactly(7)) == [(PONG, b"early")]
            await connection.reader.readuntil(b'"pong"')
