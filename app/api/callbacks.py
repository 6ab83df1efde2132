"""`POST /callbacks/{token}`: insurers that call back. What the adapter reads of a call is kept; the worker that waits reads it."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app.callbacks import CALL_BYTES_MAX, BadSignature, Callbacks, TooMuch
from app.domain.callback import Call
from app.domain.errors import NotFound, Overloaded
from app.streams.connection import GONE

RETRY_AFTER_S: Final = 1


async def answer(request: Request, callbacks: Callbacks) -> Response:
    """204 where it is kept; 403 for another's signature; 404 where nothing waits for it; 413; 503 where it may come again."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > CALL_BYTES_MAX:
            return Response(status_code=413)
    try:
        await callbacks.take(request.path_params["token"], Call(request.headers, bytes(body)))
    except NotFound:
        return Response(status_code=404)
    except BadSignature:
        return Response(status_code=403)
    except TooMuch:
        return Response(status_code=413)
    except (Overloaded, *GONE):
        return Response(status_code=503, headers={"Retry-After": str(RETRY_AFTER_S)})
    return Response(status_code=204)
