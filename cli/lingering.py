"""Closing a connection so that its peer can still read why.

A connection that is closed while the peer's bytes lie unread is reset by the kernel, and the peer loses the status or the close
frame that was sent last. So the writing side is closed first, and for a moment what comes is read and dropped.
"""

import asyncio
from typing import Final

LINGER_S: Final = 1.0


def close_lingering(connection: asyncio.Protocol, transport: asyncio.Transport) -> asyncio.TimerHandle:
    """Closes the transport when the peer has closed its side, at the latest after `LINGER_S`: the timer that is returned.

    `connection` receives nothing more but the end.
    """
    loop = asyncio.get_running_loop()
    transport.write_eof()
    timer = loop.call_later(LINGER_S, transport.abort)
    transport.set_protocol(_DiscardingProtocol(connection, timer))
    transport.resume_reading()
    return timer


class _DiscardingProtocol(asyncio.Protocol):
    def __init__(self, connection: asyncio.Protocol, timer: asyncio.TimerHandle) -> None:
        self._connection = connection
        self._timer = timer

    def data_received(self, data: bytes) -> None: ...

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._connection.connection_lost(exc)
