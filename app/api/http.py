"""GraphQL over HTTP: a thin view that reads a body, runs a query or a mutation, and writes what came of it."""

import re
import secrets
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from app.api.context import Context, Services
from app.api.faults import REQUEST_ERRORS, format_errors, raised, told
from app.api.schema import schema
from app.domain.errors import NotAuthenticated

BODY_BYTES_MOST: Final = 64 * 1024
_MODERN: Final = "application/graphql-response+json"
_LEGACY: Final = "application/json"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_READING: Final = frozenset({OperationType.QUERY})
_OPERATIONS: Final = frozenset({OperationType.QUERY, OperationType.MUTATION})


class Asked(msgspec.Struct, rename="camel"):
    """The parameters of a GraphQL request."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


class Refused(Exception):
    """The HTTP request itself is wrong."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


_decoder: Final = msgspec.json.Decoder(Asked)
encode: Final = msgspec.json.Encoder().encode


async def answer(request: Request, services: Services) -> Response:
    """Answers `POST /graphql`, and a query in the URL of `GET /graphql`."""
    media_type = _negotiated(request.headers.get("accept"))
    told_id = request.headers.get("x-request-id", "")
    request_id = told_id if _REQUEST_ID.fullmatch(told_id) else secrets.token_hex(8)
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        try:
            caller = services.tokens.caller(_bearer(request))
            is_get = request.method == "GET"
            asked = _asked_in_url(request) if is_get else await _asked(request)
        except Refused as refusal:
            return _error(
                refusal.status, media_type, {"message": refusal.message, "extensions": {"code": "BAD_REQUEST"}}
            )
        except NotAuthenticated as error:
            return _error(401, media_type, told(error), {"WWW-Authenticate": "Bearer"})
        response = await _run(asked, Context(services, caller), media_type, _READING if is_get else _OPERATIONS)
    response.headers["X-Request-Id"] = request_id
    return response


async def _run(asked: Asked, context: Context, media_type: str, allowed: frozenset[OperationType]) -> Response:
    try:
        result = await schema.execute(
            asked.query,
            variable_values=asked.variables,
            operation_name=asked.operation_name,
            context_value=context,
            allowed_operation_types=allowed,
        )
    except REQUEST_ERRORS as error:
        is_barred = isinstance(error, InvalidOperationTypeError) and allowed is _READING
        return _error(405 if is_barred else 400, media_type, raised(error), {"Allow": "POST"} if is_barred else None)
    except Exception as error:  # noqa: BLE001 - one request is isolated from the next
        return _error(500, media_type, raised(error))
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = format_errors(result.errors)
    if result.data is not None or not result.errors or any(error.path for error in result.errors):
        body["data"] = result.data
    # A request that never began is a 400 in the modern media type; the legacy one knows only 200.
    status = 400 if "data" not in body and media_type == _MODERN else 200
    return Response(encode(body), status, media_type=f"{media_type}; charset=utf-8")


def _error(
    status: int, media_type: str, error: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    return Response(encode({"errors": [error]}), status, headers=headers, media_type=f"{media_type}; charset=utf-8")


def _negotiated(accept: str | None) -> str:
    """Who says nothing, or anything goes, gets the legacy type, as the specification has it until 2025."""
    return _MODERN if accept and _MODERN in accept else _LEGACY


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated
    return token.strip()


async def _asked(request: Request) -> Asked:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "Content-Type: ожидается application/json.")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MOST:
                raise Refused(413, f"Тело запроса больше {BODY_BYTES_MOST // 1024} КиБ.")
    except ClientDisconnect:
        raise Refused(400, "Тело запроса оборвалось.") from None
    return decode_asked(bytes(body))


def _asked_in_url(request: Request) -> Asked:
    parameters = request.query_params
    variables = parameters.get("variables")
    try:
        decoded = msgspec.json.decode(variables, type=dict[str, Any] | None) if variables else None
    except msgspec.MsgspecError:
        raise Refused(400, "variables: ожидается объект JSON.") from None
    if "query" not in parameters:
        raise Refused(400, "query: нужен параметр с документом.")
    return Asked(parameters["query"], decoded, parameters.get("operationName"))


def decode_asked(body: bytes) -> Asked:
    """The parameters out of a body.

    Raises:
        Refused: it is no JSON, or not of the right form. The text does not repeat it.
    """
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Refused(
            400, "Ожидается JSON: query — строка, variables и extensions — объекты, operationName — строка."
        ) from None
