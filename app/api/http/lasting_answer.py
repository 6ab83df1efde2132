"""An answer that lasts: what a subscription pushes, until its request has ended, or either side stops.

Its events are written by an `app.api.execution.subscriber.Subscriber`, without a task of its own; what waits here is what may
end the answer before.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import ClassVar, Final
from uuid import UUID

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.api.auth.tokens import Grant
from app.api.context import Context
from app.api.execution.subscriber import SlowReaders, Subscriber
from app.api.http.asgi_peer import AsgiPeer
from app.api.http.stream_admission import come_again, refusal_of
from app.api.http.stream_formats import StreamFormat
from app.api.services import Services
from app.domain.cursor import Cursor
from app.domain.errors import NotAuthenticated, Overloaded, SlowConsumer, Unavailable
from app.observability.logs import REQUEST_ID
from app.server.direct_application import DRAINING
from app.server.peer import Peer, address_of, peer_of
from app.story.frame_book import socket_label

HEARTBEAT_S: Final = 15.0
_HEADERS: Final = {
    "Cache-Control": "no-store, no-transform",  # or a compressing proxy would keep events back
    "X-Accel-Buffering": "no",  # and nginx
}
_BROKEN_OFF: Final[Mapping[str, NotAuthenticated | Unavailable]] = MappingProxyType(
    {"DRAINING": Unavailable("this process stops"), "UNAUTHENTICATED": NotAuthenticated()}
)


class Stopping:
    """Why a stream ends before the request does: the client has left, the token has expired, the process stops."""

    def __init__(self, on_stop: Callable[[], None]) -> None:
        self._on_stop = on_stop
        self.has_left = False
        self.reason = ""

    async def when_left(self, left: Callable[[], Awaitable[object]]) -> None:
        await left()
        self.has_left = True
        self.stop("LEFT")

    async def when_expired(self, grant: Grant, services: Services) -> None:
        while (left_s := grant.expires_at_s - services.clock.now().timestamp()) > 0:
            await services.clock.sleep(min(left_s, 3600))
        self.stop("UNAUTHENTICATED")

    def stop(self, reason: str) -> None:
        self.reason = self.reason or reason
        self._on_stop()


class AnswerChannel:
    """The one subscription of an answer (`app.api.execution.subscriber.Channel`)."""

    def __init__(self, peer: Peer, format_: StreamFormat, on_end: Callable[[], None]) -> None:
        self.peer = peer
        self.label = socket_label("stream")
        self.wait = SlowReaders(peer).wait
        self.format = format_
        self._on_end = on_end

    def begin(self, subscriber: Subscriber) -> None:
        """Waits until the answer has begun: nothing is writable before."""

    def next(self, payload: bytes, cursor: Cursor) -> bytes:
        return self.format.next(payload, cursor.encode())

    def end(self, error: Exception | None) -> None:
        if error is not None:
            self.peer.write(self.format.failure(error))
        self.peer.write(self.format.closing)
        self._on_end()


class LastingAnswer(Response):
    """The answer to `context`'s caller. Subclasses say what it pushes."""

    methods: ClassVar[str]
    """The HTTP methods of its route, as the header `Allow` names them."""

    def __init__(self, services: Services, grant: Grant, context: Context, format_: StreamFormat) -> None:
        super().__init__(headers={**_HEADERS, "Content-Type": format_.content_type})
        del self.headers["content-length"]
        self._services = services
        self._grant = grant
        self._format = format_
        self.context = context

    @abstractmethod
    async def begin(self, channel: AnswerChannel) -> bool:
        """Begins to push. False: there is nothing to come, and the client knows.

        What it raises is answered by `refusal`.
        """

    @abstractmethod
    def cancel(self) -> None:
        """Ends what `begin` has begun. Calling it again changes nothing."""

    @abstractmethod
    def refusal(self, error: Exception) -> Response:
        """Instead of an answer that lasts."""

    @property
    @abstractmethod
    def last_sent(self) -> tuple[UUID | None, str | None]:
        """The request, and the cursor of the last event that was sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        REQUEST_ID.set(self.headers.get("x-request-id", ""))
        if scope["method"] == "HEAD":  # it would have no body, and last as long
            headers = {"Allow": self.methods, "X-Request-Id": self.headers.get("x-request-id", "")}
            await Response(status_code=405, headers=headers)(scope, receive, send)
            return
        try:
            retry_after_s = await refusal_of(scope["state"], lambda: _left(receive))
        except ClientDisconnect:
            return
        if retry_after_s is not None:
            refused = come_again(scope["method"], self._format.content_type, retry_after_s, self.headers)
            await refused(scope, receive, send)
            return
        try:
            sockets, share = self._services.sockets, self.context.share
            with sockets.from_address(address_of(scope)), sockets.of_caller(share):
                await self._serve(scope, receive, send)
        except _Refused as refused:
            await self.refusal(refused.cause)(scope, receive, send)
        except Overloaded as error:
            await self.refusal(error)(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        ended = asyncio.Event()
        stopping = Stopping(ended.set)
        peer = peer_of(scope) or AsgiPeer(send)
        channel = AnswerChannel(peer, self._format, ended.set)
        try:
            if not await self._begin(channel):
                await Response(status_code=204)(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            peer.on_stalled = lambda: self._end_stalled(channel, stopping, scope)
            peer.on_draining = lambda: stopping.stop("DRAINING")
            if scope["state"][DRAINING].is_set():  # it began to stop meanwhile
                stopping.stop("DRAINING")
            async with asyncio.TaskGroup() as tasks:
                waiting = [
                    tasks.create_task(stopping.when_left(lambda: _left(receive))),
                    tasks.create_task(stopping.when_expired(self._grant, self._services)),
                    *([tasks.create_task(peer.run())] if isinstance(peer, AsgiPeer) else []),
                ]
                await self._push(channel, ended)
                for task in waiting:
                    task.cancel()
        finally:
            self.cancel()
        if not stopping.has_left:
            await self._finish(channel, stopping.reason, send)

    async def _begin(self, channel: AnswerChannel) -> bool:
        try:
            return await self.begin(channel)
        except Exception as error:
            raise _Refused(error) from error

    async def _push(self, channel: AnswerChannel, ended: asyncio.Event) -> None:
        peer = channel.peer
        peer.write(self._format.opening)
        if peer.on_writable:  # what there is already has waited for the answer to begin
            peer.on_writable()
        while not ended.is_set():
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await ended.wait()
            except TimeoutError:
                if peer.is_writable:
                    peer.write(self._format.beat)

    def _end_stalled(self, channel: AnswerChannel, stopping: Stopping, scope: Scope) -> None:
        """The client reads its last words if it wakes before it is cut off."""
        request_id, cursor = self.last_sent
        caller = self.context.caller
        place = address_of(scope)
        self._services.slow_consumers.report(place, caller, [request_id], socket=channel.label, operations=1)
        self.cancel()
        channel.end(SlowConsumer(cursor))
        stopping.stop("STALLED")

    async def _finish(self, channel: AnswerChannel, reason: str, send: Send) -> None:
        peer = channel.peer
        peer.on_stalled = peer.on_draining = None
        if error := _BROKEN_OFF.get(reason):
            peer.write(self._format.breaking_off(error))
        peer.flush()
        if isinstance(peer, AsgiPeer):
            await peer.drain()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Refused(Exception):
    """The stream has not begun."""

    def __init__(self, cause: Exception) -> None:
        super().__init__()
        self.cause = cause


async def _left(receive: Receive) -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()
