"""Answers that last: the application writes their pieces to the connection, and hears when the peer reads too slowly.

uvicorn's `send` would take a task's turn for each piece, and know of no peer that has stopped reading.
"""

from typing import Any

from app.server.buffered_peer import TURN, BufferedPeer, SendingTurn
from app.server.drain_schedule import DrainSchedule
from app.server.http1.admitted_http import AdmittedHttp
from app.server.peer import EXTENSION


class StreamedAnswers(BufferedPeer, AdmittedHttp):
    """A connection that is also the `app.server.peer.Peer` of an answer in chunks."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.turn = self.app_state.setdefault(TURN, SendingTurn())

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.introduce_peer()

    def introduce_peer(self) -> None:
        """To the application, if the request gets to one through ASGI."""
        self.scope["extensions"] = {EXTENSION: {"peer": self}}

    @property
    def is_over(self) -> bool:
        cycle: Any = self.cycle
        if cycle is None or not cycle.response_started:
            return True
        return cycle.response_complete or cycle.disconnected or self.transport.is_closing()

    def write(self, text: bytes) -> None:
        """As a chunk of its own (RFC 9112, 7.1). An empty one would be the last."""
        if not text:
            return
        if not self.unsent:
            self.turn.ends_with(self)
        self.unsent += b"%x\r\n%b\r\n" % (len(text), text)

    def stall(self) -> None:
        """Other answers are whole, and go at their peer's pace."""
        if self.on_stalled:
            super().stall()

    def on_response_complete(self) -> None:
        self.on_writable = self.on_stalled = self.on_draining = None
        super().on_response_complete()

    def shutdown(self) -> None:
        """The process stops: answers that last end one after the other, as WebSockets do. Events go on until then."""
        super().shutdown()
        if self.on_draining:
            delay_s = DrainSchedule.of(self.app_state).next_delay_s(len(self.connections))
            self.loop.call_later(delay_s, self._end_answer)

    def _end_answer(self) -> None:
        if self.on_draining:
            self.on_draining()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.scope:
            self.scope["extensions"] = {}  # or it would hold itself until the next garbage collection
