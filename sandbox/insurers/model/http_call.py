"""One HTTP call to an insurer, close enough to the wire to misbehave on it. Which way is `sandbox.insurers.wire.behave`'s."""

import asyncio
import contextlib
from collections.abc import Generator, Iterable
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from sandbox.insurers.model.call_log import NO_STATUS, InsurerRecord, KeyRecord, count
from sandbox.insurers.model.replies import Reply

BODY_BYTES_MAX: Final = 256 * 1024


class Call:
    """A call and its answer; every call is counted."""

    __slots__ = ("_lingering", "_receive", "_scope", "_send", "insurer", "key")

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, *, insurer: InsurerRecord | None, lingering: "set[Call]"
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._lingering = lingering
        self.insurer = insurer
        self.key: KeyRecord | None = None

    @property
    def method(self) -> str:
        return self._scope["method"]

    @property
    def route(self) -> str:
        """The path as it was called."""
        return self._scope["path"]

    def path(self, name: str) -> str:
        """This part of the path."""
        return self._scope["path_params"][name]

    def header(self, name: bytes) -> str:
        """Empty where there is none."""
        return next((value.decode("latin-1") for each, value in self._scope["headers"] if each == name), "")

    async def body(self) -> bytes | None:
        """None where it is too large, or the client has gone before it was all there."""
        body = bytearray()
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            if len(body) > BODY_BYTES_MAX:
                return None
            if not message.get("more_body", False):
                return bytes(body)

    async def reply(self, reply: Reply) -> None:
        """The whole answer at once."""
        await self.start(reply, length=len(reply.body))
        await self.push(reply.body, more=False)

    async def start(self, reply: Reply, *, length: int | None) -> None:
        """Status and headers. Without a length the body is sent in chunks."""
        self._count(str(reply.status))
        headers = [(b"content-type", reply.media_type.encode())]
        if length is not None:
            headers.append((b"content-length", b"%d" % length))
        if reply.retry_after is not None:
            headers.append((b"retry-after", reply.retry_after.encode("latin-1")))
        await self._send({"type": "http.response.start", "status": reply.status, "headers": headers})

    async def push(self, part: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": more})

    async def wait(self, seconds: float | None) -> bool:
        """Whether the client is still there after so many seconds; None: until it has gone."""
        try:
            with self.lingering():
                async with asyncio.timeout(seconds):
                    while (await self._receive())["type"] != "http.disconnect":
                        pass
        except TimeoutError:
            return True
        return False

    @contextlib.contextmanager
    def lingering(self) -> Generator[None]:
        """Meanwhile the sandbox can break this call off."""
        self._lingering.add(self)
        try:
            yield
        finally:
            self._lingering.discard(self)

    async def hang(self) -> None:
        """Nothing at all until the client has gone."""
        self._count(NO_STATUS)
        await self.wait(None)

    async def break_off(self) -> None:
        """No answer but the end of the connection."""
        if transport := self._transport():
            self._count(NO_STATUS)
            transport.close()
            await self.wait(None)
        else:
            await self.break_off_after(Reply(200, b"{}"), b"")

    async def break_off_after(self, reply: Reply, part: bytes) -> None:
        """An answer that ends too early: every ASGI server has to close the connection then, as nothing else is left."""
        await self.start(reply, length=len(reply.body))
        await self.push(part)
        if transport := self._transport():
            transport.close()
            await self.wait(None)

    def hang_up(self) -> None:
        """Ends the connection at once, and so the wait of the call."""
        if transport := self._transport():
            transport.abort()

    def _transport(self) -> Any:
        """ASGI has no way to close a connection without an answer. With uvicorn `receive` is a method of an object that
        knows the transport; None with other servers, or behind middleware that wraps `receive`.
        """
        return getattr(getattr(self._receive, "__self__", None), "transport", None)

    def _count(self, status: str) -> None:
        if self.insurer is not None:
            count(self.insurer.statuses, status)
        if self.key is not None:
            count(self.key.statuses, status)


def hang_up(calls: Iterable[Call]) -> None:
    for call in list(calls):
        call.hang_up()
