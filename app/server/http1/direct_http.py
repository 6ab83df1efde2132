"""Requests that need no ASGI: the application gets the head and the whole body at once, and its reply is written at once.

A scope, messages and a cycle of uvicorn's for each request cost 25 µs of CPU, a third of an echo. A request with `Origin`, and
one that is unusual on the connection (an upgrade, an answer that may last, a large body, HTTP/1.0, a peer that does not read), goes
uvicorn's way.
"""

import asyncio
from collections.abc import Coroutine
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.server.direct_application import DIRECT, DirectApplication, Head, HttpReply
from app.server.http1.streamed_answers import StreamedAnswers

BODY_BYTES_MAX: Final = 64 * 1024


class _NoEvent:
    """An event without waiters."""

    def set(self) -> None: ...


class _Cycle:
    """Stands in place of uvicorn's own while a request is read and answered: the protocol looks at it, and marks its end."""

    message_event: Final = _NoEvent()
    response_started = False
    response_complete = False
    disconnected = False
    keep_alive = True
    task: asyncio.Task[None]
    """Writes the answer."""

    def __init__(self) -> None:
        self.body = bytearray()


class DirectProtocol(StreamedAnswers):
    """A connection with requests that are answered without ASGI."""

    _reading: _Cycle | None = None
    """The request that may be answered directly, until its body is there."""

    def on_message_begin(self) -> None:
        # As uvicorn does, but for the scope: it is made when it is needed.
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self.head_begins()

    def on_headers_complete(self) -> None:
        if not self._may_be_direct():
            self._make_scope()
            super().on_headers_complete()
        elif self.head_fits():
            self.cycle = self._reading = _Cycle()  # type: ignore[assignment]

    def on_body(self, body: bytes) -> None:
        if self._reading is None:
            super().on_body(body)
            return
        if self._is_chunked:
            self.count_chunk(body)
        self._reading.body += body
        if len(self._reading.body) > BODY_BYTES_MAX:
            self._go_the_usual_way(self._reading)

    def on_message_complete(self) -> None:
        cycle, self._reading = self._reading, None
        if cycle is None:
            super().on_message_complete()
            return
        if not self.is_open:
            return
        if self.flow.write_paused:
            self._go_the_usual_way(cycle)
            super().on_message_complete()
            return
        direct: DirectApplication = self.app_state[DIRECT]
        self.message_ends()
        reply = direct.handle(Head("POST", self.headers), bytes(cycle.body))
        cycle.task = self.loop.create_task(self._answer(reply, cycle))
        self.tasks.add(cycle.task)

    def _may_be_direct(self) -> bool:
        direct: DirectApplication | None = self.app_state.get(DIRECT)
        cycle: Any = self.cycle
        is_idle = cycle is None or cycle.response_complete
        if direct is None or self.url != direct.path or not is_idle or self.expect_100_continue:
            return False
        if self.has_origin or self.may_last:
            return False
        parser: Any = self.parser
        return parser.get_method() == b"POST" and parser.should_keep_alive() and not parser.should_upgrade()

    def _make_scope(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        HttpToolsProtocol.on_message_begin(self)
        self.introduce_peer()
        self.headers += headers
        self.url, self.expect_100_continue = url, expects

    def _go_the_usual_way(self, cycle: _Cycle) -> None:
        self.cycle, self._reading = None, None  # type: ignore[assignment]
        self._make_scope()
        super().on_headers_complete()
        usual: Any = self.cycle
        if usual is None:  # the head is too large
            return
        usual.keep_alive = usual.keep_alive and cycle.keep_alive
        if cycle.body:
            super().on_body(bytes(cycle.body))

    async def _answer(self, work: Coroutine[Any, Any, HttpReply], cycle: _Cycle) -> None:
        try:
            reply = await work
        except BaseException:  # the process ends, or there is a bug: asyncio logs the latter
            self.transport.close()
            raise
        finally:  # a callback of the task's end would cost a turn of the event loop more
            self.tasks.discard(cycle.task)
        if cycle.disconnected:
            return
        cycle.response_complete = True
        head = b"".join([b"%b: %b\r\n" % header for header in reply.headers])
        close = b"" if cycle.keep_alive else b"connection: close\r\n"
        parts = (_status_line(reply.status), self.default_headers(), head, close, b"\r\n", reply.body)
        self.transport.write(b"".join(parts))
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()


@lru_cache
def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
