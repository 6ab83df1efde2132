"""Past routing and middleware, which cost as much as a whole echo: a POST to PATH that no page of another origin has sent."""

from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.context import Services
from app.api.http.view import answer as view

Respond = Callable[[bytes, bytes], bool]
"""Takes the written headers and the body of an answer with status 200; tells whether it has sent them."""
_OK: Final = 200


async def answer(app: ASGIApp, services: Services, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers an HTTP request to PATH, or lets `app` do it."""
    if scope["method"] != "POST" or any(name == b"origin" for name, _ in scope["headers"]):
        await app(scope, receive, send)
        return
    response = await view(Request(scope, receive), services)
    if response.status_code != _OK or not _responded(scope, response):
        await response(scope, receive, send)
    elif response.background is not None:
        await response.background()


def _responded(scope: Scope, response: Response) -> bool:
    respond: Respond | None = scope.get("osago.respond")  # our own server's; see `app.server.http1.http_limits`
    head = b"".join([name + b": " + value + b"\r\n" for name, value in response.raw_headers])
    return respond is not None and respond(head, bytes(response.body))
