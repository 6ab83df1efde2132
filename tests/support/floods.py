"""Insurers that flood: a beginning of an answer, and then a part of it again and again."""

import asyncio
import gzip
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
FLOODS = {
    "continue": (b"", CONTINUE * 5_000),
    "processing, one at a time": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "early hints": (b"", HINTS * 2_000),
    "hints with large headers": (b"", b"HTTP/1.1 103 Early Hints\r\n" + b"x: %s\r\n" % (b"y" * 8_000) * 100 + b"\r\n"),
    "any 1xx": (b"", b"HTTP/1.1 199 Whatever\r\ncontent-length: 0\r\n\r\n" * 1_000),
    "a status line": (b"HTTP/1.1 200 ", b"a" * 0x10000),
    "a header": (b"HTTP/1.1 200 OK\r\nx: ", b"a" * 0x10000),
    "a header's name": (b"HTTP/1.1 200 OK\r\n", b"a" * 0x10000),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 10_000),
    "a chunk extension": (CHUNKED + b"1;", b"a" * 0x10000),
    "chunk extensions": (CHUNKED, b"1;%s\r\na\r\n" % (b"a" * 1000) * 64),
    "one-byte chunks": (CHUNKED, b"1\r\na\r\n" * 10_000),
    "one-byte chunks of a zip": (
        CHUNKED.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n"),
        b"".join(b"1\r\n%c\r\n" % byte for byte in gzip.compress(b"", 0)) * 500,
    ),
    "a chunk's size": (CHUNKED, b"0" * 0x10000),
    "trailers": (CHUNKED + b"0\r\n", b"a: b\r\n" * 10_000),
    "a trailer": (CHUNKED + b"0\r\na: ", b"b" * 0x10000),
    "a body without an end": (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 0x10000),
    "another protocol": (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", b"a" * 9999),
    "empty lines": (b"", b"\r\n" * 0x8000),
}


class Flood:
    """Answers every request with a beginning, and then with a part again and again, for as long as it is read."""

    def __init__(self, beginning: bytes, part: bytes) -> None:
        self._beginning, self._part = beginning, part
        self.port = self.sent = self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            for part in itertools.chain([self._beginning], itertools.repeat(self._part)):
                writer.write(part)
                await writer.drain()
                self.sent += len(part)
        except (OSError, EOFError, asyncio.CancelledError):
            writer.transport.abort()


@asynccontextmanager
async def flooding(flood: Flood) -> AsyncGenerator[Flood, None]:
    server = await asyncio.start_server(flood.serve, "127.0.0.1", 0)
    flood.port = server.sockets[0].getsockname()[1]
    try:
        yield flood
    finally:
        server.close()
