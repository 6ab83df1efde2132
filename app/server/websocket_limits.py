"""WebSockets as uvicorn serves them, with an end for peers that take nothing any more, or send what has no effect.

A peer that leaves a ping unanswered is stalled, as one that lets what is written pile up (`app.server.buffered_peer`).

What was read is parsed in small pieces, one in a turn of the event loop, and none while a message waits for the application.
uvicorn pauses reading for whole messages only, and parses a read of 40,000 empty frames at once.
"""

import asyncio
import struct
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.protocol import State

from app.observability import metrics
from app.server.buffered_peer import TURN, BufferedPeer, SendingTurn, cancelled
from app.server.closing_codes import NO_TEXT
from app.server.drain_schedule import DrainSchedule
from app.server.http1.lingering import close_lingering
from app.server.inbox import Inbox, WritableFlag
from app.server.peer import EXTENSION
from app.server.peer_budget import FLOOD, FLOOD_REASON, LATE, LATE_REASON, PeerBudget, PeerCost

PING_EVERY_S: Final = 15.0

ABNORMAL: Final = 1006
LATE_BYTES_MAX: Final = 256 * 1024
"""Read after the application has closed."""
PIECE_BYTES_MAX: Final = 4 * 1024
"""Parsed in one turn: at most 683 frames, 2.5 ms of CPU."""
_BAD_REQUEST: Final = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TEXT: Final = 0x81
"""A whole message in one frame."""
_TWO_BYTES: Final = 126
_TWO_BYTES_MAX: Final = 0xFFFF
_EIGHT_BYTES: Final = 127
_HEADER_16: Final = struct.Struct("!BBH")
_HEADER_64: Final = struct.Struct("!BBQ")


class WebSocketProtocol(BufferedPeer, WebSocketsSansIOProtocol):
    """A WebSocket's connection with its limits, which is also its application's `app.server.peer.Peer`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.queue: Any = Inbox()
        self.writable: Any = WritableFlag()
        self.budget = PeerBudget()
        self._late_bytes = 0
        self._unparsed = b""
        self._parsing: asyncio.Handle | None = None
        self.turn = self.app_state.setdefault(TURN, SendingTurn())

    async def run_asgi(self) -> None:
        self.scope["extensions"] = {**self.scope.get("extensions", {}), EXTENSION: {"peer": self}}
        try:
            await super().run_asgi()
        finally:
            self.cut_off_soon()
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
    def is_over(self) -> bool:
        return self.close_sent or self.disconnected or self.transport.is_closing()

    def write(self, text: bytes) -> None:
        """A frame is a header and the text: there are no extensions, and a server masks nothing (RFC 6455, 5.2)."""
        if not self.unsent:
            self.turn.ends_with(self)
        length = len(text)
        if length < _TWO_BYTES:
            self.unsent += b"%c%c%b" % (_TEXT, length, text)
        elif length <= _TWO_BYTES_MAX:
            self.unsent += _HEADER_16.pack(_TEXT, _TWO_BYTES, length) + text
        else:
            self.unsent += _HEADER_64.pack(_TEXT, _EIGHT_BYTES, length) + text

    async def send(self, message: Any) -> None:
        self.flush()  # in the order in which it was written
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
        self.flush()
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
        cancelled(self.close_timer)
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

    def send_receive_event_to_app(self) -> None:
        """As uvicorn does, but a text that is none closes the connection without a line in the log (RFC 6455, 8.1)."""
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.refuse(NO_TEXT, "")
                return
        super().send_receive_event_to_app()

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
            self.flush()
            super().shutdown()

    def keepalive_timeout(self) -> None:
        self.pong_timer = None
        self.pending_ping_payload = None
        self.stall()

    def connection_lost(self, exc: Exception | None) -> None:
        cancelled(self._parsing)
        if self.conn.state is not State.CONNECTING:  # else its handshake was refused
            metrics.socket_closed(self._close_code)
        super().connection_lost(exc)

    @property
    def _close_code(self) -> int:
        """The close code of the side that closed first."""
        sent, received = self.conn.close_sent, self.conn.close_rcvd
        first = received if self.conn.close_rcvd_then_sent else sent or received
        return first.code if first else ABNORMAL
