"""A client's subscription over HTTP by hand (RFC 9112), so light that thousands in one process are no load."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final, Self
from urllib.parse import urlsplit

EVENTS: Final = "text/event-stream"
PARTS: Final = "multipart/mixed;subscriptionSpec=1.0"
_BUFFER: Final = 16 * 1024


class Stream:
    """The answer to one subscription."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str, token: str, accept: str, document: str, variables: Mapping[str, Any]) -> Self:
        """Subscribes, and reads the head of the answer. `url` is that of `/graphql`."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=_BUFFER)
        body = json.dumps({"query": document, "variables": variables}).encode()
        writer.write(
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\nAccept: {accept}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(head.split(b"\r\n", 1)[0].decode())
        return cls(reader, writer)

    async def receive(self) -> dict[str, Any]:
        """The next result; what shows that the connection is alive is left out."""
        while True:
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            piece = await self._reader.readexactly(size + 2)
            if b'"data":' in piece:
                found = json.loads(piece[piece.index(b"{") : piece.rindex(b"}") + 1])
                return found.get("payload", found)

    def close(self) -> None:
        self._writer.close()
