"""Refusals of the console's JSON API: a code, which the page has words for in both languages."""

import math
from typing import Any

from starlette.responses import Response

from app.api.encoding import encode
from app.api.graphql_errors import BadHttpRequest, from_exception, internal_error
from app.domain.errors import ControlRefused, NotAllowed, NotAuthenticated, NotFound, RateLimitExceeded, Unavailable


def refusal(error: Exception) -> Response:
    """The response to this error; a bug is logged."""
    match error:
        case NotAuthenticated():
            status, document = 401, {"code": "UNAUTHENTICATED"}
        case NotAllowed():
            status, document = 403, {"code": "FORBIDDEN"}
        case NotFound():
            status, document = 404, {"code": "NOT_FOUND"}
        case ControlRefused():
            status, document = 422, {"code": "REFUSED", "message": str(error)}
        case RateLimitExceeded():
            status, document = 429, {"code": "RATE_LIMITED", "retryAfterSeconds": error.retry_after_s}
        case BadHttpRequest():
            status, document = error.status, {"code": "BAD_REQUEST", "message": error.message}
        case Unavailable():
            status, document = 503, {"code": from_exception(error)["extensions"]["code"], "of": error.of}
        case _:
            found: Any = internal_error(error)
            status, document = 500, {"code": "INTERNAL", "requestId": found["extensions"]["requestId"]}
    headers = {"Cache-Control": "no-store"}
    if "retryAfterSeconds" in document:
        headers["Retry-After"] = str(math.ceil(float(document["retryAfterSeconds"])))
    return Response(encode(document), status, headers=headers, media_type="application/json")
