"""Tokens: JWTs of services, and those that let a browser watch one request, or all requests of one customer.

Tokens of services are made here or by an identity provider; those of browsers only here.
"""

import hmac
import math
import re
import secrets
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, cast
from uuid import UUID

import jwt
import msgspec

from app.api.auth.jwks import Jwks
from app.api.auth.keyring import OWN, Keyring, NoKey
from app.domain.caller import Caller, CustomerWatcher, Service, Watcher
from app.domain.errors import NotAuthenticated
from app.runtime.clock import Clock

SERVICE_AUDIENCE: Final = "osago"
WATCH_AUDIENCE: Final = "osago-watch"
CUSTOMER_AUDIENCE: Final = "osago-customer"
TICKET_AUDIENCE: Final = "osago-ticket"
TICKET_TTL: Final = timedelta(seconds=30)
OPERATOR_AUDIENCE: Final = "osago-operator"
OPERATOR_SESSION_TTL: Final = timedelta(hours=8)
TOKEN_LENGTH_MAX: Final = 4096
SUBJECT_LENGTH_MAX: Final = 256
TTL_S_MAX: Final = 366 * 86_400.0
"""A token that is valid for longer is refused: it would outlive its purpose."""
SKEW_S: Final = 60.0
"""Seconds that an issuer's clock may be ahead: `nbf` and `iat`. Expiry is exact."""
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_SEGMENTS: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_CACHED: Final = 1024
_encode: Final = msgspec.json.Encoder().encode
_BROKEN: Final = (jwt.PyJWTError, KeyError, TypeError, ValueError, OverflowError, RecursionError)
"""Errors of reading a token that was not made here."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The content of a valid token: its caller, and its first and last second since 1970."""

    caller: Caller
    starts_at_s: float
    expires_at_s: float


@dataclass(frozen=True, slots=True)
class Ticket:
    """Opens one stream of one request, once. `until` is when the stream's own cookie ends."""

    id: str
    request_id: UUID
    until: datetime


@dataclass(frozen=True, slots=True)
class OperatorSession:
    """The content of the operator console's cookie. It is no bearer token: neither GraphQL nor REST accepts it."""

    id: str
    subject: str
    scopes: frozenset[str]
    expires_at_s: float


@dataclass(frozen=True, slots=True)
class ProviderRules:
    """Which tokens of an identity provider are accepted: their issuer, the names of its tenants, their scopes."""

    issuer: str
    tenant_prefix: str = ""
    """Before `sub`, so that its `core-app` is not the `core-app` of a token made here."""
    scopes: frozenset[str] = frozenset()


