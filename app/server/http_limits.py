"""HTTP as uvicorn speaks it, with a limit on what a peer may take: time to send a request, and bytes of its head.

uvicorn has neither: a connection that sends a byte a minute, or headers without end, would be served for ever.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_S_MAX: Final = 15.0
"""From the connection, or from its first byte, until a request is there whole."""
HEAD_BYTES_MAX: Final = 32 * 1024

RESPOND: Final = "osago.respond"
"""Where the application finds, in its scope, what writes a whole answer at once."""

OK: Final = b"HTTP/1.1 200 OK\r\n"
_TIMEOUT: Final = b"408 Request Timeout"
_HEAD_TOO_LARGE: Final = b"431 Request Header Fields Too Large"


class LimitedHttp(HttpToolsProtocol):
    """One connection."""

    _due_s: float | None = None
    _written_defaults: bytes | None = None
    _idle_until_s: float | None = None
    """Nobody has asked for anything since; the connection is kept so long."""
    _timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _chunk_bytes = 0
    _seen_bytes = 0
    """Since the last head, and what came with it: no head is larger than that."""
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._request_is_there()
        if self._timer:
            self._timer.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Tells the application that it is to end the answers that last."""
        draining: asyncio.Event | None = self.app_state.get("draining")
        if draining:
            draining.set()
        super().shutdown()

    def on_response_complete(self) -> None:
        """As uvicorn does, but with the connection's own timer instead of one that is set and cancelled with each request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle_until_s = self.loop.time() + self.timeout_keep_alive
            self._timer = self._timer or self.loop.call_at(self._idle_until_s, self._look)

    def data_received(self, data: bytes) -> None:
        self._idle_until_s = None
        self._chunk_bytes = len(data)
        self._seen_bytes += len(data)
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES_MAX:  # a header line without end
            self._refuse(_HEAD_TOO_LARGE)

    def handle_websocket_upgrade(self) -> None:
        self._request_is_there()
        if self._timer:
            self._timer.cancel()
        if not self.transport.is_closing():
            super().handle_websocket_upgrade()
            # The connection is another protocol's from here on; this one must not live on until garbage is looked for.
            self.scope.pop(RESPOND)  # type: ignore[typeddict-item]
            self.parser = None  # pyright: ignore[reportAttributeAccessIssue]

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.request_begins()

    def request_begins(self) -> None:
        """From here on its time is counted, if it was not before."""
        if self._due_s is None:
            self._expect_request()

    def head_fits(self) -> bool:
        """Whether the head that has just ended is no larger than it may be; otherwise it is refused."""
        if self._seen_bytes > HEAD_BYTES_MAX:  # it may be a body that was large
            size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if size > HEAD_BYTES_MAX:
                self._refuse(_HEAD_TOO_LARGE)
                return False
        self._in_head, self._head_bytes, self._seen_bytes = False, 0, self._chunk_bytes
        return True

    def on_headers_complete(self) -> None:
        if not self.head_fits():
            return
        super().on_headers_complete()
        self.scope[RESPOND] = self._respond  # type: ignore[typeddict-unknown-key]

    def on_message_complete(self) -> None:
        self.message_ends()
        if not self.transport.is_closing():
            super().on_message_complete()

    def on_body(self, body: bytes) -> None:
        if not self.transport.is_closing():
            super().on_body(body)

    def _respond(self, head: bytes, body: bytes) -> bool:
        """Writes a whole answer with status 200; False where the usual way has to do it.

        uvicorn takes each header apart that the application has put together: 15 % of a known mutation's CPU. `head` has the
        answer's own headers, each ended by CRLF, its length among them, and nothing in it that a peer has chosen freely.
        """
        cycle: Any = self.cycle
        is_plain = cycle.keep_alive and not (cycle.response_started or cycle.waiting_for_100_continue)
        if not is_plain or self.pipeline or cycle.disconnected or self.flow.write_paused:
            return False
        cycle.response_started = cycle.response_complete = True
        self.transport.write(b"".join((OK, self.default_headers(), head, b"\r\n", body)))
        cycle.message_event.set()
        cycle.on_response()
        return True

    def default_headers(self) -> bytes:
        """The headers that go with every answer, written once for a connection."""
        if self._written_defaults is None:
            headers = self.server_state.default_headers
            self._written_defaults = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        return self._written_defaults

    def _expect_request(self) -> None:
        self._due_s = self.loop.time() + REQUEST_S_MAX
        self._timer = self._timer or self.loop.call_at(self._due_s, self._look)

    def _look(self) -> None:
        """One timer serves a connection for its life: it looks, when it fires, whether the time of something is up."""
        self._timer = None
        until_s = self._idle_until_s if self._due_s is None else self._due_s
        if until_s is None:
            return
        if until_s > self.loop.time():
            self._timer = self.loop.call_at(until_s, self._look)
        elif self._due_s is None:
            self.transport.close()
        else:
            self._refuse(_TIMEOUT)

    def message_ends(self) -> None:
        """The request is there; what follows is another one's head."""
        self._request_is_there()
        self._in_head = True

    def _request_is_there(self) -> None:
        self._due_s = None

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
