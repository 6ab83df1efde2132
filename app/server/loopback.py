"""Loopback names: a server of the demo answers to no other, so that a page under a name that an attacker points at this machine
(DNS rebinding) reads nothing of it.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

_MISDIRECTED: Final = 421


class LoopbackHosts:
    """ASGI middleware: 421 for requests and sockets with a `Host` that is no loopback name."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or all(map(is_loopback, Headers(scope=scope).getlist("host") or [""])):
            await self._app(scope, receive, send)
            return
        refusal = PlainTextResponse("This server answers to localhost only\n", _MISDIRECTED)
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).send_denial_response(refusal)
        else:
            await refusal(scope, receive, send)


def is_loopback(host: str) -> bool:
    """Whether a host, with or without a port, is `localhost` or below it, 127.0.0.0/8 or ::1."""
    try:
        parts = urlsplit(f"//{host}")
        name = (parts.hostname or "").removesuffix(".")
        _ = parts.port
    except ValueError:
        return False
    if parts.netloc != host or "@" in host:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
