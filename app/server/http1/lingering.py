"""Closing a connection so that its peer can still read why.

A connection that is closed while the peer's bytes lie unread is reset by the kernel, and the peer loses the status or the close
frame that was sent last. So the writing side is closed first, and for a moment what comes is read and dropped.
"""

import asyncio
from typing import Final

LINGER_S: Final = 1.0
READ_EVERY_S: Final = 0.01
"""Seconds between two reads: a peer that goes on flooding costs little until the connection is cut off."""


def close_lingering(connection: asyncio.Protocol, transport: asyncio.Transport) -> asyncio.TimerHandle:
    """Closes the transport when the peer has closed its side, at the latest after `LINGER_S`: the timer that is returned.

    `connection` receives nothing more but the end.
    """
    loop = asyncio.get_running_loop()
    transport.write_eof()
    timer = loop.call_later(LINGER_S, transport.abort)
    transport.set_protocol(_DiscardingProtocol(connection, transport, timer))
    transport.resume_reading()
    return timer


class _DiscardingProtocol(asyncio.Protocol):
    def __init__(self, connection: asyncio.Protocol, transport: asyncio.Transport, timer: asyncio.TimerHandle) -> None:
        self._connection = connection
        self._transport = transport
        self._timer = timer

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 - it is dropped
        self._transport.pause_reading()
        asyncio.get_running_loop().call_later(READ_EVERY_S, self._read_on)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._connection.connection_lost(exc)

    def _read_on(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()