class Tokens:
    """Makes and checks tokens. With `provider` the tokens that `jwks` has keys for hold by its rules alone."""

    def __init__(
        self,
        keys: str | Keyring,
        clock: Clock,
        *,
        watch_ttl_s: float,
        jwks: str = "",
        provider: ProviderRules | None = None,
    ) -> None:
        self._provider = provider
        self._keyring = keys if isinstance(keys, Keyring) else Keyring(keys)
        self._clock = clock
        head = {"alg": OWN, "typ": "JWT"} | ({"kid": key_id} if (key_id := self._keyring.signing_id) else {})
        self._head = _base64url(_encode(head)) + b"."
        # Of the key and the head, which every token begins with: a copy goes on with the claims.
        self._mac = hmac.new(self._keyring.signing_secret.encode(), self._head, "sha256")
        self._watch_ttl_s = watch_ttl_s
        # A service sends the same token with every request: its signature is checked once.
        self._verified = lru_cache(maxsize=_CACHED)(self._verify)
        self.jwks = Jwks(jwks, self._keyring, self._verified.cache_clear) if jwks else None

    def service_token(self, subject: str, scopes: str, ttl: timedelta) -> str:
        claims: dict[str, object] = {"sub": subject, "scope": scopes, "aud": SERVICE_AUDIENCE}
        return self._sign(claims, self._clock.unix_s() + ttl.total_seconds())

    def watch_token(self, request_id: UUID, until: datetime | None = None) -> str:
        """Until `until`, or for the time that the settings give it."""
        claims: dict[str, object] = {"sub": request_id, "aud": WATCH_AUDIENCE}
        return self._sign(claims, until.timestamp() if until else self._clock.unix_s() + self._watch_ttl_s)

    def ticket(self, request_id: UUID, until: datetime) -> str:
        """Holds for `TICKET_TTL`."""
        claims = {"sub": request_id, "aud": TICKET_AUDIENCE, "jti": secrets.token_urlsafe(9)}
        return self._sign(
            {**claims, "until": int(until.timestamp())}, self._clock.unix_s() + TICKET_TTL.total_seconds()
        )

    def read_ticket(self, ticket: str) -> Ticket:
        """A ticket that was made here and still holds, used or not.

        Raises:
            NotAuthenticated: it is none.
        """
        try:
            if len(ticket) > TOKEN_LENGTH_MAX:
                raise NotAuthenticated
            claims, is_own = self._claims(ticket)
            is_over = _moment(claims.get("exp")) <= self._clock.unix_s()
            if not is_own or claims.get("aud") != TICKET_AUDIENCE or is_over:
                raise NotAuthenticated
            until = datetime.fromtimestamp(_moment(claims.get("until")), UTC)
            return Ticket(str(claims["jti"]), UUID(claims["sub"]), until)
        except (NoKey, *_BROKEN):
            raise NotAuthenticated from None

    def operator_session(self, subject: str, scopes: frozenset[str]) -> str:
        """Holds for `OPERATOR_SESSION_TTL`, at every process that has the key."""
        claims: dict[str, object] = {"sub": subject, "scope": " ".join(sorted(scopes)), "aud": OPERATOR_AUDIENCE}
        expires_at_s = self._clock.unix_s() + OPERATOR_SESSION_TTL.total_seconds()
        return self._sign({**claims, "jti": secrets.token_urlsafe(12)}, expires_at_s)

    def read_operator_session(self, session: str) -> OperatorSession:
        """A session that was made here and still holds.

        Raises:
            NotAuthenticated: it is none.
        """
        try:
            if len(session) > TOKEN_LENGTH_MAX:
                raise NotAuthenticated
            claims, is_own = self._claims(session)
            expires_at_s = _moment(claims.get("exp"))
            if not is_own or claims.get("aud") != OPERATOR_AUDIENCE or expires_at_s <= self._clock.unix_s():
                raise NotAuthenticated
            scopes = frozenset(filter(None, str(claims["scope"]).split(" ")))
            return OperatorSession(str(claims["jti"]), str(claims["sub"]), scopes, expires_at_s)
        except (NoKey, *_BROKEN):
            raise NotAuthenticated from None

    def customer_token(self, tenant: str, customer_id: str) -> tuple[str, datetime]:
        """The token, and until when it holds."""
        expires_at_s = int(self._clock.unix_s() + self._watch_ttl_s)
        claims: dict[str, object] = {"sub": customer_id, "tenant": tenant, "aud": CUSTOMER_AUDIENCE}
        return self._sign(claims, expires_at_s), datetime.fromtimestamp(expires_at_s, UTC)

    def caller(self, token: str) -> Caller:
        """Returns the caller of this token.

        Raises:
            NotAuthenticated: as `grant`.
        """
        return self.grant(token).caller

    def grant(self, token: str) -> Grant:
        """The grant of this token.

        Raises:
            NotAuthenticated: its signature does not hold, it has expired, or does not hold yet.
        """
        if len(token) > TOKEN_LENGTH_MAX:
            raise NotAuthenticated
        grant = self._verified(token)
        now_s = self._clock.unix_s()
        if not grant.starts_at_s - SKEW_S <= now_s < grant.expires_at_s <= now_s + TTL_S_MAX:
            raise NotAuthenticated
        return grant

    def _sign(self, claims: dict[str, object], expires_at_s: float) -> str:
        return self._signed(_encode({**claims, "exp": int(expires_at_s)}))

    def _signed(self, claims: bytes) -> str:
        """HS256 as RFC 7515 has it, by hand: PyJWT takes 20 µs for what is done here in 3."""
        mac, encoded = self._mac.copy(), _base64url(claims)
        mac.update(encoded)
        return b"".join((self._head, encoded, b".", _base64url(mac.digest()))).decode()

    def _verify(self, token: str) -> Grant:
        try:
            claims, is_own = self._claims(token)
            return _grant(claims, is_own=is_own)
        except NoKey:
            if self.jwks:
                self.jwks.want()
            raise NotAuthenticated from None
        except _BROKEN:
            raise NotAuthenticated from None

    def _claims(self, token: str) -> tuple[Mapping[str, Any], bool]:
        """The claims of a token with a good signature, if it was made for this API."""
        if not _is_canonical(token):
            raise NotAuthenticated
        key, algorithm = self._keyring.key_for(jwt.get_unverified_header(token))
        # Times are checked against the product's clock, at every use; audiences by the readers of the claims.
        options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
        claims = jwt.decode(token, key, algorithms=[algorithm], options=options)
        is_own = algorithm == OWN
        return (claims if is_own or not self._provider else _by_rules(claims, self._provider)), is_own


