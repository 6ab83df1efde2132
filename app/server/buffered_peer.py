"""A connection that sends once in a turn of the event loop, and ends with a peer that takes nothing any more.

A peer is stalled when it lets what is written pile up. The application is notified, and has a moment for its last words;
then the connection is cut off, with or without unsent data.
"""

import asyncio
from collections.abc import Callable
from typing import Final

STALLED_AFTER_S: Final = 10.0
"""Seconds for which the buffer may be full."""
CUT_OFF_AFTER_S: Final = 5.0
"""The time for the application's last messages. With the one above and a ping's wait: 30 s from the last byte taken."""
UNSENT_BYTES_MAX: Final = 16 * 1024
"""The most that is written in one turn of the event loop, before it is known whether the peer takes it."""


class BufferedPeer(asyncio.Protocol):
    """Mixed into a protocol of uvicorn's, which becomes an `app.server.peer.Peer` by it."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    turn: "SendingTurn"
    """Shared by the connections of a process."""
    on_writable: Callable[[], None] | None = None
    on_stalled: Callable[[], None] | None = None
    on_draining: Callable[[], None] | None = None
    unsent = b""
    _is_paused = False
    _stalling: asyncio.TimerHandle | None = None
    _cutting: asyncio.TimerHandle | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be written: this side has said its last words, or the other has gone."""
        return self.transport.is_closing()

    @property
    def is_writable(self) -> bool:
        return not (self._is_paused or len(self.unsent) >= UNSENT_BYTES_MAX or self.is_over)

    def flush(self) -> None:
        """Sends what was written in this turn."""
        unsent, self.unsent = self.unsent, b""
        if not unsent or self.transport.is_closing():
            return
        self.transport.write(unsent)
        if len(unsent) >= UNSENT_BYTES_MAX and not self._is_paused and self.on_writable:
            self.on_writable()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._is_paused = True
        self._stalling = self._stalling or self.loop.call_later(STALLED_AFTER_S, self.stall)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._is_paused = False
        self._stalling = cancelled(self._stalling)
        if self.on_writable:
            self.on_writable()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stalling, self._cutting = cancelled(self._stalling), cancelled(self._cutting)
        self.on_writable = self.on_stalled = self.on_draining = None
        super().connection_lost(exc)

    def stall(self) -> None:
        """The peer has taken nothing for too long."""
        if self.on_stalled:
            self.on_stalled()
        self.cut_off_soon()

    def cut_off_soon(self) -> None:
        """Closing alone would wait until everything is sent."""
        if not self.transport.is_closing():
            self._cutting = self._cutting or self.loop.call_later(CUT_OFF_AFTER_S, self.transport.abort)


class SendingTurn:
    """Connections that have something to send when this turn of the event loop ends.

    A burst is written out first and sent then: each of the two stays in the processor's caches, a tenth less for an event.
    """

    def __init__(self) -> None:
        self._waiting: list[BufferedPeer] = []

    def ends_with(self, connection: BufferedPeer) -> None:
        if not self._waiting:
            connection.loop.call_soon(self._end)
        self._waiting.append(connection)

    def _end(self) -> None:
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            connection.flush()


TURN: Final = "osago.turn"
"""In the state that all connections of a process share: its `SendingTurn`."""


def cancelled(timer: asyncio.Handle | None) -> None:
    """Cancels a timer, if there is one; what to keep in its place."""
    if timer is not None:
        timer.cancel()
