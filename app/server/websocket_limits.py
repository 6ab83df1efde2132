"""WebSockets as uvicorn serves them, with an end for peers that take nothing any more, or send what has no effect.

A peer is stalled when it leaves a ping unanswered, or lets what is written pile up. The application is notified, and
has a moment to close with a reason; then the connection is cut off, with or without unsent data.

What was read is parsed in small pieces, one in a turn of the event loop, and none while a message waits for the application.
uvicorn pauses reading for whole messages only, and parses a read of 40,000 empty frames at once.
"""

import asyncio
import struct
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from app.server.drain_schedule import DrainSchedule
from app.server.http1.lingering import close_lingering
from app.server.inbox import Inbox, WritableFlag
from app.server.peer import EXTENSION
from app.server.peer_budget import FLOOD, FLOOD_REASON, LATE, LATE_REASON, PeerBudget, PeerCost

PING_EVERY_S: Final = 15.0
STALLED_AFTER_S: Final = 10.0
"""For so long a ping may be unanswered, or the buffer full."""
CUT_OFF_AFTER_S: Final = 5.0
"""What the application has for its last words. With the two above: 30 s from the last byte that was taken."""

ABNORMAL: Final = 1006
UNSENT_BYTES_MAX: Final = 16 * 1024
"""What is written in one turn of the event loop, before it is known whether the peer takes it."""
LATE_BYTES_MAX: Final = 256 * 1024
"""Read after the application has closed."""
PIECE_BYTES_MAX: Final = 4 * 1024
"""Parsed in one turn: at most 683 frames, 2.5 ms of CPU."""
_BAD_REQUEST: Final = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
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
        self.queue: Any = Inbox()
        self.writable: Any = WritableFlag()
        self.budget = PeerBudget()
        self._late_bytes = 0
        self._unparsed = b""
        self._parsing: asyncio.Handle | None = None
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
            self.scope["extensions"] = {}  # or it would hold itself until the next garbage collection

    def start_keepalive(self) -> None:
        """Frees the headers of the handshake, which is over: a tenth of what an idle connection would hold."""
        super().start_keepalive()
        del self.request, self.response

    def data_received(self, data: bytes) -> None:
        if not self.handshake_initiated:
            super().data_received(data)
            if self.conn.handshake_exc is not None:  # uvicorn would leave the connection as it is
                self.transport.write(_BAD_REQUEST)
                self.transport.close()
            return
        if self.budget.is_late(self.loop.time()):
            self.refuse(LATE, LATE_REASON)
            return
        if self.close_sent:  # what was under way comes, and the peer's own close frame; more than that is a flood
            self._late_bytes += len(data)
            if self._late_bytes > LATE_BYTES_MAX:
                self._linger()
                return
        self._unparsed += data
        if self._parsing is None:
            self._parse()

    async def receive(self) -> Any:
        message = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self._parse_soon()
        return message

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
        if not unsent or self.disconnected or self.transport.is_closing():
            return
        self.transport.write(unsent)
        if len(unsent) >= UNSENT_BYTES_MAX and not self._is_paused and self.on_writable:
            self.on_writable()

    async def send(self, message: Any) -> None:
        self.send_unsent()  # in the order in which it was written
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True  # it was refused, by an answer: no fault that uvicorn would have to log
        self._parse_soon()

    def refuse(self, code: int, reason: str) -> None:
        """Closes the connection at once; the application receives a disconnect."""
        if self.disconnected:
            return
        self.conn.fail(code, reason)
        self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """As uvicorn does, but so that the peer can read why."""
        if self.disconnected or self.transport.is_closing():
            return
        self.send_unsent()
        closed = self.conn.close_sent
        self.queue.put_nowait(
            {
                "type": "websocket.disconnect",
                "code": closed.code if closed else ABNORMAL,
                "reason": closed.reason if closed else "",
            }
        )
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._linger()

    def _linger(self) -> None:
        """The close frame is out: nothing is parsed any more."""
        self.disconnected = True
        self.stop_keepalive()
        self._unparsed = b""
        _cancelled(self.close_timer)
        self.close_timer = close_lingering(self, self.transport)

    def handle_ping(self) -> None:
        if self._grants(PeerCost.CONTROL_FRAME):
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        if self._grants(PeerCost.CONTROL_FRAME):
            super().handle_pong(event)

    def handle_text(self, event: Frame) -> None:
        if self._begins_message(event):
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        if self._begins_message(event):
            super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        if self._grants(PeerCost.FRAGMENT) and (event.data or self._grants(PeerCost.EMPTY_FRAGMENT)):
            super().handle_cont(event)

    def _begins_message(self, event: Frame) -> bool:
        self.budget.renew()
        return bool(event.data) or self._grants(PeerCost.EMPTY_MESSAGE)

    def _grants(self, cost: PeerCost) -> bool:
        if self.disconnected:  # what came in the same piece as the frame that was too many
            return False
        if self.budget.grants(cost, now_s=self.loop.time()):
            return True
        self.refuse(FLOOD, FLOOD_REASON)
        return False

    def _parse_soon(self) -> None:
        if self._parsing is None and not self.disconnected:
            self._parsing = self.loop.call_soon(self._parse)

    def _parse(self) -> None:
        """Parses a piece of what was received. Frames wait for the end of the handshake, and messages for one another."""
        self._parsing = None
        if self.disconnected or self.transport.is_closing():
            self._unparsed = b""
            return
        if self._unparsed and self.handshake_complete and not self.read_paused:
            piece, self._unparsed = self._unparsed[:PIECE_BYTES_MAX], self._unparsed[PIECE_BYTES_MAX:]
            super().data_received(piece)
            if self.disconnected or self.transport.is_closing():
                return
        if self._unparsed or self.read_paused:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()
        if self._unparsed and self.handshake_complete and not self.read_paused:
            self._parse_soon()

    def shutdown(self) -> None:
        """The process ends: its sockets are closed one after the other. Events go on until then."""
        delay_s = DrainSchedule.of(self.app_state).next_delay_s(len(self.connections))
        if delay_s and self.handshake_complete:
            self.loop.call_later(delay_s, self._shut_down)
        else:
            self._shut_down()

    def _shut_down(self) -> None:
        if not self.transport.is_closing():
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
        _cancelled(self._parsing)
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


def _cancelled(timer: asyncio.Handle | None) -> None:
    if timer is not None:
        timer.cancel()
