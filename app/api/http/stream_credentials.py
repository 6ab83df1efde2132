"""Credentials of a stream over HTTP: `Authorization`, or what a browser's EventSource can send: a ticket in the URL, then a cookie.

A ticket opens one stream, once, within half a minute, so that an URL in a log is worth nothing. Opening it sets a cookie for this
stream's path, with which the same EventSource comes back.
"""

import hashlib
import re
from datetime import timedelta
from typing import Final
from urllib.parse import unquote

from starlette.requests import Request

from app.api.auth.tokens import TOKEN_LENGTH_MAX, Grant
from app.api.http.request_head import bearer
from app.api.services import Services
from app.domain.errors import NotAuthenticated
from app.server.http1.cookies import cookie_of

_TICKET: Final = re.compile(rb"(?:\A|&)ticket=([^&]{1,%d})(?:&|\Z)" % TOKEN_LENGTH_MAX)
_COOKIE: Final = "osago_stream_"
_NAME_LENGTH: Final = 16
_LAST_WORDS: Final = timedelta(seconds=5)
"""A stream outlasts the request that it watches, so that its end is sent."""


async def stream_grant(request: Request, services: Services) -> tuple[Grant, dict[str, str]]:
    """The grant to watch, and the headers that the answer has to have.

    Raises:
        NotAuthenticated: there is no token, or none that holds; a ticket has been used.
        RedisAway: whether a ticket has been used cannot be known.
    """
    ticket = _ticket_of(request)
    if "authorization" in request.headers or not ticket or request.method != "GET":
        return services.tokens.grant(bearer(request)), {}
    cookie = _cookie_name(ticket)
    if token := cookie_of(request.headers.getlist("cookie"), cookie):
        return services.tokens.grant(token), {}
    opened = services.tokens.read_ticket(ticket)
    if not await services.used_tickets.take(opened.request_id, opened.id):
        raise NotAuthenticated
    token = services.tokens.watch_token(opened.request_id, opened.until + _LAST_WORDS)
    age_s = max(0, int((opened.until - services.clock.now()).total_seconds()))
    secure = "; Secure" if request.url.scheme == "https" else ""
    kept = f"{cookie}={token}; Path={request.url.path}; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}"
    return services.tokens.grant(token), {"Set-Cookie": kept}


def _ticket_of(request: Request) -> str:
    """The parameter `ticket` of the URL; the rest of the query is not parsed before the token is checked."""
    found = _TICKET.search(request.scope["query_string"])
    return unquote(found[1].decode("ascii", "replace")) if found else ""


def _cookie_name(ticket: str) -> str:
    """A cookie belongs to the URL that its ticket is in: several streams share a path."""
    return _COOKIE + hashlib.sha256(ticket.encode()).hexdigest()[:_NAME_LENGTH]
