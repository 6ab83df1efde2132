"""Requests to GraphQL are answered without ASGI, and a connection behaves as if they were not: order, limits, ends."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from support.stalls import within
from support.world import ApiAtHand, World

from app.api.http.view import GraphQLView
from app.server.http1.direct_http import DirectProtocol
from bench.system import CREATE

OTHER = "query { insurers { id } }"
Answer = tuple[str, dict[str, str], Any]


class Peer:
    """A client that writes what it likes."""

    def __init__(self, api: ApiAtHand, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._token = api.token
        self.reader = reader
        self.writer = writer

    def request(
        self, query: str, variables: Mapping[str, Any] | None = None, *, head: str = "", version: str = "1.1"
    ) -> bytes:
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        lines = f"Host: x\r\nAuthorization: Bearer {self._token}\r\nContent-Type: application/json\r\n{head}"
        return f"POST /graphql HTTP/{version}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def answer(self) -> Answer:
        """Status line, headers, body."""
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 60)).decode()
        status, *lines = head.strip().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return status, headers, json.loads(body) if body else None

    async def is_hung_up_on(self) -> bool:
        with within(3):  # idle connections are kept for five
            return await self.reader.read() == b""


@asynccontextmanager
async def peer_of(api: ApiAtHand) -> AsyncGenerator[Peer, None]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    try:
        yield Peer(api, reader, writer)
    finally:
        writer.close()


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    """It knows CREATE."""
    world.write_insurers("sever", "volga")
    found = await world.api()
    for _ in range(2):
        await found.post(CREATE, {"input": world.new_request()})
    return found


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each request that the view gets: whether it comes from the protocol, without ASGI."""
    ways: list[bool] = []
    handle = GraphQLView.handle

    def noted(self: GraphQLView, head: Any, body: bytes) -> Any:
        ways.append(sys._getframe(1).f_code.co_name == "on_message_complete")
        return handle(self, head, body)

    monkeypatch.setattr(GraphQLView, "handle", noted)
    return ways


def accepted(answer: Answer) -> str:
    status, _, body = answer
    assert status == "HTTP/1.1 200 OK"
    return body["data"]["createQuoteRequest"]["quoteRequest"]["clientReference"]


async def test_a_connection_is_used_again(world: World, api: ApiAtHand, direct: list[bool]) -> None:
    """Known and unknown documents alternate on it."""
    async with peer_of(api) as peer:
        for number in range(3):
            peer.writer.write(peer.request(CREATE, {"input": world.new_request(clientReference=f"a-{number}")}))
            assert accepted(await peer.answer()) == f"a-{number}"
            peer.writer.write(peer.request(OTHER))
            assert len((await peer.answer())[2]["data"]["insurers"]) == 2
    assert direct == [True] * 6


async def test_answers_come_in_the_order_of_the_requests(world: World, api: ApiAtHand, direct: list[bool]) -> None:
    """Three at once: each waits for the answer to the one before it, and then goes its own way."""
    async with peer_of(api) as peer:
        wishes = [{"input": world.new_request(clientReference=f"a-{number}")} for number in range(2)]
        requests = [peer.request(CREATE, wishes[0]), peer.request(OTHER), peer.request(CREATE, wishes[1])]
        peer.writer.write(b"".join(requests))
        assert accepted(await peer.answer()) == "a-0"
        assert "insurers" in (await peer.answer())[2]["data"]
        assert accepted(await peer.answer()) == "a-1"
        peer.writer.write(peer.request(CREATE, {"input": world.new_request(clientReference="a-2")}))
        assert accepted(await peer.answer()) == "a-2"
    assert direct == [True] * 4


async def test_a_request_may_come_in_pieces(world: World, api: ApiAtHand, direct: list[bool]) -> None:
    """Heads and bodies end where they end."""
    async with peer_of(api) as peer:
        request = peer.request(CREATE, {"input": world.new_request(clientReference="a-1")})
        for place in range(0, len(request), 50):
            peer.writer.write(request[place : place + 50])
            await peer.writer.drain()
            await asyncio.sleep(0)
        assert accepted(await peer.answer()) == "a-1"
    assert direct == [True]


@pytest.mark.parametrize(("head", "version"), [("Connection: close\r\n", "1.1"), ("", "1.0")])
async def test_who_wants_no_more_is_hung_up_on(
    world: World, api: ApiAtHand, direct: list[bool], head: str, version: str
) -> None:
    """Such connections go the usual way."""
    async with peer_of(api) as peer:
        new_request = world.new_request(clientReference="a-1")
        peer.writer.write(peer.request(CREATE, {"input": new_request}, head=head, version=version))
        assert accepted(await peer.answer()) == "a-1"
        assert await peer.is_hung_up_on()
    assert direct == [False]


async def test_expect_100_continue_is_answered(world: World, api: ApiAtHand, direct: list[bool]) -> None:
    """`Expect: 100-continue` gets 100 before the body, on the usual way."""
    async with peer_of(api) as peer:
        request = peer.request(
            CREATE, {"input": world.new_request(clientReference="a-1")}, head="Expect: 100-continue\r\n"
        )
        head, _, body = request.partition(b"\r\n\r\n")
        peer.writer.write(head + b"\r\n\r\n")
        assert (await peer.answer())[0] == "HTTP/1.1 100 Continue"
        peer.writer.write(body)
        assert accepted(await peer.answer()) == "a-1"
    assert direct == [False]


async def test_a_body_that_is_too_large_is_refused(world: World, api: ApiAtHand, direct: list[bool]) -> None:
    """It is not gathered for nothing, and what follows on the connection is served."""
    async with peer_of(api) as peer:
        peer.writer.write(peer.request(CREATE + "#" * 70_000, {"input": world.new_request()}))
        assert (await peer.answer())[0].split()[1] == "413"
    assert direct == [False]


async def test_a_process_that_stops_answers_first(
    world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer says that the connection ends with it."""
    arrived, go_on = asyncio.Event(), asyncio.Event()
    accept = api.services.accepting.accept

    async def held(*request: Any) -> Any:
        arrived.set()
        await go_on.wait()
        return await accept(*request)

    monkeypatch.setattr(api.services.accepting, "accept", held)
    connections: list[DirectProtocol] = []
    made = DirectProtocol.connection_made

    def noted(self: DirectProtocol, transport: Any) -> None:
        connections.append(self)
        made(self, transport)

    monkeypatch.setattr(DirectProtocol, "connection_made", noted)
    async with peer_of(api) as peer:
        peer.writer.write(peer.request(CREATE, {"input": world.new_request(clientReference="a-1")}))
        await asyncio.wait_for(arrived.wait(), 60)
        connections[0].shutdown()  # as uvicorn does to each of its connections when it stops
        go_on.set()
        answer = await peer.answer()
        assert accepted(answer) == "a-1"
        assert answer[1]["connection"] == "close"
        assert await peer.is_hung_up_on()