def _is_canonical(token: str) -> bool:
    """Whether it is written in the one way: what decoders skip (`=`, line ends, spare bits) would make others of one token."""
    signature = token.rpartition(".")[2]
    return _SEGMENTS.fullmatch(token) is not None and (
        _base64url(urlsafe_b64decode(signature + "=" * (-len(signature) % 4))).decode() == signature
    )


def _base64url(octets: bytes) -> bytes:
    return b2a_base64(octets, newline=False).translate(_URL_SAFE, b"=")


def _by_rules(claims: Mapping[str, Any], rules: ProviderRules) -> Mapping[str, Any]:
    """The claims of a provider's token as they hold here.

    Raises:
        ValueError: another issuer has made it.
    """
    if claims.get("iss") != rules.issuer:
        raise ValueError("another issuer")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise ValueError("sub is not empty")
    scopes = rules.scopes.intersection(str(claims.get("scope", "")).split(" "))
    return {**claims, "sub": f"{rules.tenant_prefix}{claims['sub']}", "scope": " ".join(sorted(scopes))}


def _grant(claims: Mapping[str, Any], *, is_own: bool) -> Grant:
    starts_at_s = max(_moment(claims.get("nbf", 0)), _moment(claims.get("iat", 0)))
    return Grant(_caller(claims, is_own=is_own), starts_at_s, _moment(claims.get("exp")))


def _moment(claim: object) -> float:
    """Seconds since 1970: a number, and nothing that Python would take for one."""
    if type(claim) not in (int, float) or not math.isfinite(cast("float", claim)):
        raise ValueError("a moment is a number")
    return float(cast("float", claim))


def _caller(claims: Mapping[str, Any], *, is_own: bool) -> Caller:
    subject, scope, audience = claims.get("sub"), claims.get("scope", ""), claims.get("aud")
    if not isinstance(subject, str) or not isinstance(scope, str):
        raise ValueError("sub and scope are strings")  # noqa: TRY004 - every fault of a token is one error
    if not 1 <= len(subject) <= SUBJECT_LENGTH_MAX or not subject.isprintable():
        raise ValueError("sub is not empty")
    audiences: list[object] = cast("list[object]", audience) if isinstance(audience, list) else [audience]
    if SERVICE_AUDIENCE in audiences and not {WATCH_AUDIENCE, CUSTOMER_AUDIENCE} & set(audiences):
        return Service(subject, frozenset(filter(None, scope.split(" "))))
    if audiences == [WATCH_AUDIENCE] and is_own:
        return Watcher(UUID(subject))
    if audiences == [CUSTOMER_AUDIENCE] and is_own and isinstance(tenant := claims.get("tenant"), str) and tenant:
        return CustomerWatcher(tenant, subject)
    raise ValueError("one audience")
