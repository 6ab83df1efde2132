"""Errors in the form of RFC 9457: `application/problem+json`, with the codes that GraphQL uses."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from app.api.encoding import encode
from app.api.error_codes import BAD_REQUEST
from app.api.graphql_errors import BadHttpRequest, from_exception, internal_error
from app.domain.errors import InvalidApplication, RateLimitExceeded, ShareExhausted

MEDIA_TYPE: Final = "application/problem+json"
INVALID_APPLICATION: Final = "INVALID_APPLICATION"
RATE_LIMITED: Final = "RATE_LIMITED"
STATUSES: Final[Mapping[str, int]] = MappingProxyType(
    {
        BAD_REQUEST: 400,
        "INVALID_CURSOR": 400,
        "UNAUTHENTICATED": 401,
        "FORBIDDEN": 403,
        "NOT_FOUND": 404,
        "REQUEST_LOST": 410,
        INVALID_APPLICATION: 422,
        RATE_LIMITED: 429,
        "INTERNAL": 500,
        "SLOW_CONSUMER": 503,
        "OVERLOADED": 503,
        "UNAVAILABLE": 503,
    }
)
_INVALID: Final = "В заявлении есть ошибки."
_NOTHING_HERE: Final = "По этому адресу ничего нет."
_NO_SLASH: Final = "По этому адресу ничего нет: уберите косую черту в конце."
_LIMITED: Final = "Слишком много заявлений. Повторите немного позже."


def document_of(error: Exception) -> dict[str, Any]:
    """The problem that this error is; a bug is logged, and its problem has nothing but the id of that line."""
    match error:
        case InvalidApplication():
            problems = [{"path": p.path, "code": p.code, "message": p.message} for p in error.problems]
            return _document(INVALID_APPLICATION, _INVALID, problems=problems)
        case RateLimitExceeded():
            return _document(RATE_LIMITED, _LIMITED, retryAfterSeconds=error.retry_after_s)
        case ShareExhausted():
            graphql_error = from_exception(error)
            more = dict(graphql_error["extensions"])
            return _document(more.pop("code"), graphql_error["message"], status=429, **more)
        case BadHttpRequest():
            return _document(BAD_REQUEST, error.message, status=error.status)
        case _:
            graphql_error = from_exception(error)
            more: dict[str, Any] = dict(graphql_error["extensions"])
            if more["code"] not in STATUSES:
                return _bug(error)
            return _document(more.pop("code"), graphql_error["message"], **more)


def _bug(error: Exception) -> dict[str, Any]:
    graphql_error = internal_error(error)
    return _document("INTERNAL", graphql_error["message"], requestId=graphql_error["extensions"]["requestId"])


def problem(error: Exception) -> Response:
    """The response of this problem."""
    document = document_of(error)
    headers: dict[str, str] = {"Cache-Control": "no-store"}
    if document["status"] == STATUSES["UNAUTHENTICATED"]:
        headers["WWW-Authenticate"] = "Bearer"
    if "retryAfterSeconds" in document:
        headers["Retry-After"] = str(math.ceil(document["retryAfterSeconds"]))
    return Response(encode(document), document["status"], headers=headers, media_type=MEDIA_TYPE)


async def not_found(request: Request, _error: Exception) -> Response:
    """The answer to an address where nothing is: a slash too many is the usual reason, and nothing is redirected."""
    title = _NO_SLASH if request.url.path.rstrip("/") != request.url.path != "/" else _NOTHING_HERE
    document = _document("NOT_FOUND", title)
    return Response(encode(document), 404, headers={"Cache-Control": "no-store"}, media_type=MEDIA_TYPE)


def _document(code: str, title: str, *, status: int | None = None, **more: Any) -> dict[str, Any]:
    kind = f"urn:osago:problem:{code.lower().replace('_', '-')}"
    return {"type": kind, "title": title, "status": status or STATUSES[code], "code": code, **more}
