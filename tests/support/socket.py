"""A bare graphql-transport-ws client, for what a well-behaved one would never send."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from cli.quote.aggregator_client import WATCH


class Socket:
    """One connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: Any) -> None:
        await self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        return json.loads(await self.connection.recv())

    async def init(self, token: str) -> None:
        await self.send({"type": "connection_init", "payload": {"token": token}})
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, query: str, variables: dict[str, Any] | None = None, *, id_: str = "1") -> None:
        await self.send({"id": id_, "type": "subscribe", "payload": {"query": query, "variables": variables or {}}})

    async def watch(self, request_id: str, after: str | None = None, *, id_: str = "1") -> None:
        await self.subscribe(WATCH, {"requestId": request_id, "after": after}, id_=id_)

    async def event(self) -> dict[str, Any]:
        """The next event of a watch."""
        message = await self.receive()
        assert message["type"] == "next", message
        return message["payload"]["data"]["quotes"]

    async def closed(self) -> tuple[int, str]:
        """The code and the reason that the server closes with; messages before that are skipped."""
        await self.connection.wait_closed()
        return self.connection.close_code or 0, self.connection.close_reason or ""


@asynccontextmanager
async def opened(url: str, protocol: str = "graphql-transport-ws") -> AsyncGenerator[Socket, None]:
    """A connection to an API."""
    subprotocols = [Subprotocol(protocol)] if protocol else None
    async with connect(url.replace("http", "ws", 1), subprotocols=subprotocols, compression=None) as connection:
        yield Socket(connection)
