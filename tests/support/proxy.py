"""A TCP proxy before PostgreSQL, Redis or an insurer: it stops the world at a chosen step, from outside.

Held bytes are neither forwarded nor answered until it is let go, or its connection ends.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Literal
from urllib.parse import parse_qs, urlsplit, urlunsplit

Direction = Literal["to_server", "to_client"]
CHUNK_BYTES = 64 * 1024


@dataclass(eq=False)
class Trap:
    """Waits for a chunk that matches, and holds it with everything after it on that connection."""

    direction: Direction
    matches: Callable[[bytes], bool]
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class Cut:
    """Drops the reply to the next request that matches, and the connection with it: the server has done its part."""

    matches: Callable[[bytes], bool]
    left: int
    done: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class Break:
    """Breaks the connection to a client behind these bytes, in the middle of what they stand in."""

    behind: bytes
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Proxy:
    """Listens on a loopback port, and passes on all bytes except those that a test holds, drops or delays."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.port = 0
        self.delay_s = 0.0
        self._is_down = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._traps: list[Trap] = []
        self._cuts: list[Cut] = []
        self._breaks: list[Break] = []
        self._refused: bytes | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The upstream's URL, through here."""
        user, at, _ = self.upstream.netloc.rpartition("@")
        parts = self.upstream._replace(netloc=f"{user}{at}127.0.0.1:{self.port}")
        if parts.scheme.startswith("postgres"):
            parts = parts._replace(query="sslmode=disable")
        return urlunsplit(parts)

    def trap(self, matches: bytes | Callable[[bytes], bool], direction: Direction = "to_server") -> Trap:
        """Holds the first chunk that matches."""
        trap = Trap(direction, (lambda chunk: matches in chunk) if isinstance(matches, bytes) else matches)
        self._traps.append(trap)
        return trap

    def cut_replies(self, matches: bytes, times: int = 1) -> Cut:
        """Lets the next requests that match through, and nothing of their replies back."""
        cut = Cut(lambda chunk: matches in chunk, times)
        self._cuts.append(cut)
        return cut

    def break_within(self, behind: bytes) -> Break:
        """Passes these bytes to their client, and nothing after them: the message that they stand in arrives in part."""
        made = Break(behind)
        self._breaks.append(made)
        return made

    def lead_to(self, upstream: str) -> None:
        """Where new connections go."""
        self.upstream = urlsplit(upstream)

    def go_down(self) -> None:
        """Breaks every connection, and refuses new ones."""
        self._is_down = True
        self.break_connections()

    def come_back(self) -> None:
        self._is_down = False

    def hang(self) -> None:
        """Passes nothing on, of new connections neither: packets get lost."""
        self._flows.clear()

    def flow_again(self) -> None:
        """What was held is passed on; `break_connections` before drops it."""
        self._flows.set()

    def refuse(self, matches: bytes | None) -> None:
        """Breaks each connection with this in its request, from now on; None: no more."""
        self._refused = matches

    def break_connections(self) -> None:
        for connection in self._connections:
            connection.cancel()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        if self._is_down:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._pass_on(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await self._connect()
        muted = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(reader, upstream_writer, "to_server", muted))
                tasks.create_task(self._pump(upstream_reader, writer, "to_client", muted))
        except* (OSError, EOFError):
            pass
        finally:
            upstream_writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction, muted: asyncio.Event
    ) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            await self._flows.wait()
            await self._hold(chunk, direction)
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if direction == "to_server" and self._refused and self._refused in chunk:
                raise EOFError
            if direction == "to_server":
                self._arm(chunk, muted)
            elif muted.is_set():
                raise EOFError
            broken = self._broken_within(chunk) if direction == "to_client" else None
            writer.write(chunk if broken is None else chunk[: chunk.index(broken.behind) + len(broken.behind)])
            await writer.drain()
            if broken:
                broken.done.set()
                raise EOFError
        raise EOFError

    def _broken_within(self, chunk: bytes) -> Break | None:
        for one in self._breaks:
            if one.behind in chunk:
                self._breaks.remove(one)
                return one
        return None

    async def _hold(self, chunk: bytes, direction: Direction) -> None:
        for trap in [trap for trap in self._traps if trap.direction == direction and trap.matches(chunk)]:
            self._traps.remove(trap)
            trap.reached.set()
            await trap.released.wait()

    def _arm(self, chunk: bytes, muted: asyncio.Event) -> None:
        for cut in [cut for cut in self._cuts if cut.matches(chunk)]:
            muted.set()
            cut.left -= 1
            if not cut.left:
                self._cuts.remove(cut)
                cut.done.set()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host = parse_qs(self.upstream.query).get("host", [""])[0]
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{self.upstream.port or 5432}")
        return await asyncio.open_connection(self.upstream.hostname, self.upstream.port)


@asynccontextmanager
async def proxied(upstream: str, tls: SSLContext | None = None) -> AsyncGenerator[Proxy, None]:
    """A proxy before this URL; with `tls` it ends the TLS of its clients."""
    proxy = Proxy(upstream)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=tls)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.break_connections()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await server.wait_closed()
