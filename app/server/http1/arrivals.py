"""Connections that have been accepted become HTTP's a few in each turn of the event loop.

libuv accepts all that lie in the backlog in one turn, and reads from all of them in the next: thousands that come at once, after another
process has died, would hold up every answer for most of a second. So beyond the first few of a turn a connection waits unread.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

from app.server.direct_application import DRAINING

ARRIVALS_PER_TURN_MAX: Final = 16
_ARRIVALS: Final = "osago.arrivals"


@dataclass(frozen=True, slots=True)
class PacedArrivals:
    """Makes protocols for uvicorn, in place of their class; a process that is spawned gets a copy."""

    protocol_class: Callable[..., asyncio.Protocol]

    def __call__(self, *, app_state: dict[str, Any], **options: Any) -> asyncio.Protocol:
        arrivals: Arrivals = app_state.setdefault(_ARRIVALS, Arrivals(app_state))
        return _Arrival(arrivals, partial(self.protocol_class, app_state=app_state, **options))


class Arrivals:
    """The connections of one process that wait, in the order in which they came."""

    def __init__(self, app_state: dict[str, Any]) -> None:
        self._app_state = app_state
        self._waiting: deque[_Arrival] = deque()
        self._begun = 0
        """In this turn."""
        self._turn: asyncio.Handle | None = None

    def add(self, arrival: "_Arrival") -> None:
        """Lets a connection begin, or has it wait for a later turn."""
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self.run_turn)
        if self._waiting or self._begun >= ARRIVALS_PER_TURN_MAX:
            arrival.hold()
            self._waiting.append(arrival)
        else:
            arrival.begin()
            self._begun += 1

    def run_turn(self) -> None:
        """Lets as many of those that wait begin as have not begun in this turn already."""
        draining: asyncio.Event | None = self._app_state.get(DRAINING)
        left = ARRIVALS_PER_TURN_MAX - self._begun
        while self._waiting and left:
            arrival = self._waiting.popleft()
            if draining and draining.is_set():  # the server has counted its connections already
                arrival.transport.abort()
            elif not arrival.transport.is_closing():
                arrival.begin()
                left -= 1
        self._begun = 0
        self._turn = asyncio.get_running_loop().call_soon(self.run_turn) if self._waiting else None


class _Arrival(asyncio.Protocol):
    """A connection that is not HTTP's yet."""

    transport: asyncio.Transport

    def __init__(self, arrivals: Arrivals, make: Callable[[], asyncio.Protocol]) -> None:
        self._arrivals = arrivals
        self._make = make
        self._is_held = False
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._arrivals.add(self)

    def hold(self) -> None:
        self._is_held = True
        self.transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Keeps one read. asyncio before 3.11.4 begins to read after `connection_made`, paused or not."""
        self._received += data
        self.transport.resume_reading()
        self.transport.pause_reading()

    def begin(self) -> None:
        protocol = self._make()
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        if self._is_held and not self.transport.is_closing():
            self.transport.resume_reading()
        if self._received and not self.transport.is_closing():
            protocol.data_received(self._received)
