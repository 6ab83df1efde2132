"""GraphQL over HTTP: a thin view that reads a body, runs a query or a mutation, and writes what came of it."""

import asyncio
import codecs
import math
import re
from collections.abc import Mapping
from random import getrandbits
from typing import Any, Final

import msgspec
import structlog
from graphql import ExecutionResult, OperationType
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response

from app.api.context import WRITE, Context, Services
from app.api.execution.operation import run
from app.api.execution.prepared_documents import BadDocument, Operation
from app.api.graphql_errors import format_errors, from_exception, to_error
from app.api.graphql_request import BadHttpRequest, GraphQLRequest, decode_request, request_from_url
from app.api.http.negotiation import LEGACY, MODERN, negotiated
from app.domain.caller import Service
from app.domain.errors import NotAuthenticated, OsagoError, Overloaded

PATH: Final = "/graphql"
BODY_BYTES_MAX: Final = 64 * 1024
_BYTE_ORDER_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""Invisible in an editor, and so named in the answer. Skipped, they would have to be at every shorter way too."""
_NOT_BEGUN: Final = 400
_BARRED: Final = 405
REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")

encode: Final = msgspec.json.Encoder().encode


async def answer(request: Request, services: Services) -> Response:
    """Answers `POST /graphql`, and a query in the URL of `GET /graphql`."""
    request_id = id_of(request)
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        response = await _answer(request, services)
    response.headers["X-Request-Id"] = request_id
    response.headers["Cache-Control"] = "no-store"
    return response


def id_of(request: HTTPConnection) -> str:
    """The caller's own id of the request if it is a plain one, else a new one: it is in the log too."""
    told_id = request.headers.get("x-request-id", "")
    return told_id if REQUEST_ID.fullmatch(told_id) else new_id()


def new_id() -> str:
    """An id that nobody else has; it is no secret."""
    return f"{getrandbits(64):016x}"


async def _answer(request: Request, services: Services) -> Response:
    media_type = negotiated(request.headers.get("accept")) or LEGACY
    try:
        operation, asked, context = await _prepared(request, services)
    except (BadHttpRequest, OsagoError) as error:
        return _not_begun(error, media_type)
    return await _run(operation, asked, context, media_type)


async def _prepared(request: Request, services: Services) -> tuple[Operation, GraphQLRequest, Context]:
    if negotiated(request.headers.get("accept")) is None:
        raise BadHttpRequest(406, f"Accept: отвечаем как {MODERN} или {LEGACY}.")
    caller = services.tokens.caller(bearer(request))
    asked = request_from_url(request.query_params) if request.method == "GET" else await _asked(request)
    context = Context(services, caller)
    operation = services.operations.prepare(asked, context.share)
    if operation.type is OperationType.SUBSCRIPTION:
        raise BadHttpRequest(400, "Подписки — по WebSocket, graphql-transport-ws.")
    if operation.type is OperationType.MUTATION and request.method == "GET":
        raise BadHttpRequest(_BARRED, "Мутации — методом POST.")
    return operation, asked, context


def _not_begun(error: BadHttpRequest | OsagoError, media_type: str) -> Response:
    match error:
        case BadHttpRequest():
            told_so = {"message": error.message, "extensions": {"code": "BAD_REQUEST"}}
            return _error(error.status, media_type, told_so, {"Allow": "POST"} if error.status == _BARRED else None)
        case NotAuthenticated():
            return _error(401, media_type, to_error(error), {"WWW-Authenticate": "Bearer"})
        case Overloaded():
            headers = {"Retry-After": str(math.ceil(error.retry_after_s))}
            return _error(429, media_type, to_error(error), headers)
        case BadDocument():
            return _written(_NOT_BEGUN, media_type, {"errors": format_errors(error.errors)})
        case _:
            return _written(_NOT_BEGUN, media_type, {"errors": [to_error(error)]})


async def _run(operation: Operation, asked: GraphQLRequest, context: Context, media_type: str) -> Response:
    try:
        result = await run(operation, asked, context)
    except OsagoError as error:
        return _written(200, media_type, {"errors": [from_exception(error)], "data": None})
    except Exception as error:  # noqa: BLE001 - one request is isolated from the next
        return _error(500, media_type, from_exception(error))
    response = written(result, media_type)
    if operation.type is OperationType.MUTATION and not result.errors:
        response.background = BackgroundTask(_learn, operation, asked, context)
    return response


async def _learn(operation: Operation, asked: GraphQLRequest, context: Context) -> None:
    """A mutation that has served a service that may ask: it will come again. The answer is on its way by now, and whatever
    goes wrong here changes nothing about it.
    """
    if asked.query is not None and isinstance(context.caller, Service) and WRITE in context.caller.scopes:
        await asyncio.sleep(0)  # the event loop sends it first
        context.services.plans.learn(asked.query, operation.name, operation.document, operation.size)


def written(result: ExecutionResult, media_type: str) -> Response:
    """The answer that holds a result."""
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = format_errors(result.errors)
    if result.data is not None or not result.errors or any(error.path for error in result.errors):
        body["data"] = result.data
    return _written(200 if "data" in body else _NOT_BEGUN, media_type, body)


def _written(status: int, media_type: str, body: Mapping[str, Any]) -> Response:
    """A request that never began is a 400 in the modern media type; the legacy one knows only 200."""
    status = 200 if media_type == LEGACY and status == _NOT_BEGUN else status
    return Response(encode(body), status, media_type=f"{media_type}; charset=utf-8")


def _error(
    status: int, media_type: str, error: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    return Response(encode({"errors": [error]}), status, headers=headers, media_type=f"{media_type}; charset=utf-8")


def bearer(request: HTTPConnection) -> str:
    """The token in `Authorization`.

    Raises:
        NotAuthenticated: there is none.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated
    return token.strip()


def token_of(payload: Mapping[str, Any], handshake: HTTPConnection) -> str:
    """The token of a `connection_init`: `{"token": …}`, or as `Authorization` in any case, in the payload or of the handshake.

    Raises:
        NotAuthenticated: there is none.
    """
    token = payload.get("token")
    sent = (value for name, value in payload.items() if name.lower() == "authorization")
    header = next(sent, None) or handshake.headers.get("authorization", "")
    if token is None and isinstance(header, str) and header[:7].lower() == "bearer ":
        token = header[7:].strip()
    if not isinstance(token, str):
        raise NotAuthenticated
    return token


async def _asked(request: Request) -> GraphQLRequest:
    return decode_request(await json_body(request))


async def json_body(request: Request) -> bytes:
    """The body of a request, which says that it is JSON.

    Raises:
        Refused: it says something else, is too large, was cut off, or begins with a byte order mark.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadHttpRequest(415, "Content-Type: ожидается application/json.")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                raise BadHttpRequest(413, f"Тело запроса больше {BODY_BYTES_MAX // 1024} КиБ.")
    except ClientDisconnect:
        raise BadHttpRequest(400, "Тело запроса оборвалось.") from None
    if body.startswith(_BYTE_ORDER_MARKS):
        raise BadHttpRequest(400, "Тело начинается с метки порядка байтов (BOM): ожидается JSON в UTF-8 без неё.")
    return bytes(body)
