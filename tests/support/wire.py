"""An insurer on the bare wire: for what no well-behaved server would send."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Insurer:
    """Answers every request with the same bytes, in parts, and remembers what it saw."""

    def __init__(self, *parts: bytes | float) -> None:
        self.parts = parts or (OK,)
        self.connections = 0
        self.requests: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                for part in self.parts:
                    if isinstance(part, int | float):
                        await asyncio.sleep(part)
                    else:
                        writer.write(part)
                        await writer.drain()
        except (OSError, EOFError, asyncio.CancelledError):
            writer.transport.abort()


@asynccontextmanager
async def listening(insurer: Insurer, context: ssl.SSLContext | None = None) -> AsyncGenerator[Insurer, None]:
    server = await asyncio.start_server(insurer.serve, "127.0.0.1", 0, ssl=context)
    insurer.port = server.sockets[0].getsockname()[1]
    try:
        yield insurer
    finally:
        server.close()
