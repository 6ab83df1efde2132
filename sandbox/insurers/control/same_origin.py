"""Requests of other sites' pages, which a browser sends without asking: the control API refuses them by their `Origin`."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class SameOriginOnly:
    """ASGI middleware: 403 where an `Origin` is not this server's own. Programs send none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_own(Headers(scope=scope)):
            await JSONResponse({"detail": "pages of other origins may not control the sandbox"}, 403)(
                scope, receive, send
            )
            return
        await self._app(scope, receive, send)


def _is_own(headers: Headers) -> bool:
    own = headers.get("host", "").lower()
    return all(origin.lower() in {f"http://{own}", f"https://{own}"} for origin in headers.getlist("origin"))
