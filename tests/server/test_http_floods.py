"""One HTTP connection that floods, and what lies between a request's head and its end: trailers, chunk extensions, other requests."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from support.raw_http import raw_connection
from support.until import until
from support.world import ApiAtHand, World

from app.server.http1.boundaries import PIECE_BYTES_MAX
from app.server.http1.paced_protocol import HEADERS_MAX, PacedProtocol
from app.server.peer_budget import PeerCost
from app.server.serve import RECEIVED_BYTES_MAX
from bench.system import CREATE

FLOOD_BYTES = 8 << 20
"""What a flood of the tests would write, if it was let."""
QUERY = b'{"query": "{ insurers { id } }"}'
POST = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(QUERY),
    QUERY,
)
GET = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    """It knows CREATE."""
    world.write_insurers("sever")
    found = await world.api()
    for _ in range(2):
        await found.post(CREATE, {"input": world.new_request()})
    return found


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[PacedProtocol]:
    """Every connection that the server has had."""
    seen: list[PacedProtocol] = []
    made = PacedProtocol.connection_made

    def noted(self: PacedProtocol, transport: Any) -> None:
        seen.append(self)
        made(self, transport)

    monkeypatch.setattr(PacedProtocol, "connection_made", noted)
    return seen


def chunked(body: bytes, *, headers: bytes = b"", path: bytes = b"/graphql", last: bytes = b"0\r\n") -> bytes:
    """A request without its last empty line."""
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n%b\r\n"
    return head % (path, headers) + b"%x\r\n%b\r\n" % (len(body), body) + last


def create(world: World) -> bytes:
    return json.dumps({"query": CREATE, "variables": {"input": world.new_request()}}).encode()


@pytest.mark.parametrize("is_apart", [False, True], ids=["in one segment", "apart"])
@pytest.mark.parametrize("path", [b"/graphql", b"/osago/quotes"])
@pytest.mark.parametrize("is_known", [False, True], ids=["query", "known mutation"])
async def test_a_trailer_is_no_header(
    world: World,
    api: ApiAtHand,
    path: bytes,
    is_known: bool,  # noqa: FBT001
    is_apart: bool,  # noqa: FBT001
) -> None:
    """A token that comes behind the body authenticates nothing, by plan, by the usual way and by REST; nor does an id come back."""
    body = create(world) if is_known else b'{"query": "{ insurers { id } }"}'
    trailers = f"Authorization: Bearer {api.token}\r\nX-Request-Id: from-trailer\r\n\r\n".encode()
    async with raw_connection(api.url) as connection:
        connection.write(chunked(body, path=path))
        if is_apart:
            await connection.writer.drain()
            await asyncio.sleep(0)
        connection.write(trailers)
        head = await asyncio.wait_for(connection.reader.readuntil(b"\r\n\r\n"), 60)
        answer = head + await connection.reader.read(1 << 16)
    assert b"from-trailer" not in answer
    assert b"UNAUTHENTICATED" in answer


async def test_trailers_within_their_limits_are_dropped(api: ApiAtHand) -> None:
    """The request is served, and so is the next one on the connection."""
    token = f"Authorization: Bearer {api.token}\r\n".encode()
    request = chunked(QUERY, headers=token) + b"X-Checksum: 12\r\n" * PeerCost.TRAILER.value.at_once + b"\r\n"
    async with raw_connection(api.url) as connection:
        connection.write(request + request)
        for _ in range(2):
            status, body = await connection.answer()
            assert status == 200
            assert b"sever" in body


@pytest.mark.parametrize(
    "trailers",
    [
        b"a:\r\n" * 65,
        b"a: " + b"x" * 8192 + b"\r\n",
        b"".join(b"a%d: %b\r\n" % (number, b"x" * 300) for number in range(30)),
    ],
    ids=["65 of them", "one of 8 KiB", "30 of 300 bytes"],
)
@pytest.mark.parametrize("path", [b"/graphql", b"/osago/quotes", b"/callbacks/x"])
async def test_too_many_trailers_end_the_connection(api: ApiAtHand, path: bytes, trailers: bytes) -> None:
    """A status says so, although the request was whole."""
    async with raw_connection(api.url) as connection:
        token = f"Authorization: Bearer {api.token}\r\n".encode()  # or the answer would not wait for the body
        connection.write(chunked(QUERY, headers=token, path=path) + trailers + b"\r\n")
        answer = await connection.rest()
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert answer.count(b"HTTP/1.1 ") == 1


ENDLESS = {
    "trailers": (b"0\r\n", b"a:\r\n" * 1000, 431),
    "a trailer's name": (b"0\r\n", b"a" * 4000, 431),
    "a trailer's value": (b"0\r\nx: ", b"a" * 4000, 431),
    "folded trailer": (b"0\r\nx: 1\r\n", b" a\r\n" * 1000, None),
    "a chunk's extension": (b"1;", b"a" * 4000, 431),
    "extensions of chunks": (b"", b"1;" + b"a" * 500 + b"\r\nx\r\n", 431),
    "zeros of a chunk's size": (b"", b"0" * 4000, 431),
    "chunks of one byte": (b"", b"1\r\n \r\n" * 1000, 413),
    "a header": (None, b"a" * 4000, 431),
    "headers": (None, b"a: 1\r\n" * 1000, 431),
    "line ends": (None, b"\r\n" * 1000, 431),
}


@pytest.mark.parametrize("kind", ENDLESS)
async def test_what_is_no_body_ends_the_connection_when_it_has_no_end(api: ApiAtHand, kind: str) -> None:
    """The limit is met early: before twice what the kernel and one read hold has been sent."""
    first, piece, status = ENDLESS[kind]
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    async with raw_connection(api.url) as connection:
        if first is None:
            connection.write(b"" if kind == "line ends" else head)
        else:
            connection.write(head + b"Transfer-Encoding: chunked\r\n\r\n" + first)
        written, answer = await connection.flood(piece, FLOOD_BYTES)
    assert written < FLOOD_BYTES
    assert int(answer.split(b" ", 2)[1]) == status or status is None


async def test_a_body_in_small_chunks_is_served(api: ApiAtHand) -> None:
    """One byte each, with an extension; and in parts that cut each of them."""
    token = f"Authorization: Bearer {api.token}\r\n".encode()
    start = chunked(b"", headers=token).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    body = b"".join(b"1;n=1\r\n%c\r\n" % byte for byte in QUERY.ljust(1000)) + b"0\r\n\r\n"
    async with raw_connection(api.url) as connection:
        for place in range(0, len(body), 7):
            connection.write((start if place == 0 else b"") + body[place : place + 7])
            await connection.writer.drain()
        status, answer = await connection.answer()
    assert status == 200
    assert b"sever" in answer


async def test_a_head_has_a_number_of_headers(api: ApiAtHand) -> None:
    """Each costs more than its bytes."""
    async with raw_connection(api.url) as connection:
        connection.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"a: 1\r\n" * (HEADERS_MAX - 1) + b"\r\n")
        assert (await connection.answer())[0] == 200
        connection.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"a: 1\r\n" * HEADERS_MAX + b"\r\n")
        assert (await connection.answer())[0] == 431


@pytest.mark.parametrize(
    ("request_", "status", "hook"),
    [(GET, 404, "_start_asgi_task"), (POST, 401, "_answer")],
    ids=["through ASGI", "answered directly"],
)
async def test_pipelined_requests_wait_as_bytes(
    api: ApiAtHand, connections: list[PacedProtocol], request_: bytes, status: int, hook: str
) -> None:
    """One is parsed at a time; what lies behind it is no more than one read, and nothing is made of it."""
    made = Counter[str]()
    async with raw_connection(api.url) as connection:
        connection.write(request_)
        assert (await connection.answer())[0] == status
        protocol = connections[-1]
        begin = getattr(protocol, hook)

        def noted(*given: Any) -> Any:
            made["tasks"] += 1
            assert protocol._boundaries._body_left == 0
            made["tasks at once"] = max(made["tasks at once"], len(protocol.tasks))
            made["held bytes"] = max(made["held bytes"], len(protocol._received))
            return begin(*given)

        setattr(protocol, hook, noted)
        connection.write(request_ * 2000)
        for _ in range(2000):
            assert (await connection.answer())[0] == status
        assert not protocol.pipeline
    assert made["tasks"] == 2000
    assert made["tasks at once"] <= 2
    assert made["held bytes"] <= 4 * RECEIVED_BYTES_MAX


async def test_requests_of_a_closed_connection_are_not_begun(
    api: ApiAtHand, connections: list[PacedProtocol], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that runs ends; those behind it end with the connection."""
    async with raw_connection(api.url) as connection:
        connection.write(GET * 4000)
        assert (await connection.answer())[0] == 404
        connection.writer.transport.abort()
    protocol = connections[-1]
    await until(lambda: protocol.parser is None)
    seen = protocol.server_state.total_requests
    for _ in range(100):
        await asyncio.sleep(0)
    assert protocol.server_state.total_requests <= seen + 1
    assert protocol._received == b""


