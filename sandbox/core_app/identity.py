"""Customers. Here each browser gets a random name in a signed cookie; a real service has people log in."""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Final

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.server.client_network import network_of
from app.server.http1.cookies import cookie_of

COOKIE: Final = "osago_customer"
_AGE_S: Final = 180 * 24 * 3600
_DIGEST_BYTES: Final = 16
_COOKIE_LENGTH_MAX: Final = 128


@dataclass(frozen=True, slots=True)
class Customer:
    """One browser. The cookie is its proof; the id is for everything else and leads back to no cookie."""

    id: str
    cookie: str = field(repr=False)


class OwnCookie:
    """ASGI: leaves the customer's cookie in a request and drops all others, for FastAPI parses every cookie of every request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            sent = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
            others = [header for header in scope["headers"] if header[0] != b"cookie"]
            own = cookie_of(sent, COOKIE).encode("latin-1")
            kept = [(b"cookie", b"%b=%b" % (COOKIE.encode(), own))] if 0 < len(own) <= _COOKIE_LENGTH_MAX else []
            scope = {**scope, "headers": others + kept}
        await self._app(scope, receive, send)


class CustomerSigner:
    """Makes customers, and recognises their cookies. All processes of core-app have the same secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def new_customer(self) -> Customer:
        return self._customer(secrets.token_urlsafe(16))

    def customer_of(self, request: Request) -> Customer | None:
        """None without a cookie, and for one that was not signed here."""
        cookie = request.cookies.get(COOKIE, "")
        customer = self._customer(cookie.partition(".")[0])
        return customer if hmac.compare_digest(customer.cookie.encode(), cookie.encode()) else None

    def _customer(self, name: str) -> Customer:
        return Customer(self._digest("customer", name), f"{name}.{self._digest('cookie', name)}")

    def _digest(self, purpose: str, name: str) -> str:
        digest = hmac.digest(self._secret, f"{purpose}:{name}".encode(), "sha256")[:_DIGEST_BYTES]
        return urlsafe_b64encode(digest).decode().rstrip("=")


def introduce(response: Response, request: Request, customer: Customer) -> None:
    """Sets the cookie. `SameSite=Lax`: other sites' pages cannot post with it. `Secure` where the page came over https."""
    is_secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, customer.cookie, max_age=_AGE_S, httponly=True, samesite="lax", secure=is_secure)


def address_of(request: Request) -> str:
    """Where a request comes from, for limits."""
    return network_of(request.client.host if request.client else "")
