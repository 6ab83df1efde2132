"""Before a WebSocket is opened: from which page it comes, and how many its address has open already.

A browser names the page's origin, and no script can forge it. A client without an origin is no browser.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from app.api.connections.socket_limits import SocketCounter
from app.domain.errors import Overloaded, WrongSetting
from app.server.peer import address_of

_RETRY_AFTER_S: Final = 5
_PREFLIGHT_LENGTH_MAX: Final = 1024
_ORIGIN: Final = re.compile(r"(https?)://([A-Za-z0-9.:_\[\]-]{1,260})")
_DEFAULT_PORTS: Final[Mapping[str, str]] = MappingProxyType({"http": ":80", "https": ":443"})


class PreflightGuard(CORSMiddleware):
    """CORS for the listed origins. A preflight that names more headers than a page sends is not read."""

    def preflight_response(self, request_headers: Headers) -> Response:
        if len(request_headers.get("access-control-request-headers", "")) > _PREFLIGHT_LENGTH_MAX:
            return PlainTextResponse("Too many headers\n", 400)
        return super().preflight_response(request_headers)


class OriginGuard:
    """ASGI: lets sockets through that may open; all else is not its business."""

    def __init__(self, app: ASGIApp, *, origins: frozenset[str], sockets: SocketCounter) -> None:
        self._app = app
        self._origins = origins
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        refused = WebSocket(scope, receive, send)
        if not is_welcome(Headers(scope=scope), self._origins):
            await refused.send_denial_response(PlainTextResponse("Origin is not allowed\n", 403))
            return
        try:
            with self._sockets.from_address(address_of(scope)):
                await self._app(scope, receive, send)
        except Overloaded:
            await refused.send_denial_response(_too_many())


def is_welcome(headers: Mapping[str, str], origins: frozenset[str]) -> bool:
    """Whether a page of this origin may connect: no page at all, one of the API's own host, or one that is listed."""
    origin = headers.get("origin")
    if origin is None or origin in origins or "*" in origins:
        return True
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        return False
    # A proxy may add the port that a browser leaves out: `Host: $host:$server_port` is usual.
    default = _DEFAULT_PORTS[match[1]]
    host = headers.get("host", "").lower().removesuffix(default)
    return match[2].lower().removesuffix(default) == host != ""


def parse_origins(text: str) -> frozenset[str]:
    """Reads `https://shop.example,https://…`, or `*`.

    Raises:
        WrongSetting: one of them is no origin.
    """
    origins = frozenset(filter(None, (part.strip() for part in text.split(","))))
    for origin in origins - {"*"}:
        if not _is_origin(origin):
            raise WrongSetting("OSAGO_ORIGINS: an origin is scheme://host or scheme://host:port, in lower case")
    return frozenset(map(_as_browsers_write, origins))


def _as_browsers_write(origin: str) -> str:
    """Without the port that is the scheme's own."""
    return origin.removesuffix(_DEFAULT_PORTS.get(origin.partition("://")[0], "")) if origin != "*" else origin


def _is_origin(text: str) -> bool:
    parts: Iterable[str] = urlsplit(text)
    scheme, host, *rest = parts
    return scheme in {"http", "https"} and bool(host) and not any(rest) and text == text.lower()


def _too_many() -> Response:
    return PlainTextResponse("Too many connections\n", 429, headers={"Retry-After": str(_RETRY_AFTER_S)})
