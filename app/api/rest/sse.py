"""The stream as server-sent events: `id:` is the cursor, `Last-Event-ID` resumes, 204 says that there is no more to come."""

import asyncio
from typing import Any, Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.api.auth.tokens import Grant
from app.api.context import Context
from app.api.encoding import encode
from app.api.http.request_head import bearer
from app.api.rest.problem_details import document_of, problem
from app.api.rest.push_loop import Push, Stopping, draining_of
from app.api.rest.representations import event_document, type_of
from app.api.schema.unwritable_quotes import written
from app.api.services import Services
from app.domain.errors import OsagoError
from app.watch.events import Event, Follower, InterruptedWatch
from app.watch.news_waiter import NewsWaiter, watching

RETRY_MS: Final = 1000
"""How long a browser waits before it comes back."""
_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",  # or a compressing proxy would keep events back
    "X-Accel-Buffering": "no",  # and nginx
}


class EventStream(Response):
    """The events of one request, as an answer that lasts."""

    def __init__(self, request: Request, services: Services, request_id: UUID) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._request = request
        self._services = services
        self._request_id = request_id
        self._waiter = NewsWaiter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            grant = self._services.tokens.grant(bearer(self._request))
            share = self._services.shares.of(grant.caller)
            address = self._request.client.host if self._request.client else ""
            with self._services.sockets.from_address(address), self._services.sockets.of_caller(share):
                await self._follow(grant, scope, receive, send)
        except OsagoError as error:
            await problem(error)(scope, receive, send)

    async def _follow(self, grant: Grant, scope: Scope, receive: Receive, send: Send) -> None:
        context = Context(self._services, grant.caller)
        after = self._request.headers.get("last-event-id") or None
        hub, waiter = self._services.live, self._waiter
        async with watching(hub, waiter, self._request_id, context.may_see, after, context.share) as follower:
            if follower.is_over:
                await Response(status_code=204)(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await _write(send, f"retry: {RETRY_MS}\n\n")
            stopping = Stopping(waiter)
            async with asyncio.TaskGroup() as tasks:
                stops = [
                    tasks.create_task(stopping.when_left(lambda: _left(receive))),
                    tasks.create_task(stopping.when_draining(draining_of(self._request.state))),
                    tasks.create_task(stopping.when_expired(grant, self._services)),
                ]
                try:
                    await self._push(follower, stopping, send)
                finally:
                    for task in stops:
                        task.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _push(self, follower: Follower, stopping: Stopping, send: Send) -> None:
        async def send_event(event: Event) -> None:
            document = encode(written(event_document, event, self._services)).decode()
            await _write(send, f"id: {event.cursor.encode()}\nevent: {type_of(event)}\ndata: {document}\n\n")

        async def beat() -> None:
            await _write(send, ":\n\n")

        try:
            await Push(self._services, follower, self._waiter).run(stopping, send_event, beat)
        except InterruptedWatch as error:
            await _write(send, f"event: problem\ndata: {encode(document_of(error)).decode()}\n\n")


async def _write(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _left(receive: Receive) -> None:
    while True:
        message: dict[str, Any] = dict(await receive())
        if message["type"] == "http.disconnect":
            return
