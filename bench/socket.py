"""A client's WebSocket by hand (RFC 6455, graphql-transport-ws), so light that thousands in one process are no load."""

import asyncio
import base64
import json
import os
import struct
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final, Self
from urllib.parse import urlsplit

_TEXT: Final = 0x1
_CLOSE: Final = 0x8
_PING: Final = 0x9
_PONG: Final = 0xA
_TWO_BYTES: Final = 126
_EIGHT_BYTES: Final = 127
_BUFFER: Final = 16 * 1024


class Closed(Exception):
    """The server closed the socket; the text is its code and its reason."""


class Socket:
    """One authenticated connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str, token: str) -> Self:
        """Shakes hands and waits for `connection_ack`. `url` is that of `/graphql`, as for HTTP."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=_BUFFER)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise Closed(head.split(b"\r\n", 1)[0].decode())
        socket = cls(reader, writer)
        socket.send({"type": "connection_init", "payload": {"token": token}})
        if (await socket.receive())["type"] != "connection_ack":
            raise Closed("no connection_ack")
        return socket

    def send(self, message: Mapping[str, Any]) -> None:
        self._write(_TEXT, json.dumps(message).encode())

    async def receive(self) -> dict[str, Any]:
        """The next message; pings are answered in between.

        Raises:
            Closed: the server has closed.
        """
        while True:
            opcode, payload = await self._frame()
            if opcode == _TEXT:
                return json.loads(payload)
            if opcode == _CLOSE:
                raise Closed(f"{int.from_bytes(payload[:2], 'big')} {payload[2:].decode()}")
            if opcode == _PING:
                self._write(_PONG, payload)

    async def subscribe(self, document: str, variables: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Every `payload` of one subscription, until it is complete."""
        self.send({"id": "1", "type": "subscribe", "payload": {"query": document, "variables": variables}})
        while (message := await self.receive())["type"] == "next":
            yield message["payload"]
        if message["type"] != "complete":
            raise Closed(json.dumps(message))

    def close(self) -> None:
        self._writer.close()

    def _write(self, opcode: int, payload: bytes) -> None:
        """Masked with zeros: masks are there against proxies, and there is none."""
        if len(payload) < _TWO_BYTES:
            size = bytes([0x80 | len(payload)])
        else:
            size = bytes([0x80 | _TWO_BYTES]) + struct.pack("!H", len(payload))
        self._writer.write(bytes([0x80 | opcode]) + size + bytes(4) + payload)

    async def _frame(self) -> tuple[int, bytes]:
        first, second = await self._reader.readexactly(2)
        size = second & 0x7F
        if size >= _TWO_BYTES:
            size = int.from_bytes(await self._reader.readexactly(2 if size < _EIGHT_BYTES else 8), "big")
        return first & 0xF, await self._reader.readexactly(size)
