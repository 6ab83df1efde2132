"""The limits on the time in which a request of an HTTP connection has to come, and on its path.

uvicorn has no such limits: a connection that sends a byte a minute would be served for ever, and a path is decoded before
anything looks at it.
"""

import asyncio
from typing import Final

from app.server.direct_application import DRAINING
from app.server.http1.paced_protocol import PacedProtocol

REQUEST_S_MAX: Final = 15.0
"""From the connection, or from its first byte, until a request is there whole."""
PATH_BYTES_MAX: Final = 2048
"""An insurer's address to call, the longest that is given away, has some 550."""

_PATH_TOO_LONG: Final = b"414 URI Too Long"
_TIMEOUT: Final = b"408 Request Timeout"


class LimitedHttp(PacedProtocol):
    """A connection with a time limit for each request, and one for paths."""

    _due_s: float | None = None
    _written_defaults: bytes | None = None
    _idle_until_s: float | None = None
    """Without a request the connection is kept so long."""
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_request()

    def head_grows(self) -> None:
        """From here on the request's time is counted, if it was not before."""
        if self._due_s is None:
            self._idle_until_s = None
            self._expect_request()

    def head_fits(self) -> bool:
        if self._in_head and len(self.url) > PATH_BYTES_MAX and len(self.url.partition(b"?")[0]) > PATH_BYTES_MAX:
            self.refuse(_PATH_TOO_LONG)
            return False
        return super().head_fits()

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
        """No answer that lasts begins from now on."""
        draining: asyncio.Event | None = self.app_state.get(DRAINING)
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
