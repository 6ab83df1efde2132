"""Insurers that flood: every byte of an exchange is counted, and no other insurer is delayed."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

import pytest
from support.certificates import Authority
from support.floods import CHUNKED, CONTINUE, FLOODS, Flood, flooding
from support.wire import OK, Insurer, listening

from app.config.insurers_file import InsurerSettings
from app.domain.errors import InsurerProtocol
from app.runtime.clock import Clock
from workers.adapters.transport.exchange_connector import EXCHANGE_BYTES_MAX, FRAMING_BYTES_MAX, INTERIM_MAX
from workers.adapters.transport.insurer_http import BODY_BYTES_MAX, InsurerHttp


@asynccontextmanager
async def http_to(port: int, scheme: str = "http", **more: object) -> AsyncGenerator[InsurerHttp, None]:
    wire = {"id": "sever", "name": "Север", "adapter": "rest-sync", "base_url": f"{scheme}://localhost:{port}", **more}
    http = InsurerHttp(InsurerSettings.model_validate({"request_timeout": "60s", **wire}), Clock())
    try:
        yield http
    finally:
        await http.close()


@pytest.mark.parametrize("name", FLOODS)
async def test_every_kind_of_exchange_is_bounded(name: str) -> None:
    """Broken off long before its time, as no HTTP that was agreed; the next call has a connection of its own."""
    async with flooding(Flood(*FLOODS[name])) as flood, http_to(flood.port) as http:
        for calls in (1, 2):
            with pytest.raises(InsurerProtocol):
                (await http.send("GET", "")).expect(200)
            assert flood.connections == calls
    # What the kernel holds on both sides comes on top.
    assert flood.sent < 2 * (EXCHANGE_BYTES_MAX + 8 * 1024 * 1024)


async def test_what_a_tls_connection_brings_counts_too(tmp_path: object) -> None:
    """The bytes are counted after decryption, with the same bound."""
    authority = Authority(tmp_path)  # pyright: ignore[reportArgumentType]
    endless = Insurer(CHUNKED, *[b"1;%s\r\na\r\n" % (b"a" * 0x10000)] * 40, OK)
    async with (
        listening(endless, authority.server_context("localhost")) as insurer,
        http_to(insurer.port, "https", tls={"ca_file": str(authority.file)}) as http,
    ):
        with pytest.raises(InsurerProtocol):
            await http.send("GET", "")


async def test_a_few_interim_responses_are_no_flood() -> None:
    """So many are skipped; one more breaks the exchange off."""
    async with listening(Insurer(CONTINUE * INTERIM_MAX + OK)) as insurer, http_to(insurer.port) as http:
        for _ in range(3):
            assert (await http.send("GET", "")).body == b"ok"
        assert insurer.connections == 1
        insurer.parts = (CONTINUE * (INTERIM_MAX + 1) + OK,)
        with pytest.raises(InsurerProtocol):
            await http.send("GET", "")


async def test_what_is_no_body_has_a_bound_of_its_own() -> None:
    """Far below the bound of all bytes, give or take a piece: chunks of one byte are the dearest there are."""
    chunk = b"1\r\na\r\n"
    within = FRAMING_BYTES_MAX // (len(chunk) - 1) - 1000
    async with listening(Insurer(CHUNKED + chunk * within + b"0\r\n\r\n")) as insurer, http_to(insurer.port) as http:
        assert (await http.send("GET", "")).body == b"a" * within
        insurer.parts = (CHUNKED + chunk * (within + 4000) + b"0\r\n\r\n",)
        assert len(insurer.parts[0]) < EXCHANGE_BYTES_MAX / 4
        with pytest.raises(InsurerProtocol):
            await http.send("GET", "")


@pytest.mark.parametrize("size", [0, 1, 4096, 65_535, 65_537, 300_000, BODY_BYTES_MAX])
async def test_an_answer_within_the_bound_comes_whole(size: int) -> None:
    """It may come in any pieces; the connection is used again."""
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    whole = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (size, body)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in split(body, 1000))
    zipped = gzip.compress(body)
    named = b"HTTP/1.1 200 OK\r\ncontent-encoding: %s\r\ncontent-length: %d\r\n\r\n%s"
    answers = [
        whole,
        CHUNKED + chunks + b"0\r\n\r\n",
        *(named % (n, len(zipped), zipped) for n in (b"gzip", b"x-gzip")),
    ]
    async with listening(Insurer()) as insurer, http_to(insurer.port) as http:
        for answer in answers:
            insurer.parts = (answer,)
            assert (await http.send("GET", "")).body == body
            insurer.parts = tuple(split(answer, max(1, len(answer) // 7)))
            assert (await http.send("GET", "")).body == body
        assert insurer.connections == 1


async def test_an_answer_that_ends_with_its_connection_comes_whole() -> None:
    """What waits to be parsed when the insurer hangs up is part of the answer."""
    body = bytes(700_000)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, http_to(server.sockets[0].getsockname()[1]) as http:
        replies = await asyncio.gather(*(http.send("GET", "") for _ in range(8)))
    assert [reply.body == body for reply in replies] == [True] * 8


@pytest.mark.parametrize("more", [OK, b"HTTP/1.1 100 Continue\r\n\r\n", b"x"])
async def test_nothing_comes_between_two_calls(more: bytes) -> None:
    """It would be the answer to the next call, which may be about another customer: such a connection is broken."""
    answered, broken = asyncio.Event(), asyncio.Event()
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        connections.append(1)
        if len(connections) == 1:
            await answered.wait()
            writer.write(more)
        with contextlib.suppress(OSError):
            await reader.read()
        broken.set()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, http_to(server.sockets[0].getsockname()[1]) as http:
        assert (await http.send("GET", "")).body == b"ok"
        answered.set()
        async with asyncio.timeout(10):
            await broken.wait()
        assert (await http.send("GET", "")).body == b"ok"
        assert len(connections) == 2


@pytest.mark.parametrize(
    "answer",
    [
        CHUNKED + b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n",
        CHUNKED + b"1;%s\r\na\r\n" % (b"a" * 0x10000) * 3 + b"%x\r\n%s\r\n0\r\n\r\n" % (900_000, bytes(900_000)),
        b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n" + bytes(1_000_000),
    ],
    ids=["one-byte chunks", "chunk extensions", "a large body"],
)
async def test_other_insurers_are_answered_between_the_pieces(answer: bytes) -> None:
    """Twenty large answers at once take hundreds of turns of the loop; other answers are read in each of them."""
    heavy_done: list[int] = []
    async with (
        listening(Insurer(answer)) as heavy,
        listening(Insurer()) as light,
        http_to(heavy.port) as flooded,
        http_to(light.port) as free,
    ):

        async def call() -> None:
            await flooded.send("GET", "")
            heavy_done.append(1)

        calls = [asyncio.ensure_future(call()) for _ in range(20)]
        answered_before = 0
        while len(heavy_done) < len(calls):
            await free.send("GET", "")
            answered_before += 1
        await asyncio.gather(*calls)
    assert answered_before >= 40


def split(text: bytes, size: int) -> Iterable[bytes]:
    return (text[at : at + size] for at in range(0, len(text), size))
