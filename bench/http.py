"""HTTP by hand: a few kept connections over which many tasks send JSON, as a service with a pool of connections does."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
CONNECTIONS: Final = 128


class Poster:
    """POSTs to one URL."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._parts = urlsplit(url)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._head = (
            f"POST {self._parts.path} HTTP/1.1\r\nHost: {self._parts.netloc}\r\n{lines}Content-Length: ".encode()
        )
        self._idle: asyncio.LifoQueue[_Connection | None] = asyncio.LifoQueue()

    async def post(self, body: bytes) -> Any:
        """The answer's JSON, for any status."""
        async with self._connection() as (reader, writer):
            writer.write(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r", 1)[0])
            return json.loads(await reader.readexactly(length))

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[_Connection, None]:
        found = await self._idle.get()
        try:
            if (
                found is None or found[0].at_eof() or found[1].is_closing()
            ):  # the server keeps idle ones for some seconds only
                found = await asyncio.open_connection(self._parts.hostname, self._parts.port)
            yield found
        finally:
            self._idle.put_nowait(found)

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str, headers: Mapping[str, str]) -> AsyncGenerator["Poster", None]:
        """With at most CONNECTIONS connections, opened when they are needed."""
        one = cls(url, headers)
        for _ in range(CONNECTIONS):
            one._idle.put_nowait(None)
        try:
            yield one
        finally:
            while not one._idle.empty():
                if connection := one._idle.get_nowait():
                    connection[1].close()
