"""A graphql-transport-ws client that reads on command, and otherwise lets everything pile up at the server."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from cli.quote.aggregator_client import WATCH

RECEIVE_BYTES = 4096
CHUNK_BYTES = 64 * 1024


class Reader:
    """One connection over a bare socket with a small receive buffer. Pings are answered only while it reads."""

    def __init__(self, url: str, connection: socket.socket, *, protocol: str | None = "graphql-transport-ws") -> None:
        uri = parse_uri(url.replace("http", "ws", 1))
        self._protocol = ClientProtocol(uri, subprotocols=[Subprotocol(protocol)] if protocol else None)
        self._connection = connection
        self._messages: list[dict[str, Any]] = []
        self.close_code: int | None = None
        self.port: int = connection.getsockname()[1]

    async def shake_hands(self) -> None:
        self._protocol.send_request(self._protocol.connect())
        await self._flush()
        while not self._protocol.handshake_exc and self._protocol.state.name != "OPEN":
            await self._take()

    async def open(self, token: str) -> None:
        await self.shake_hands()
        await self.send({"type": "connection_init", "payload": {"token": token}})
        assert (await self.message()) == {"type": "connection_ack"}

    async def watch(self, request_id: str, after: str | None = None, *, id_: str = "1") -> None:
        payload = {"query": WATCH, "variables": {"requestId": request_id, "after": after}}
        await self.send({"id": id_, "type": "subscribe", "payload": payload})

    async def send(self, message: Any) -> None:
        self._protocol.send_text(json.dumps(message).encode())
        await self._flush()

    async def message(self) -> dict[str, Any] | None:
        """The next message; None when the connection is closed."""
        while not self._messages:
            if not await self._take():
                return None
        return self._messages.pop(0)

    async def rest(self) -> list[dict[str, Any]]:
        """Every message until the connection is closed."""
        messages: list[dict[str, Any]] = []
        while message := await self.message():
            messages.append(message)
        return messages

    async def _take(self) -> bool:
        try:
            taken = await asyncio.get_running_loop().sock_recv(self._connection, CHUNK_BYTES)
        except OSError:
            return False
        if not taken:
            return False
        self._protocol.receive_data(taken)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._messages.append(json.loads(bytes(event.data)))
        if self._protocol.close_rcvd:
            self.close_code = self._protocol.close_rcvd.code
        await self._flush()
        return True

    async def _flush(self) -> None:
        for part in self._protocol.data_to_send():
            with contextlib.suppress(OSError):  # a connection that was cut off still has what came before
                await asyncio.get_running_loop().sock_sendall(self._connection, part)


@asynccontextmanager
async def reading(url: str, token: str) -> AsyncGenerator[Reader, None]:
    """A connection that is initialised."""
    async with connected(url) as connection:
        reader = Reader(url, connection)
        await reader.open(token)
        yield reader


@asynccontextmanager
async def reading_plainly(url: str, token: str) -> AsyncGenerator[Reader, None]:
    """The WebSocket of the REST face, which has been sent the token."""
    async with connected(url) as connection:
        reader = Reader(url, connection, protocol=None)
        await reader.shake_hands()
        await reader.send({"token": token})
        yield reader


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[socket.socket, None]:
    place = urlsplit(url)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        connection.settimeout(0)
        await asyncio.get_running_loop().sock_connect(connection, (place.hostname, place.port))
        yield connection
