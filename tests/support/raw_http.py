"""A connection on which a test writes what it likes, over a bare socket."""

import asyncio
import base64
import contextlib
import os
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

ANSWERED_S = 20
HANDSHAKE = (
    b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\nSec-WebSocket-Key: %b\r\n\r\n"
)
FIN = 0x80
CONTINUATION, TEXT, CLOSE, PING, PONG = 0x0, 0x1, 0x8, 0x9, 0xA


class RawConnection:
    """Bytes out, bytes in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def write(self, sent: bytes) -> None:
        self.writer.write(sent)

    async def answer(self) -> tuple[int, bytes]:
        """Status and body of the next answer, which has a length."""
        async with asyncio.timeout(ANSWERED_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
            return int(head.split(b" ", 2)[1]), await self.reader.readexactly(length)

    async def rest(self) -> bytes:
        """What comes until the server closes."""
        async with asyncio.timeout(ANSWERED_S):
            return await self.reader.read()

    async def flood(self, piece: bytes, bytes_max: int) -> tuple[int, bytes]:
        """Writes the piece again and again until the server closes, or `bytes_max` have been written.

        Returns how many bytes were written, and what came until the end.
        """
        reading = asyncio.create_task(self.rest())
        written = 0
        with contextlib.suppress(OSError):
            while written < bytes_max and not reading.done():
                self.writer.write(piece)
                written += len(piece)
                await self.writer.drain()
        return written, await reading

    async def shake_hands(self, path: str = "/graphql") -> None:
        """Becomes a WebSocket."""
        self.write(HANDSHAKE % (path.encode(), base64.b64encode(os.urandom(16))))
        assert (await self.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")


@asynccontextmanager
async def raw_connection(url: str) -> AsyncGenerator[RawConnection, None]:
    """A connection to the server of this URL."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=1 << 20)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.close()


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """A frame of a client, masked with zeros."""
    first = opcode | (FIN if fin else 0)
    if len(payload) < 126:
        return bytes([first, 0x80 | len(payload)]) + bytes(4) + payload
    return bytes([first, 0x80 | 126]) + struct.pack("!H", len(payload)) + bytes(4) + payload


def frames_in(received: bytes) -> list[tuple[int, bytes]]:
    """Opcode and payload of each whole frame of a server."""
    found: list[tuple[int, bytes]] = []
    while len(received) >= 2:
        size, start = received[1], 2
        if size == 126:
            size, start = struct.unpack("!H", received[2:4])[0], 4
        if len(received) < start + size:
            break
        found.append((received[0] & 0xF, received[start : start + size]))
        received = received[start + size :]
    return found


def close_code(received: bytes) -> int | None:
    """The code of the close frame among them, None without one."""
    for opcode, payload in frames_in(received):
        if opcode == CLOSE:
            return int.from_bytes(payload[:2], "big")
    return None
