"""GraphQL over HTTP: one function over the head and the body of a request, without ASGI.

Our own server calls it between the HTTP parser and the socket (`app.server.http1.direct_http`), any other by `asgi_route`.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from graphql import ExecutionResult, OperationType
from starlette.datastructures import QueryParams
from starlette.responses import Response

from app.api.context import Context
from app.api.encoding import encode
from app.api.execution.prepared_documents import Operation
from app.api.graphql_errors import BadDocument, BadHttpRequest, format_errors, from_exception, to_error
from app.api.graphql_request import GraphQLRequest, decode_request, request_from_url
from app.api.http.negotiation import LEGACY, MODERN, negotiated, stream_format
from app.api.http.request_head import check_body, check_json, request_id_from, token_from
from app.api.request_spans import TraceHeaders
from app.api.services import Services
from app.domain.errors import NotAuthenticated, OsagoError, Overloaded
from app.observability.logs import REQUEST_ID
from app.server.direct_application import Head, Header, HttpReply

PATH: Final = "/graphql"
SUBSCRIPTIONS: Final = "Подписки — по WebSocket, graphql-transport-ws, или с Accept: text/event-stream либо multipart/mixed;subscriptionSpec=1.0."
_NOT_BEGUN: Final = 400
_NOT_ALLOWED: Final = 405
_NO_STORE: Final = (b"cache-control", b"no-store")
_CONTENT_TYPES: Final = {type_: f"{type_}; charset=utf-8".encode() for type_ in (MODERN, LEGACY)}


class GraphQLView:
    """Answers POST to `path`, and a query in the URL of GET."""

    path: Final = PATH.encode()

    def __init__(self, services: Services) -> None:
        self._services = services

    async def handle(self, head: Head, body: bytes) -> HttpReply:
        """The reply. The request's id is in every line that is logged below."""
        headers = dict(reversed(head.headers))  # of two with one name the first counts
        request_id = request_id_from(headers.get(b"x-request-id", b"").decode("latin-1"))
        bound = REQUEST_ID.set(request_id)
        try:
            reply = await self._answer(head, headers, body)
        finally:
            REQUEST_ID.reset(bound)
        reply.headers.extend(((b"x-request-id", request_id.encode()), _NO_STORE))
        return reply

    async def _answer(self, head: Head, headers: Mapping[bytes, bytes], body: bytes) -> HttpReply:
        accept = headers.get(b"accept")
        wanted = accept.decode("latin-1") if accept is not None else None
        media_type = negotiated(wanted) or (LEGACY if stream_format(wanted) else None)
        if media_type is None:
            return not_begun(
                BadHttpRequest(
                    406,
                    f"Accept: отвечаем как {MODERN} или {LEGACY}, а на подписки — ещё как text/event-stream или multipart/mixed;subscriptionSpec=1.0.",
                ),
                LEGACY,
            )
        try:
            caller = self._services.tokens.caller(token_from(headers.get(b"authorization", b"").decode("latin-1")))
            request = _request(head, headers, body)
            context = Context(self._services, caller, trace=_trace(headers) if self._services.spans else None)
            operation = self._services.operations.prepare(request, context.share)
            _check_method(operation, head.method)
        except (BadHttpRequest, OsagoError) as error:
            return not_begun(error, media_type)
        except Exception as error:  # noqa: BLE001 - one request is isolated from the next
            return _error(500, media_type, from_exception(error))
        try:
            result = await self._services.runner.run(operation, request, context)
        except OsagoError as error:
            return _written(200, media_type, {"errors": [from_exception(error)], "data": None})
        except Exception as error:  # noqa: BLE001 - one request is isolated from the next
            return _error(500, media_type, from_exception(error))
        return _to_reply(result, media_type)


def _trace(headers: Mapping[bytes, bytes]) -> TraceHeaders | None:
    traceparent = headers.get(b"traceparent")
    if traceparent is None:
        return None
    return TraceHeaders(traceparent.decode("latin-1"), headers.get(b"tracestate", b"").decode("latin-1"))


def _request(head: Head, headers: Mapping[bytes, bytes], body: bytes) -> GraphQLRequest:
    if head.method == "GET":
        return request_from_url(QueryParams(head.query))
    check_json(headers.get(b"content-type", b"").decode("latin-1"))
    check_body(body)
    return decode_request(body)


def _check_method(operation: Operation, method: str) -> None:
    if operation.type is OperationType.SUBSCRIPTION:
        raise BadHttpRequest(400, SUBSCRIPTIONS)
    if operation.type is OperationType.MUTATION and method != "POST":
        raise BadHttpRequest(_NOT_ALLOWED, "Мутации — методом POST.")


def not_begun(error: BadHttpRequest | OsagoError, media_type: str) -> HttpReply:
    """The reply to a request that did not get as far as its operation."""
    match error:
        case BadHttpRequest():
            shown = {"message": error.message, "extensions": {"code": "BAD_REQUEST"}}
            return _error(error.status, media_type, shown, *([(b"allow", b"POST")] * (error.status == _NOT_ALLOWED)))
        case NotAuthenticated():
            return _error(401, media_type, to_error(error), (b"www-authenticate", b"Bearer"))
        case Overloaded():
            retry_after = b"%d" % math.ceil(error.retry_after_s)
            return _error(429, media_type, to_error(error), (b"retry-after", retry_after))
        case BadDocument():
            return _written(_NOT_BEGUN, media_type, {"errors": format_errors(error.errors)})
        case _:
            return _written(_NOT_BEGUN, media_type, {"errors": [to_error(error)]})


def _to_reply(result: ExecutionResult, media_type: str) -> HttpReply:
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = format_errors(result.errors)
    if result.data is not None or not result.errors or any(error.path for error in result.errors):
        body["data"] = result.data
    return _written(200 if "data" in body else _NOT_BEGUN, media_type, body)


def _written(status: int, media_type: str, body: Mapping[str, Any]) -> HttpReply:
    """A request that never began is a 400 in the modern media type; the legacy one knows only 200."""
    return _reply(200 if media_type == LEGACY and status == _NOT_BEGUN else status, media_type, body)


def _error(status: int, media_type: str, error: Mapping[str, Any], *headers: Header) -> HttpReply:
    return _reply(status, media_type, {"errors": [error]}, *headers)


def _reply(status: int, media_type: str, document: Mapping[str, Any], *headers: Header) -> HttpReply:
    body = encode(document)
    length = b"%d" % len(body)
    return HttpReply(
        status, [(b"content-length", length), (b"content-type", _CONTENT_TYPES[media_type]), *headers], body
    )


def to_response(reply: HttpReply) -> Response:
    """A reply as ASGI has it."""
    response = Response(reply.body, reply.status)
    response.raw_headers = list(reply.headers)
    return response
