"""One HTTP connection: a limit on the time that a request takes to come, and a short way for an answer to go.

uvicorn has no such limit: a connection that sends a byte a minute would be served for ever.
"""

import asyncio
from typing import Any, Final

from app.server.http1.paced_protocol import PacedProtocol

REQUEST_S_MAX: Final = 15.0
"""From the connection, or from its first byte, until a request is there whole."""

RESPOND: Final = "osago.respond"
"""Where the application finds, in its scope, what writes a whole answer at once."""

OK: Final = b"HTTP/1.1 200 OK\r\n"
_TIMEOUT: Final = b"408 Request Timeout"


class LimitedHttp(PacedProtocol):
    """One connection."""

    _due_s: float | None = None
    _written_defaults: bytes | None = None
    _idle_until_s: float | None = None
    """An idle connection is kept so long."""
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        self._idle_until_s = None
        super().data_received(data)

    def handle_websocket_upgrade(self) -> None:
        self.scope.pop(RESPOND, None)  # type: ignore[typeddict-item]
        super().handle_websocket_upgrade()

    def head_grows(self) -> None:
        """From here on the request's time is counted, if it was not before."""
        if self._due_s is None:
            self._expect_request()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.scope[RESPOND] = self._respond  # type: ignore[typeddict-unknown-key]

    def message_ends(self) -> None:
        """The request is there; what follows is another one's head."""
        self._due_s = None
        super().message_ends()

    def let_go(self) -> None:
        self._due_s = None
        if self._timer:
            self._timer.cancel()
        super().let_go()

    def shutdown(self) -> None:
        """Notifies the application that it is to end the answers that last."""
        draining: asyncio.Event | None = self.app_state.get("draining")
        if draining:
            draining.set()
        super().shutdown()

    def on_response_complete(self) -> None:
        """As uvicorn does, but with the connection's own timer instead of one that is set and cancelled with each request."""
        self.server_state.total_requests += 1
        if not self.is_open:
            return
        self.flow.resume_reading()
        if self._received:
            self._go_on_soon()
        else:
            self._idle_until_s = self.loop.time() + self.timeout_keep_alive
            self._timer = self._timer or self.loop.call_at(self._idle_until_s, self._look)

    def default_headers(self) -> bytes:
        """The headers that go with every answer, written once for a connection."""
        if self._written_defaults is None:
            headers = self.server_state.default_headers
            self._written_defaults = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        return self._written_defaults

    def _respond(self, head: bytes, body: bytes) -> bool:
        """Writes a whole answer with status 200; False where the usual way has to do it.

        uvicorn takes each header apart that the application has put together: 15 % of a known mutation's CPU. `head` has the
        answer's own headers, each ended by CRLF, its length among them, and nothing in it that a peer has chosen freely.
        """
        cycle: Any = self.cycle
        is_plain = cycle.keep_alive and not (cycle.response_started or cycle.waiting_for_100_continue)
        if not is_plain or cycle.disconnected or self.flow.write_paused:
            return False
        cycle.response_started = cycle.response_complete = True
        self.transport.write(b"".join((OK, self.default_headers(), head, b"\r\n", body)))
        cycle.message_event.set()
        cycle.on_response()
        return True

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
            self.refuse(_TIMEOUT)
