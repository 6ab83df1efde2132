"""A wire that can be cut: bytes are swallowed, and neither end learns of it. It can also be shut, so that it refuses."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

_CHUNK_BYTES = 64 * 1024


class CuttableWire:
    """From a loopback port to a server's port."""

    def __init__(self, to_port: int) -> None:
        self.to_port = to_port
        self.port = 0
        self._is_whole = asyncio.Event()
        self._is_whole.set()
        self._is_shut = False
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Nothing comes through any more, in either direction; what comes meanwhile waits."""
        self._is_whole.clear()

    def mend(self) -> None:
        """What waited comes through, in order."""
        self._is_whole.set()

    def shut(self) -> None:
        """Breaks every connection and refuses new ones."""
        self._is_shut = True
        for writer in tuple(self._writers):
            writer.transport.abort()

    def open(self) -> None:
        self._is_shut = False

    def lead_to(self, port: int) -> None:
        """Breaks every connection; new ones lead there, and are whole."""
        self.shut()
        self.to_port = port
        self.mend()
        self.open()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        if self._is_shut:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
            pumps = [asyncio.create_task(self._pump(*ends)) for ends in ((reader, to_writer), (to_reader, writer))]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
                to_writer.transport.abort()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK_BYTES):
            await self._is_whole.wait()
            writer.write(chunk)
            with contextlib.suppress(OSError):
                await writer.drain()


@asynccontextmanager
async def cuttable(to_port: int) -> AsyncGenerator[CuttableWire, None]:
    """A whole wire beside the block."""
    wire = CuttableWire(to_port)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        wire.shut()
