"""Subscriptions over HTTP: `/graphql` answers with events or parts, for a caller that asks for such an answer in `Accept`."""

import asyncio
from contextlib import aclosing
from uuid import UUID

from graphql import OperationType
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from app.api.auth.tokens import Grant
from app.api.context import Context, Place
from app.api.encoding import encode
from app.api.execution.operation import watched
from app.api.execution.prepared_documents import Operation
from app.api.execution.subscriber import Subscriber
from app.api.graphql_errors import BadHttpRequest, format_errors
from app.api.graphql_request import GraphQLRequest, decode_request, request_from_url
from app.api.http.lasting_answer import AnswerChannel, LastingAnswer
from app.api.http.negotiation import LEGACY, negotiated, stream_format
from app.api.http.request_head import check_body, check_json
from app.api.http.stream_credentials import stream_grant
from app.api.http.stream_formats import StreamFormat
from app.api.http.view import not_begun, to_response
from app.api.services import Services
from app.domain.errors import NotAuthenticated, OsagoError, Overloaded


async def lasting_answer(request: Request, body: bytes, services: Services) -> Response | None:
    """The answer to a caller that takes a stream; None for all that the view answers with one document."""
    accept = request.headers.get("accept")
    format_ = stream_format(accept)
    if format_ is None:
        return None
    try:
        grant, headers = await stream_grant(request, services)  # nothing is decoded for a caller who is not known
        asked = _request(request, body)
        context = Context(services, grant.caller, Place(resumed=request.headers.get("last-event-id") or None))
        operation = services.operations.prepare(asked, context.share)
    except (BadHttpRequest, NotAuthenticated, Overloaded):
        return None  # as any other request that did not begin
    except OsagoError as error:
        return whole(format_, error)
    takes_document = operation.type is not OperationType.SUBSCRIPTION and negotiated(accept) is not None
    if takes_document or (operation.type is OperationType.MUTATION and request.method != "POST"):
        return None
    answer = SubscriptionAnswer(services, grant, context, format_, operation, asked)
    answer.headers.update(headers)
    return answer


def whole(format_: StreamFormat, error: Exception) -> Response:
    """A stream that has no more than an error: a browser's EventSource reads no other answer."""
    content = format_.opening + format_.failure(error) + format_.closing
    return Response(content, headers={"Content-Type": format_.content_type, "Cache-Control": "no-store"})


def _request(request: Request, body: bytes) -> GraphQLRequest:
    if request.method == "GET":
        return request_from_url(QueryParams(request.scope["query_string"]))
    check_json(request.headers.get("content-type", ""))
    check_body(body)
    return decode_request(body)


class SubscriptionAnswer(LastingAnswer):
    """The results of one operation. Events that are written out need no task; other documents have one."""

    methods = "GET, POST"

    def __init__(
        self,
        services: Services,
        grant: Grant,
        context: Context,
        format_: StreamFormat,
        operation: Operation,
        asked: GraphQLRequest,
    ) -> None:
        super().__init__(services, grant, context, format_)
        self._operation = operation
        self._asked = asked
        self._running: Subscriber | _Run | None = None
        self._request_id: UUID | None = None

    async def begin(self, channel: AnswerChannel) -> bool:
        operation, context = self._operation, self.context
        source = await watched(operation, self._asked, context)
        if operation.written is None or source is None:
            self._running = _Run(self._services, operation, self._asked, context, channel)
            return True
        self._running = subscriber = Subscriber(operation.written.encoded, context, channel)
        await subscriber.begin(source)
        self._request_id = source.request_id
        return not (subscriber.is_over and context.place.resumed)

    def cancel(self) -> None:
        if self._running:
            self._running.cancel()

    def refusal(self, error: Exception) -> Response:
        if isinstance(error, Overloaded):
            return to_response(not_begun(error, LEGACY))
        return whole(self._format, error)

    @property
    def last_sent(self) -> tuple[UUID | None, str | None]:
        return self._request_id, self._running.place if self._running else None


class _Run:
    """A task that sends every result."""

    def __init__(
        self,
        services: Services,
        operation: Operation,
        asked: GraphQLRequest,
        context: Context,
        channel: AnswerChannel,
    ) -> None:
        self._results = services.runner.stream(operation, asked, context)
        self._context = context
        self._channel = channel
        self._is_writable = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    @property
    def place(self) -> str | None:
        return self._context.place.cursor

    def cancel(self) -> None:
        self._task.cancel()

    def flush(self) -> None:
        self._is_writable.set()

    async def _run(self) -> None:
        failure: Exception | None = None
        try:
            async with aclosing(self._results) as results:
                async for result in results:
                    payload: dict[str, object] = {"data": result.data} if result.data is not None else {}
                    if result.errors:
                        payload["errors"] = format_errors(result.errors)
                    await self._wait_for_peer()
                    message = self._channel.format.next(encode(payload), self._context.place.sending)
                    self._channel.peer.write(message)
        except Exception as error:  # noqa: BLE001 - one operation is isolated from the others
            failure = error
        await self._wait_for_peer()
        self._channel.end(failure)

    async def _wait_for_peer(self) -> None:
        while not self._channel.peer.is_writable:
            self._is_writable.clear()
            self._channel.wait(self)
            await self._is_writable.wait()
