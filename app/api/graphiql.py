"""GraphiQL, served from the project itself: it works without internet."""

import json
from base64 import b64decode
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from app.api.auth.tokens import Tokens
from app.api.context import ADMIN
from app.domain.caller import Service
from app.domain.errors import NotAuthenticated
from app.runtime.clock import Clock

STATIC: Final = Path(__file__).parent / "static" / "graphiql"
_STARTS_IN: Final = timedelta(days=10)
_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def page(clock: Clock, token: str) -> Response:
    """The page; with a token (the demo's) its headers are filled in."""
    config = {
        "url": "/graphql",
        "headers": {"Authorization": f"Bearer {token}"} if token else {},
        "startsOn": (clock.now() + _STARTS_IN).date().isoformat(),
    }
    text = _template().replace("__CONFIG__", json.dumps(config).replace("<", "\\u003c"))
    return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})


def admitted(request: Request, tokens: Tokens) -> bool:
    """Whether the browser has shown a token with the scope `admin`: as a password, for that is what browsers ask for."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        if scheme.lower() == "basic":
            _, _, token = b64decode(encoded, validate=True).decode().partition(":")
            caller = tokens.caller(token)
            return isinstance(caller, Service) and ADMIN in caller.scopes
    except (ValueError, NotAuthenticated):  # UnicodeDecodeError and binascii.Error are ValueErrors
        pass
    return False


def asking_for_a_token() -> Response:
    headers = {"WWW-Authenticate": 'Basic realm="osago: a token with the scope admin as the password", charset="UTF-8"'}
    return PlainTextResponse("A token with the scope admin is needed.\n", 401, headers=headers)


@cache
def _template() -> str:
    return (STATIC / "index.html").read_text(encoding="utf-8")
