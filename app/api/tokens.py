"""Tokens: JWTs of services, and those that let a browser watch one request, or one customer. One secret signs all."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

import jwt

from app.clock import Clock
from app.domain.caller import Caller, CustomerWatcher, Service, Watcher
from app.domain.errors import NotAuthenticated

SERVICE_AUDIENCE: Final = "osago"
WATCH_AUDIENCE: Final = "osago-watch"
CUSTOMER_AUDIENCE: Final = "osago-customer"
TOKEN_LENGTH_MOST: Final = 4096
_ALGORITHM: Final = "HS256"
_CACHED: Final = 1024


@dataclass(frozen=True, slots=True)
class _Verified:
    caller: Caller
    expires_at_s: float


class Tokens:
    """Makes and checks tokens."""

    def __init__(self, secret: str, clock: Clock, *, watch_ttl_s: float) -> None:
        self._secret = secret
        self._clock = clock
        self._watch_ttl = timedelta(seconds=watch_ttl_s)
        # A service sends the same token with every request: its signature is checked once.
        self._verified = lru_cache(maxsize=_CACHED)(self._verify)

    def service_token(self, subject: str, scopes: str, ttl: timedelta) -> str:
        return self._sign({"sub": subject, "scope": scopes, "aud": SERVICE_AUDIENCE}, self._clock.now() + ttl)

    def watch_token(self, request_id: UUID) -> str:
        return self._sign({"sub": str(request_id), "aud": WATCH_AUDIENCE}, self._clock.now() + self._watch_ttl)

    def customer_token(self, tenant: str, customer_id: str) -> tuple[str, datetime]:
        """The token, and until when it holds."""
        expires_at = (self._clock.now() + self._watch_ttl).replace(microsecond=0)
        claims: dict[str, object] = {"sub": customer_id, "tenant": tenant, "aud": CUSTOMER_AUDIENCE}
        return self._sign(claims, expires_at), expires_at

    def caller(self, token: str) -> Caller:
        """Who this token speaks for.

        Raises:
            NotAuthenticated: it is none of ours, or has expired.
        """
        if len(token) > TOKEN_LENGTH_MOST:
            raise NotAuthenticated
        verified = self._verified(token)
        if self._clock.now().timestamp() >= verified.expires_at_s:
            raise NotAuthenticated
        return verified.caller

    def _sign(self, claims: dict[str, object], expires_at: datetime) -> str:
        return jwt.encode({**claims, "exp": int(expires_at.timestamp())}, self._secret, algorithm=_ALGORITHM)

    def _verify(self, token: str) -> _Verified:
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=[SERVICE_AUDIENCE, WATCH_AUDIENCE, CUSTOMER_AUDIENCE],
                # Expiry is checked against our own clock, at every use.
                options={"require": ["sub", "aud", "exp"], "verify_exp": False},
            )
            caller = _caller(claims)
            return _Verified(caller, float(claims["exp"]))
        except (jwt.InvalidTokenError, TypeError, ValueError) as error:
            raise NotAuthenticated from error


def _caller(claims: dict[str, object]) -> Caller:
    subject, scope, tenant = claims["sub"], claims.get("scope", ""), claims.get("tenant")
    if not isinstance(subject, str) or not subject or not isinstance(scope, str):
        raise ValueError("sub and scope are strings")
    match claims["aud"]:
        case audience if audience == SERVICE_AUDIENCE:
            return Service(subject, frozenset(scope.split()))
        case audience if audience == WATCH_AUDIENCE:
            return Watcher(UUID(subject))
        case audience if audience == CUSTOMER_AUDIENCE and isinstance(tenant, str) and tenant:
            return CustomerWatcher(tenant, subject)
        case _:
            raise ValueError("one audience")