async def test_answers_that_are_not_read_hold_up_the_next_request(
    api: ApiAtHand, connections: list[PacedProtocol]
) -> None:
    """Unsent answers would pile up in the process, one for each request."""
    async with raw_connection(api.url) as connection:
        connection.writer.transport.pause_reading()  # type: ignore[attr-defined]
        page = b"GET /graphql HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n"
        connection.write(page * 4000)
        await until(lambda: connections and connections[-1].flow.write_paused)
        protocol = connections[-1]
        for _ in range(1000):
            await asyncio.sleep(0)
        assert protocol.transport.get_write_buffer_size() < 1 << 20
        assert not protocol.pipeline


@pytest.mark.parametrize(
    "sent",
    [
        chunked(b"x", last=b"") + b"1\r\nx\r\n" * 9000,
        GET * 2000,
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 100 + b"X-Long: " + b"x" * 30_000,
    ],
    ids=["chunks of one byte", "pipelined", "a long head"],
)
async def test_a_turn_of_the_loop_feeds_a_bounded_part(
    api: ApiAtHand, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """Between two parts every other connection has its turn."""
    turn, fed = 0, Counter[int]()
    loop = asyncio.get_running_loop()
    feed = PacedProtocol._feed

    def tick() -> None:
        nonlocal turn, ticking
        turn += 1
        ticking = loop.call_soon(tick)

    def noted(self: PacedProtocol, piece: bytes) -> None:
        fed[turn] += len(piece)
        feed(self, piece)

    monkeypatch.setattr(PacedProtocol, "_feed", noted)
    async with raw_connection(api.url) as connection:
        ticking = loop.call_soon(tick)
        connection.write(sent)
        await until(lambda: sum(fed.values()) >= min(len(sent), 30_000))
        ticking.cancel()
    # Two may meet in a turn of the ticker: one that was put off, and one that a read begins.
    assert max(fed.values()) <= 4 * PIECE_BYTES_MAX
    assert len(fed) >= min(len(sent), 30_000) // (4 * PIECE_BYTES_MAX)
