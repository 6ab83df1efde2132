"""Serving ASGI applications with uvicorn: limits, sockets that free themselves of dead peers, exit code 0 on SIGTERM."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from typing import Any, Final, cast

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from uvicorn.supervisors import Multiprocess

from app.domain.errors import OsagoError, WrongSetting
from app.server.buffered_peer import STALLED_AFTER_S
from app.server.http1.arrivals import PacedArrivals
from app.server.http1.direct_http import DirectProtocol
from app.server.websocket_limits import PING_EVERY_S, WebSocketProtocol

FRAME_BYTES_MAX: Final = 64 * 1024
DRAIN_S_MAX: Final = 8
UNSENT_MS_MAX: Final = 30_000
"""A peer that takes nothing for so long is cut off: TCP alone would wait for a quarter of an hour."""
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
}
"""With every answer. Browsers heed the last one only where TLS is before us."""
SENT_BYTES_MAX: Final = 128 * 1024
"""The kernel's send buffer of a connection; left to itself, up to 4 MiB."""
RECEIVED_BYTES_MAX: Final = 32 * 1024
"""The kernel's receive buffer of a connection: the most of one read, give or take what Linux adds to it. libuv reads up to 32
times in a row where 256 KiB lie ready, before it looks at another connection.
"""
_BACKLOG: Final = 4096
_LOOK_EVERY_S: Final = 0.005


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Makes uvloop's where it is to be had."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


def open_many_files() -> None:
    """Takes what the system allows: a hanging insurer holds a connection for each of its jobs, and none of the others'."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def serve(app: Any, host: str, port: int, *, on_exit: Callable[[], None] | None = None) -> None:
    """Serves until SIGTERM or SIGINT; `on_exit` is called before open connections are waited for."""
    listening = listen(host, port)
    server = _Server(_config(app), on_exit)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(server.serve_until_stopped(listening))
    if not server.started:
        sys.exit(3)


def serve_in_processes(factory: str, host: str, port: int, processes: int) -> None:
    """Serves from several processes that share one socket; `factory` names what makes the application."""
    config = _config(factory, factory=True, workers=processes)
    Multiprocess(config, sockets=[listen(host, port)]).run()


@contextlib.asynccontextmanager
async def serve_here(app: Any, listening: socket.socket) -> AsyncGenerator[None, None]:
    """Serves in this event loop, beside the block."""
    server = _Server(_config(app))
    with contextlib.closing(listening):
        serving = asyncio.create_task(server.serve_quietly(listening))
        try:
            while not server.started:
                if serving.done():
                    raise StartFailed
                await asyncio.sleep(_LOOK_EVERY_S)
            yield
        finally:
            server.should_exit = True
            await serving


@contextlib.asynccontextmanager
async def beside(routes: Sequence[Route], host: str, port: int) -> AsyncGenerator[None, None]:
    """Serves a few routes beside the block; port 0: none."""
    if not port:
        yield
        return
    async with serve_here(Starlette(routes=list(routes)), listen(host, port)):
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; its connections inherit its limits.

    Raises:
        WrongSetting: the address is taken, or none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on: every answer would wait for 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENT_BYTES_MAX)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES_MAX)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNSENT_MS_MAX)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise WrongSetting(f"--host {host} --port {port}: {error.strerror}") from None
    listening.listen(_BACKLOG)
    listening.setblocking(False)
    return listening


class StartFailed(OsagoError):
    """The application did not start; the log says why."""


class _Server(uvicorn.Server):
    """uvicorn raises the signal again after a clean end, and so would not exit with 0."""

    def __init__(self, config: uvicorn.Config, on_exit: Callable[[], None] | None = None) -> None:
        super().__init__(config)
        self._on_exit = on_exit

    async def serve_until_stopped(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        await self.serve(sockets=[listening])

    async def serve_quietly(self, listening: socket.socket) -> None:
        """Ends without SystemExit, uvicorn's word for a failed start: it would end the whole event loop."""
        with contextlib.suppress(SystemExit):
            await self.serve(sockets=[listening])

    def handle_exit(self, sig: int, frame: Any) -> None:
        state = getattr(self.config.app, "state", None)
        if state is not None:
            state.is_draining = True
        if self._on_exit:
            self._on_exit()
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _config(app: Any, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=cast("type[asyncio.Protocol]", PacedArrivals(DirectProtocol)),
        headers=list(HEADERS.items()),
        ws=WebSocketProtocol,
        ws_max_size=FRAME_BYTES_MAX,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_EVERY_S,
        ws_ping_timeout=STALLED_AFTER_S,
        timeout_graceful_shutdown=DRAIN_S_MAX,
        # An application knows its own proxies. uvicorn would believe any program of this machine.
        proxy_headers=False,
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        lifespan="on",
        **more,
    )
