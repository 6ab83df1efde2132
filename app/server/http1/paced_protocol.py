"""HTTP/1.1 that reads no further than it answers: what a connection receives is fed to the parser one request at a time.

uvicorn parses all that it has read at once, merges trailers into headers, and gives a request with `Upgrade: h2c` no body. Here
the parser is fed up to the end of one request; what was read beyond it stays bytes, and reading pauses, until that request is
answered. A turn of the event loop feeds a bounded part of a long head or of a body in chunks.
"""

import asyncio
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.server.http1.boundaries import PIECE_BYTES_MAX, RequestBoundaries
from app.server.http1.lingering import close_lingering
from app.server.paced_flow import PacedFlow
from app.server.peer_budget import CHUNK_FRAMING_BYTES, PeerBudget, PeerCost

HEAD_BYTES_MAX: Final = 32 * 1024
HEADERS_MAX: Final = 256
PIECES_PER_TURN_MAX: Final = 16
"""Fed to the parser before other connections have their turn. Their bytes are limited by `PIECE_BYTES_MAX`."""

BAD_REQUEST: Final = b"400 Bad Request"
NOT_ALLOWED: Final = b"405 Method Not Allowed"
TOO_LARGE: Final = b"413 Content Too Large"
HEAD_TOO_LARGE: Final = b"431 Request Header Fields Too Large"
_OF_CONNECTION: Final = frozenset({b"content-length", b"transfer-encoding", b"origin", b"expect", b"accept"})
"""Headers that the connection heeds itself."""
_OF_UPGRADE: Final = frozenset({b"upgrade", b"http2-settings"})


