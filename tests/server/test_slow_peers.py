"""Peers that send slowly, endlessly or too much: each meets a limit, and other connections are not delayed."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from support.world import ApiAtHand, World

HEAD = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BYTES_MAX = 5000
"""At a byte in ten milliseconds fifty times the limit."""


@pytest.fixture
async def api(world: World, monkeypatch: pytest.MonkeyPatch) -> ApiAtHand:
    monkeypatch.setattr("app.server.http1.http_limits.REQUEST_S_MAX", 1.0)
    world.write_insurers("sever")
    return await world.api()


@asynccontextmanager
async def connected(api: ApiAtHand) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter], None]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    try:
        yield reader, writer
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"", b""),
        (b"GET /healthz HT", b"HTTP/1.1 408 "),
        (HEAD + b"X-Slow: ", b"HTTP/1.1 408 "),
        (HEAD + b"Authorization: Bearer TOKEN\r\nContent-Length: 100\r\n\r\n{", b"HTTP/1.1 408 "),
    ],
)
async def test_a_request_that_does_not_come_is_not_waited_for(api: ApiAtHand, sent: bytes, expected: bytes) -> None:
    """Nothing, half a line, half the headers, half a body: the connection is freed."""
    async with connected(api) as (reader, writer):
        writer.write(sent.replace(b"TOKEN", api.token.encode()))
        answer = await asyncio.wait_for(reader.read(), 10)
    assert answer[: len(expected)] == expected
    assert bool(answer) == bool(expected)


async def test_a_trickle_does_not_buy_time(api: ApiAtHand) -> None:
    """The limit is for the whole request, not for each byte of it."""
    async with connected(api) as (reader, writer):
        answering = asyncio.create_task(reader.read())
        writer.write(HEAD + b"X-Slow: ")
        sent = 0
        while not answering.done():
            writer.write(b"y")
            sent += 1
            assert sent < BYTES_MAX, "each byte buys time"
            await asyncio.wait([answering], timeout=0.01)
        with contextlib.suppress(ConnectionResetError):  # a byte was under way when it was cut off
            assert (await answering).startswith(b"HTTP/1.1 408 ")


async def test_a_kept_connection_is_watched_anew(api: ApiAtHand) -> None:
    """Its second request has its own time, and no more."""
    async with connected(api) as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"alive\n")).startswith(b"HTTP/1.1 200 ")
        writer.write(b"GET /healthz HTTP/1.1\r\nHost")
        assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "flood",
    [
        b"".join(b"X-%d: %s\r\n" % (number, b"y" * 100) for number in range(400)),
        b"X-Endless: " + b"y" * 100_000,
        b"X-Many: 1\r\n" * 5000,
    ],
)
async def test_a_flood_of_headers_is_cut_off(api: ApiAtHand, flood: bytes) -> None:
    """The flood is many headers, or one without an end."""
    async with connected(api) as (reader, writer):
        writer.write(HEAD + flood + b"\r\n")
        with contextlib.suppress(ConnectionResetError):  # it may be cut off before everything was sent
            assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 431 ")


async def test_an_endless_url_is_cut_off(api: ApiAtHand) -> None:
    """It is part of the head."""
    async with connected(api) as (reader, writer):
        writer.write(b"GET /graphql?query=" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 431 ")


async def test_what_browsers_heed_is_in_every_answer(api: ApiAtHand) -> None:
    """The answer to a probe has the headers, too."""
    async with connected(api) as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = (await reader.read()).decode().lower()
    for header in ("x-content-type-options: nosniff", "x-frame-options: deny", "referrer-policy: no-referrer"):
        assert header in answer
    assert "access-control-" not in answer
    assert "server:" not in answer
