"""The transport of one insurer's exchanges: a limit on all bytes of each, and on those that one turn of the loop parses.

aiohttp limits a head and a header. It counts neither interim responses nor chunk extensions nor framing, and parses
all bytes of a read in one go, while every other insurer waits. Here each byte counts, of any kind; and what one
insurer sends beyond its share of a turn waits, on all its connections together, so that 2,500 of them delay others no
longer than one.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import _EXC_SENTINEL  # pyright: ignore[reportPrivateUsage] - the default of a public method
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader

from workers.adapters.transport.call_timeout import GatedConnector

EXCHANGE_BYTES_MAX: Final = 2 * 1024 * 1024
"""All that comes for one request: interim responses, heads, chunk sizes and extensions, body, trailers."""
FRAMING_BYTES_MAX: Final = 256 * 1024
"""The part of these that may be no body. One-byte chunks are the dearest bytes there are: 2.5 µs of CPU for each six."""
INTERIM_MAX: Final = 4
"""Interim responses (1xx) before the answer. There is nothing that an insurer needs one for."""
TURN_BYTES_MAX: Final = 32 * 1024
"""The bytes of one insurer that are parsed in one turn of the loop: up to 13 ms of CPU."""
_PIECE_BYTES: Final = 8 * 1024
_HEAD_PIECE_BYTES: Final = 2 * 1024
"""Before the answer's head: a read of 256 KiB may hold 13,000 interim responses, and the fifth is the last."""
_SWITCHING: Final = 101
OnCertificate: TypeAlias = Callable[[Mapping[str, Any]], None] | None
"""Called with each certificate that the other side of a connection shows, as `ssl.SSLSocket.getpeercert` has it."""


class ExchangeRefused(aiohttp.ClientError):
    """The exchange was broken off, for it was more than one exchange can be; the text says what was too much."""