class PacedProtocol(HttpToolsProtocol):
    """A connection that parses its input in bounded pieces."""

    flow: Any
    parser: Any
    _going_on: asyncio.Handle | None = None
    _received = b""
    """Bytes that were read and not fed to the parser yet: from `_fed` on."""
    _fed = 0
    _head_bytes = 0
    """The bytes of the head that is being read; 0 once it has ended."""
    _in_head = True
    _body_length = 0
    _is_chunked = False
    has_origin = False
    may_last = False
    """Whether an answer may be one that lasts: events, or parts of a document."""
    _piece_chunks = 0
    _piece_body_bytes = 0
    _is_upgrade_ignored = False
    _is_refused = False
    is_waiting = False
    """For its admission as a WebSocket: what follows is for that one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.budget = PeerBudget()
        self._boundaries = RequestBoundaries()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = PacedFlow(transport, self._go_on_soon)

    def connection_lost(self, exc: Exception | None) -> None:
        self.let_go()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._received:
            self._received, self._fed = self._received[self._fed :] + data, 0
        else:
            self._received = data
        if self._going_on is None:
            self._go_on()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._received:
            self._go_on_soon()

    def handle_websocket_upgrade(self) -> None:
        received = self._received[self._fed :]
        self.flow.release()
        self.let_go()
        if self.transport.is_closing():
            return
        super().handle_websocket_upgrade()
        # The connection is another protocol's from here on; this one must not live on until garbage is looked for.
        self.parser = None
        if received:
            websocket: Any = self.transport.get_protocol()
            websocket.data_received(received)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.head_begins()

    def head_begins(self) -> None:
        """Starts the counts of a new request."""
        self._body_length, self._is_chunked, self.has_origin, self.may_last = 0, False, False, False
        self.budget.renew()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Headers end with the head: a trailer is counted, and dropped (RFC 9110, 6.5.1)."""
        if self._in_head:
            name = name.lower()
            self.headers.append((name, value))
            if name in _OF_CONNECTION:
                self._note_header(name, value)
            return
        size = len(name) + len(value) + len(b": \r\n")
        if not (self.budget.grants(PeerCost.TRAILER) and self.budget.grants(PeerCost.TRAILER_BYTE, size)):
            self.refuse(HEAD_TOO_LARGE)

    def _note_header(self, name: bytes, value: bytes) -> None:
        if name == b"content-length":
            self._body_length = int(value)
        elif name == b"transfer-encoding":
            self._is_chunked = True
        elif name == b"origin":
            self.has_origin = True
        elif name == b"accept":
            self.may_last = self.may_last or b"text/event-stream" in value or b"multipart/" in value
        elif value.lower() == b"100-continue":
            self.expect_100_continue = True

    def head_grows(self) -> None:
        """Bytes of a request's head have come, or line ends before it."""

    def head_fits(self) -> bool:
        """Whether the head that has just ended is no larger than it may be; otherwise it is refused."""
        if not self._in_head:  # it has been looked at: the request goes another way now
            return True
        if self._head_bytes > HEAD_BYTES_MAX or len(self.headers) > HEADERS_MAX:
            self.refuse(HEAD_TOO_LARGE)
            return False
        self._in_head, self._head_bytes = False, 0
        self._boundaries.head_ends(self._body_length)
        return True

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade() and not self._should_upgrade():
            self._is_upgrade_ignored = True
        elif self.head_fits():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._is_chunked:
            self.count_chunk(body)
        if self.is_open:
            super().on_body(body)

    def count_chunk(self, body: bytes) -> None:
        """Counts a chunk of a body, or a part of one."""
        self._piece_chunks += 1
        self._piece_body_bytes += len(body)

    def on_message_complete(self) -> None:
        if self._is_upgrade_ignored:  # the parser takes the body for another protocol's: it has not been read yet
            return
        self.message_ends()
        if self.is_open:
            super().on_message_complete()

    def message_ends(self) -> None:
        """The request is there; what follows is another one's head."""
        self._in_head = True

    @property
    def is_open(self) -> bool:
        return not (self._is_refused or self.transport.is_closing())

    def _go_on_soon(self) -> None:
        if self._going_on is None and self.is_open:
            self._going_on = self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Feeds what was received, as far as the request that is being read and this turn's share go."""
        self._going_on = None
        bytes_left, pieces_left = PIECE_BYTES_MAX, PIECES_PER_TURN_MAX
        while self._received and self.is_open and not self._is_held():
            if bytes_left <= 0 or not pieces_left:
                self._go_on_soon()
                break
            counted = self._feed_piece()
            bytes_left, pieces_left = bytes_left - counted, pieces_left - 1
        if self._received:
            self.flow.hold()
        else:
            self.flow.release()

    def _is_held(self) -> bool:
        """Whether what comes next waits: a body for its application, a request for the answer to the one before it."""
        if self.is_waiting or not self._in_head:
            return self.is_waiting or self.flow.read_paused
        cycle: Any = self.cycle
        return self.flow.write_paused or (cycle is not None and not cycle.response_complete)

    def _feed_piece(self) -> int:
        """Feeds the next piece; returns how many bytes of this turn's share it takes."""
        received, start = self._received, self._fed
        end = self._boundaries.next_end(received, start, in_head=self._in_head)
        if end == len(received):
            self._received, self._fed = b"", 0
        else:
            self._fed = end
        if self._in_head:
            head_bytes = end - start - self._boundaries.body_bytes
            self._head_bytes += head_bytes
            self.head_grows()
            self._feed(received[start:end])
            return head_bytes
        if not self._is_chunked:
            self._feed(received[start:end])
            return 0
        self._piece_chunks = self._piece_body_bytes = 0
        self._feed(received[start:end])
        self._charge_chunks(end - start)
        return end - start

    def _feed(self, piece: bytes) -> None:
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            self._received, self._fed = piece[upgrade.args[0] :] + self._received[self._fed :], 0
            self._boundaries.take_back()
            if self._is_upgrade_ignored:
                self._feed_without_upgrade()
            elif self.is_open:
                self.handle_websocket_upgrade()
        except httptools.HttpParserError:
            self.refuse(BAD_REQUEST)
        else:
            # A head that has ended is 0 bytes here.
            if self._head_bytes > HEAD_BYTES_MAX or (self._head_bytes and len(self.headers or ()) > HEADERS_MAX):
                self.refuse(HEAD_TOO_LARGE)

    def _charge_chunks(self, size: int) -> None:
        """Chunk extensions, and a trailer without end, show only in what was fed and is no body."""
        if self._in_head:  # the request has ended
            return
        framing = size - self._piece_body_bytes - self._piece_chunks * CHUNK_FRAMING_BYTES
        if not self.budget.grants(PeerCost.CHUNK, self._piece_chunks):
            self.refuse(TOO_LARGE)
        elif not self.budget.grants(PeerCost.FRAMING_BYTE, framing):
            self.refuse(HEAD_TOO_LARGE)

    def _should_upgrade(self) -> bool:
        """To a WebSocket, by GET, and to nothing else. The parser has seen that `Connection` names the upgrade."""
        is_websocket = any(name == b"upgrade" and value.lower() == b"websocket" for name, value in self.headers)
        return is_websocket and self.parser.get_method() == b"GET"

    def _feed_without_upgrade(self) -> None:
        """Parses the head again, without the upgrade that nothing here speaks: it is ignored (RFC 9110, 7.8).

        The parser would stop at it for good, and give the request no body.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            self.refuse(NOT_ALLOWED)
            return
        lines = [name + b": " + value for name, value in self.headers if name not in _OF_UPGRADE]
        head = b"\r\n".join([b"%b %b HTTP/%b" % (method, self.url, version), *lines, b"\r\n"])
        self._is_upgrade_ignored = False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._feed(head)

    def refuse(self, status: bytes) -> None:
        """Sends the reason, where an answer is still awaited, and closes the connection."""
        if not self.is_open:
            return
        self.hang_up()
        cycle: Any = self.cycle
        is_idle = cycle is None or cycle.response_complete
        is_begun = self._head_bytes > 0 if self._in_head else cycle is not None and not cycle.response_started
        if not is_begun or is_idle != self._in_head:
            self.transport.close()
            return
        self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        close_lingering(self, self.transport)

    def hang_up(self) -> None:
        """Closes the connection; nothing that comes is parsed any more."""
        self._is_refused = True
        self.let_go()

    def let_go(self) -> None:
        """The connection ends, or becomes another protocol's."""
        if self._going_on:
            self._going_on.cancel()
        self._received = b""
        self.flow.let_go()
