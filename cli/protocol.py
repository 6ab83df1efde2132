"""HTTP as uvicorn speaks it, with a limit on what a peer may take: time to send a request, and bytes of its head.

uvicorn has neither: a connection that sends a byte a minute, or headers without end, would be served for ever.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_S_MOST: Final = 15.0
"""From the connection, or from its first byte, until a request is there whole."""
HEAD_BYTES_MOST: Final = 32 * 1024

_TIMEOUT: Final = b"408 Request Timeout"
_HEAD_TOO_LARGE: Final = b"431 Request Header Fields Too Large"


class Protocol(HttpToolsProtocol):
    """One connection."""

    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._request_is_there()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Tells the application that it is to end the answers that last."""
        draining: asyncio.Event | None = self.app_state.get("draining")
        if draining:
            draining.set()
        super().shutdown()

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES_MOST:  # a header line without end
            self._refuse(_HEAD_TOO_LARGE)

    def handle_websocket_upgrade(self) -> None:
        self._request_is_there()
        if not self.transport.is_closing():
            super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._deadline is None:
            self._expect_request()

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > HEAD_BYTES_MOST:
            self._refuse(_HEAD_TOO_LARGE)
            return
        self._in_head, self._head_bytes = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._request_is_there()
        self._in_head = True
        if not self.transport.is_closing():
            super().on_message_complete()

    def on_body(self, body: bytes) -> None:
        if not self.transport.is_closing():
            super().on_body(body)

    def _expect_request(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_S_MOST, self._refuse, _TIMEOUT)

    def _request_is_there(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: bytes) -> None:
        """Says why, where an answer is still awaited, and hangs up."""
        self._request_is_there()
        if self.transport.is_closing():
            return
        cycle: Any = self.cycle
        is_idle = cycle is None or cycle.response_complete
        is_begun = self._head_bytes > 0 if self._in_head else cycle is not None and not cycle.response_started
        if is_begun and is_idle == self._in_head:
            self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
