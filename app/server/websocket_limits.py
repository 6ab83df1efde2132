"""WebSockets as uvicorn serves them, with an end for peers that take nothing any more.

A peer is stalled when it leaves a ping unanswered, or lets what is written pile up. The application hears of it, and
has a moment to say why it closes; then the connection is cut off, whatever is still unsent.
"""

import asyncio
import struct
from collections.abc import Callable
from typing import Any, Final

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.server.peer import EXTENSION

PING_EVERY_S: Final = 15.0
STALLED_AFTER_S: Final = 10.0
"""For so long a ping may be unanswered, or the buffer full."""
CUT_OFF_AFTER_S: Final = 5.0
"""What the application has for its last words. With the two above: 30 s from the last byte that was taken."""

UNSENT_BYTES_MAX: Final = 16 * 1024
"""What is written in one turn of the event loop, before it is known whether the peer takes it."""
_TURN: Final = "osago.turn"
_TEXT: Final = 0x81
"""A whole message in one frame."""
_TWO_BYTES: Final = 126
_TWO_BYTES_MAX: Final = 0xFFFF
_EIGHT_BYTES: Final = 127
_HEADER_16: Final = struct.Struct("!BBH")
_HEADER_64: Final = struct.Struct("!BBQ")


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection, which is also its application's `app.server.peer.Peer`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.queue: Any = _Inbox()
        self.writable: Any = _Flag()
        self._turn: _Turn = self.app_state.setdefault(_TURN, _Turn())
        self._unsent = b""
        self.on_writable: Callable[[], None] | None = None
        self.on_stalled: Callable[[], None] | None = None
        self._is_paused = False
        self._stalling: asyncio.TimerHandle | None = None
        self._cutting: asyncio.TimerHandle | None = None

    async def run_asgi(self) -> None:
        self.scope["extensions"] = {**self.scope.get("extensions", {}), EXTENSION: {"peer": self}}
        try:
            await super().run_asgi()
        finally:
            self._cut_off_soon()  # closing alone would wait until everything is sent
            self.scope["extensions"] = {}  # or it would hold itself until somebody looks for garbage

    def start_keepalive(self) -> None:
        """The handshake is over, and nobody asks for its headers again: a tenth of what an idle connection would hold."""
        super().start_keepalive()
        del self.request, self.response

    @property
    def is_writable(self) -> bool:
        is_full = self._is_paused or len(self._unsent) >= UNSENT_BYTES_MAX
        return not (is_full or self.close_sent or self.disconnected or self.transport.is_closing())

    def write(self, text: bytes) -> None:
        """A frame is a header and the text: there are no extensions, and a server masks nothing (RFC 6455, 5.2)."""
        if not self._unsent:
            self._turn.ends_with(self)
        length = len(text)
        if length < _TWO_BYTES:
            self._unsent += b"%c%c%b" % (_TEXT, length, text)
        elif length <= _TWO_BYTES_MAX:
            self._unsent += _HEADER_16.pack(_TEXT, _TWO_BYTES, length) + text
        else:
            self._unsent += _HEADER_64.pack(_TEXT, _EIGHT_BYTES, length) + text

    def send_unsent(self) -> None:
        """Sends what was written in this turn."""
        unsent, self._unsent = self._unsent, b""
        if not unsent or self.transport.is_closing():
            return
        self.transport.write(unsent)
        if len(unsent) >= UNSENT_BYTES_MAX and not self._is_paused and self.on_writable:
            self.on_writable()

    async def send(self, message: ASGISendEvent) -> None:
        self.send_unsent()  # in the order in which it was written
        await super().send(message)

    def shutdown(self) -> None:
        self.send_unsent()
        super().shutdown()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._is_paused = True
        self._stalling = self._stalling or self.loop.call_later(STALLED_AFTER_S, self._stall)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._is_paused = False
        self._stalling = _cancelled(self._stalling)
        if self.on_writable:
            self.on_writable()

    def keepalive_timeout(self) -> None:
        self.pong_timer = None
        self.pending_ping_payload = None
        self._stall()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stalling, self._cutting = _cancelled(self._stalling), _cancelled(self._cutting)
        self.on_writable = self.on_stalled = None
        super().connection_lost(exc)

    def _stall(self) -> None:
        if self.on_stalled:
            self.on_stalled()
        self._cut_off_soon()

    def _cut_off_soon(self) -> None:
        if not self.disconnected:
            self._cutting = self._cutting or self.loop.call_later(CUT_OFF_AFTER_S, self.transport.abort)


class _Turn:
    """Connections that have something to send when this turn of the event loop ends.

    A burst is written out first and sent then: each of the two stays in the processor's caches, a tenth less for an event.
    """

    def __init__(self) -> None:
        self._waiting: list[WebSocketProtocol] = []

    def ends_with(self, connection: WebSocketProtocol) -> None:
        if not self._waiting:
            connection.loop.call_soon(self._end)
        self._waiting.append(connection)

    def _end(self) -> None:
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            connection.send_unsent()


def _cancelled(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


class _Flag:
    """An `asyncio.Event` that is set to begin with, and takes 700 bytes less: hardly anybody ever waits for it."""

    __slots__ = ("_is_set", "_waiting")

    def __init__(self) -> None:
        self._is_set = True
        self._waiting: list[asyncio.Future[None]] = []

    def set(self) -> None:
        self._is_set = True
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    def clear(self) -> None:
        self._is_set = False

    async def wait(self) -> None:
        if self._is_set:
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await waiting
        finally:
            self._waiting.remove(waiting)


class _Inbox:
    """An `asyncio.Queue` for one reader, which takes 3 KB less. Its length is limited by whoever stops reading the socket."""

    __slots__ = ("_messages", "_reading")

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._reading: asyncio.Future[None] | None = None

    def put_nowait(self, message: Any) -> None:
        self._messages.append(message)
        if self._reading and not self._reading.done():
            self._reading.set_result(None)

    def empty(self) -> bool:
        return not self._messages

    async def get(self) -> Any:
        while not self._messages:
            self._reading = asyncio.get_running_loop().create_future()
            await self._reading
        return self._messages.pop(0)
