"""`Upgrade: h2c`, which Java's own HTTP client sends with each request over plain text, is ignored (RFC 9110, 7.8)."""

import asyncio
import json
import logging
from uuid import UUID

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from support.raw_http import RawConnection, raw_connection
from support.until import until
from support.world import ApiAtHand, World

from app.server.serve import listen, serve_here
from bench.system import CREATE

H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
UPGRADES = {
    "Java": H2C,
    "in capitals": H2C.upper(),
    "in two headers": "Connection: keep-alive\r\nConnection: upgrade\r\nUpgrade: h2c\r\n",
    "of several": "Connection: Upgrade\r\nUpgrade: h2c, TLS/1.0\r\n",
    "unknown": "Connection: Upgrade\r\nUpgrade: something/2\r\n",
    "a WebSocket, by POST": "Connection: Upgrade\r\nUpgrade: websocket\r\n",
}
QUERY = b'{"query": "{ insurers { id } }"}'


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    """It knows CREATE."""
    world.write_insurers("sever")
    found = await world.api()
    for _ in range(2):
        await found.post(CREATE, {"input": world.new_request()})
    return found


async def ask(
    connection: RawConnection, head: str, body: bytes, *, is_chunked: bool = False, is_apart: bool = False
) -> tuple[int, bytes]:
    """Sends a request, the body in the head's packet or in the next one; returns its answer."""
    framing = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {len(body)}"
    if is_chunked:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    sent = f"{head}Host: x\r\nContent-Type: application/json\r\n{framing}\r\n\r\n".encode()
    if is_apart:
        connection.write(sent)
        await connection.writer.drain()
        for _ in range(5):
            await asyncio.sleep(0)
        connection.write(body)
    else:
        connection.write(sent + body)
    return await connection.answer()


@pytest.mark.parametrize("upgrade", UPGRADES)
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("is_apart", [False, True], ids=["same packet", "next packet"])
async def test_an_upgrade_is_ignored_by_every_application(upgrade: str, is_chunked: bool, is_apart: bool) -> None:  # noqa: FBT001
    """The application sees the request as if the upgrade had not been asked for, and the next one on the connection too."""

    async def echo(request: Request) -> JSONResponse:
        body = await request.body()
        return JSONResponse({"body": body.decode(), "upgrade": request.headers.get("upgrade"), "m": request.method})

    listening = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with (
        serve_here(Starlette(routes=[Route("/echo", echo, methods=["GET", "POST"])]), listening),
        raw_connection(url) as connection,
    ):
        for number in range(2):
            body = json.dumps({"number": number}).encode()
            head = f"POST /echo HTTP/1.1\r\n{UPGRADES[upgrade]}"
            status, answer = await ask(connection, head, body, is_chunked=is_chunked, is_apart=is_apart)
            assert status == 200
            assert json.loads(answer) == {"body": body.decode(), "upgrade": None, "m": "POST"}
        connection.write(f"GET /echo HTTP/1.1\r\nHost: x\r\n{H2C}\r\n".encode())
        assert (await connection.answer())[0] == 200


@pytest.mark.parametrize("is_apart", [False, True], ids=["same packet", "next packet"])
async def test_the_api_answers_every_kind_of_request_with_it(world: World, api: ApiAtHand, is_apart: bool) -> None:  # noqa: FBT001
    """A query, a known mutation, REST, and one after the other on a connection."""
    token = f"Authorization: Bearer {api.token}\r\n{H2C}"
    mutation = json.dumps({"query": CREATE, "variables": {"input": world.new_request()}}).encode()
    rest = json.dumps(world.new_request()).encode()
    async with raw_connection(api.url) as connection:
        for path, body, expected in (
            ("/graphql", QUERY, b"sever"),
            ("/graphql", mutation, b"QuoteRequestAccepted"),
            ("/osago/quotes", rest, b"watchToken"),
        ):
            status, answer = await ask(connection, f"POST {path} HTTP/1.1\r\n{token}", body, is_apart=is_apart)
            assert status in {200, 201, 202}
            assert expected in answer


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("is_apart", [False, True], ids=["same packet", "next packet"])
async def test_a_call_back_with_it_is_kept_whole(
    world: World, api: ApiAtHand, *, is_chunked: bool, is_apart: bool
) -> None:
    """The insurer's own bytes lie in Redis, not an empty body; and they are the only ones."""
    request_id = UUID((await world.accepted(api))["quoteRequest"]["id"])
    callbacks = (await world.resources()).callbacks
    body = b'{"applicationId": "7", "status": "processing"}'
    async with raw_connection(api.url) as connection:
        head = f"POST /callbacks/{callbacks.token(request_id, 'sever')} HTTP/1.1\r\n{H2C}"
        status, _ = await ask(connection, head, body, is_chunked=is_chunked, is_apart=is_apart)
    assert status == 204
    assert [call.body for call in (await callbacks.heard(request_id, "sever")).values()] == [body]


async def test_core_app_answers_with_it(world: World, api: ApiAtHand) -> None:
    """Its applications come from Java too."""
    url = await world.core_app(api)
    async with raw_connection(url) as connection:
        status, answer = await ask(connection, f"POST /applications HTTP/1.1\r\n{H2C}", b'{"no": "application"}')
    assert status == 422 or (400 <= status < 500 and b"application" in answer)


async def test_a_tunnel_is_not_opened(api: ApiAtHand) -> None:
    """CONNECT is answered, and the connection closed."""
    async with raw_connection(api.url) as connection:
        connection.write(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n")
        assert (await connection.rest()).startswith(b"HTTP/1.1 405 ")


async def test_a_call_back_that_breaks_off_is_silent(api: ApiAtHand, caplog: pytest.LogCaptureFixture) -> None:
    """A peer without a token writes no traceback into the log."""
    with caplog.at_level(logging.INFO):
        async with raw_connection(api.url) as connection:
            connection.write(b"POST /callbacks/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
            await connection.writer.drain()
            for _ in range(20):
                await asyncio.sleep(0)
            connection.writer.transport.abort()
        await until(lambda: not [task for task in asyncio.all_tasks() if "run_asgi" in repr(task)])
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_refused_sockets_write_no_line_each(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """What an address opens beyond its limit is answered 429, and is no fault of the application."""
    world.set(sockets_per_address=1)
    world.write_insurers("sever")
    api = await world.api()
    with caplog.at_level(logging.INFO, logger="uvicorn.error"):
        async with raw_connection(api.url) as first:
            await first.shake_hands()
            for _ in range(3):
                async with raw_connection(api.url) as refused:
                    with pytest.raises(AssertionError):
                        await refused.shake_hands()
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []
