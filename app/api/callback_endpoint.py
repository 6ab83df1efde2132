"""`POST /callbacks/{token}`: insurers that call back. What the adapter reads of a call is kept; the worker that waits reads it."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.domain.errors import NotFound, Overloaded, RedisAway
from app.domain.insurer_call import InsurerCall
from app.use_cases.insurer_callbacks import CALL_BYTES_MAX, BadSignature, InsurerCallbacks, TooMuch

RETRY_AFTER_S: Final = 1
_STATUSES: Final[Mapping[type[Exception], int]] = {NotFound: 404, BadSignature: 403, TooMuch: 413}


async def answer(request: Request, callbacks: InsurerCallbacks) -> Response:
    """204 where it is kept; 400 without a body; 403 for another's signature; 404 where nothing waits for it; 413; 503 where it may come again."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > CALL_BYTES_MAX:
                return Response(status_code=413)
    except ClientDisconnect:  # in the middle of the body
        return Response(status_code=400)
    if not body:
        return Response(status_code=400)
    try:
        await callbacks.take(request.path_params["token"], InsurerCall(request.headers, bytes(body)))
    except (NotFound, BadSignature, TooMuch) as error:
        return Response(status_code=_STATUSES[type(error)])
    except (Overloaded, RedisAway):
        return Response(status_code=503, headers={"Retry-After": str(RETRY_AFTER_S)})
    return Response(status_code=204)
