"""`POST /callbacks/{token}`: insurers that call back. Taken as it is; whoever waits for it reads it."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app.domain.errors import NotFound
from app.domain.insurer_call import Call
from app.redis.topology import GONE
from app.use_cases.insurer_callbacks import CALL_BYTES_MOST, Callbacks

HEADERS_MOST: Final = 64
HEADER_LENGTH_MOST: Final = 1024
RETRY_AFTER_S: Final = 1


async def answer(request: Request, callbacks: Callbacks) -> Response:
    """204 where it is kept; 400 where the body is empty; 404 where nobody waits for it; 413; 503 without Redis, where it may come again."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > CALL_BYTES_MOST:
            return Response(status_code=413)
    if not body:
        return Response(status_code=400)
    headers = [(name, value) for name, value in request.headers.items() if len(value) <= HEADER_LENGTH_MOST]
    try:
        await callbacks.take(request.path_params["token"], Call(dict(headers[:HEADERS_MOST]), bytes(body)))
    except NotFound:
        return Response(status_code=404)
    except GONE:
        return Response(status_code=503, headers={"Retry-After": str(RETRY_AFTER_S)})
    return Response(status_code=204)