class ReadTurns:
    """One insurer's share of the event loop: how many of its bytes are parsed in a turn. A piece of each connection in turn."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._left = TURN_BYTES_MAX
        self._waiting: deque[BoundedExchange] = deque()
        self._is_counting = False

    def take(self, size: int) -> bool:
        """Whether so many bytes can be parsed at once; if not, their connection has to `wait`."""
        self._count()
        if self._waiting or size > self._left:
            return False
        self._left -= size
        return True

    def wait(self, exchange: "BoundedExchange") -> None:
        """Calls `parse_held` of this connection in a later turn, once."""
        self._waiting.append(exchange)
        self._count()

    def _count(self) -> None:
        if not self._is_counting:
            self._is_counting = True
            self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        """The next turn of the loop."""
        self._is_counting = False
        self._left = TURN_BYTES_MAX
        try:
            while self._waiting and self._left > 0:
                self._left -= self._waiting.popleft().parse_held()
        finally:
            if self._waiting:
                self._count()


class BoundedExchange(ResponseHandler):
    """A connection. Each request that is sent over it begins another exchange."""

    def __init__(self, loop: asyncio.AbstractEventLoop, turns: ReadTurns, on_certificate: OnCertificate = None) -> None:
        super().__init__(loop)
        self._turns = turns
        self._on_certificate = on_certificate
        self._held: deque[bytes] = deque()
        """Read, and not parsed yet; meanwhile nothing is read."""
        self._is_waiting = False
        self._received = self._parsed = self._interims = 0
        self._answer: StreamReader | None = None
        self._refusal: ExchangeRefused | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called again with the transport inside a proxy's tunnel."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object") if self._on_certificate else None
        if tls is not None and self._on_certificate:
            self._on_certificate(tls.getpeercert() or {})

    def set_response_params(self, **params: Any) -> None:
        self._received = self._parsed = self._interims = 0
        self._answer = None
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        if not data:  # aiohttp itself, to go on with what it has decompressed in part
            super().data_received(data)
            return
        if self._refusal is not None:
            return
        self._received += len(data)
        if self._received > EXCHANGE_BYTES_MAX:
            self._refuse(f"more than {EXCHANGE_BYTES_MAX} bytes")
        elif self._answer is not None and self._answer.is_eof() and not self._held:
            # It would be taken for the answer to the next request, which may be another customer's.
            self._refuse("more than one answer")
        elif self._held or self._reading_paused or not self._turns.take(len(data)):
            self._hold(data)
        else:
            self._parse(data)

    def parse_held(self) -> int:
        """Parses a piece of what waits, and returns how many bytes it was."""
        self._is_waiting = False
        if self.transport is None:  # closed meanwhile
            self._held.clear()
        if self._reading_paused or not self._held:
            return 0
        data = self._held.popleft()
        piece, rest = data[:_PIECE_BYTES], data[_PIECE_BYTES:]
        if rest:
            self._held.appendleft(rest)
        self._parse(piece)
        if self._held:
            self._wait()
        elif self._refusal is None:
            self._resume_reading_for_buffer()
        return len(piece)

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001, FBT002 - aiohttp's own
        super().resume_reading(resume_parser)
        if self._held:
            self._wait()

    def connection_lost(self, exc: BaseException | None) -> None:
        # One that was closed here needs no rest.
        while self._held and self.transport is not None and not self._reading_paused:
            self._parse(self._held.popleft())
        self._held.clear()
        super().connection_lost(exc)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Takes a head that has been parsed: an interim one is counted and dropped."""
        message, body = data
        if self._refusal is not None:
            return
        if self._answer is not None:
            self._refuse("more than one answer")
        elif 100 <= message.code < 200 and message.code != _SWITCHING:  # noqa: PLR2004 - HTTP's own classes
            self._interims += 1
            if self._interims > INTERIM_MAX:
                self._refuse(f"more than {INTERIM_MAX} interim responses")
        else:
            self._answer = body
            super().feed_data(data, size)

    def set_exception(self, exc: BaseException, exc_cause: BaseException = _EXC_SENTINEL) -> None:
        super().set_exception(exc, exc_cause)
        if isinstance(exc, HttpProcessingError) and self._answer is not None and not self._answer.is_eof():
            # aiohttp leaves the reader of the body waiting where a trailer is no HTTP.
            self._answer.set_exception(ExchangeRefused("no HTTP"))

    def _parse(self, data: bytes) -> None:
        """Before the answer's head in small pieces: what is to be refused there is seen after each."""
        while data and self._exception is None:
            size = _HEAD_PIECE_BYTES if self._answer is None else _PIECE_BYTES
            piece, data = data[:size], data[size:]
            super().data_received(piece)
            self._count_framing(len(piece))
            if data and self._reading_paused:
                self._hold(data, is_first=True)
                return

    def _count_framing(self, size: int) -> None:
        self._parsed += size
        if self._refusal is None and (self._answer is None or not self._answer.is_eof()):
            body = 0 if self._answer is None else self._answer.total_raw_bytes
            if self._parsed - body > FRAMING_BYTES_MAX:
                self._refuse(f"more than {FRAMING_BYTES_MAX} bytes around the body")

    def _hold(self, data: bytes, *, is_first: bool = False) -> None:
        self._held.appendleft(data) if is_first else self._held.append(data)
        self._pause_reading_for_buffer()
        self._wait()

    def _wait(self) -> None:
        if not (self._is_waiting or self._reading_paused):
            self._is_waiting = True
            self._turns.wait(self)

    def _refuse(self, why: str) -> None:
        """Breaks the connection. What has been answered in full before stays answered."""
        self._refusal = refusal = ExchangeRefused(why)
        self._held.clear()
        self._parser = None  # its state is of no interest, and its end no error of its own
        if self._answer is not None and not self._answer.is_eof():
            self._answer.set_exception(refusal)
        self.set_exception(refusal)
        if self.transport is not None:
            self.transport.abort()


class ExchangeConnector(GatedConnector):
    """One insurer's connections, each a `BoundedExchange`; the proxy's and those inside its tunnel too."""

    def __init__(self, *, on_certificate: OnCertificate = None, **options: Any) -> None:
        super().__init__(**options)  # pyright: ignore[reportUnknownMemberType] - of a socket's address, in aiohttp
        turns = ReadTurns(self._loop)
        self._factory = lambda: BoundedExchange(self._loop, turns, on_certificate)
