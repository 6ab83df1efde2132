"""Access to the console: a service token is exchanged for a cookie, and every request comes from the console's page.

Three fences stand against pages of other origins, each enough by itself: the cookie is `SameSite=Strict`; `Origin` and
`Sec-Fetch-Site`, which no script can forge, have to be the API's own; and a change carries a header that a form cannot send.
"""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

from app.api.auth.tokens import OPERATOR_SESSION_TTL, OperatorSession, Tokens
from app.api.connections.origin_guard import is_welcome
from app.api.context import OPERATOR, OPERATOR_ACT
from app.config.quantities import Rate
from app.domain.caller import Service
from app.domain.errors import NotAllowed, NotAuthenticated, RateLimitExceeded
from app.redis.rate_cells import Cell, LocalRates
from app.runtime.clock import Clock
from app.server.client_network import network_of
from app.server.http1.cookies import cookie_of
from app.server.peer import address_of

PATH: Final = "/operator"
COOKIE: Final = "osago_operator"
HEADER: Final = "x-osago-console"
SIGN_INS_PER_ADDRESS: Final = Rate(10, 60.0)
SIGN_INS: Final = Rate(60, 60.0)
"""The limit of one process, for all addresses."""
_OWN_SITES: Final = frozenset({"same-origin", "none"})
_NONE_LISTED: Final[frozenset[str]] = frozenset()


class OperatorAccess:
    """Checks the sessions of operators in one process."""

    def __init__(self, tokens: Tokens, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock
        self._rates = LocalRates(clock)

    def sign_in(self, request: Request, token: str) -> tuple[OperatorSession, str]:
        """The session that a service token gives, and its cookie.

        Raises:
            NotAuthenticated: the token is none, or holds no more.
            NotAllowed: it lacks the scope, or another page sent it.
            RateLimitExceeded: too many have tried.
        """
        check_change(request)
        self._count_sign_in(address_of(request.scope))
        caller = self._tokens.caller(token)
        if not isinstance(caller, Service) or OPERATOR not in caller.scopes:
            raise NotAllowed
        session = self._tokens.operator_session(caller.tenant, caller.scopes & {OPERATOR, OPERATOR_ACT})
        return self._tokens.read_operator_session(session), _cookie(request, session)

    def sign_out(self, request: Request) -> str:
        """The cookie that ends the session in this browser."""
        check_change(request)
        return _cookie(request, "", age_s=0)

    def looking(self, request: Request) -> OperatorSession:
        """The session of a request that only reads.

        Raises:
            NotAuthenticated: there is none, or it has expired.
            NotAllowed: a page of another origin sends it.
        """
        _check_page(request.headers)
        cookie = cookie_of(request.headers.getlist("cookie"), COOKIE)
        if not cookie:
            raise NotAuthenticated
        session = self._tokens.read_operator_session(cookie)
        if OPERATOR not in session.scopes:
            raise NotAllowed
        return session

    def acting(self, request: Request) -> OperatorSession:
        """The session of a request that changes something.

        Raises:
            NotAuthenticated: as `looking`.
            NotAllowed: as `looking`; it lacks the scope, an `Origin`, or our header.
        """
        check_change(request)
        session = self.looking(request)
        if OPERATOR_ACT not in session.scopes:
            raise NotAllowed
        return session

    def left_s(self, session: OperatorSession) -> float:
        """For how long the session holds still."""
        return session.expires_at_s - self._clock.unix_s()

    def _count_sign_in(self, address: str) -> None:
        cells = [Cell(network_of(address), SIGN_INS_PER_ADDRESS), Cell("", SIGN_INS)]
        if wait := self._rates.take(cells):
            raise RateLimitExceeded(wait.seconds)


def check_change(request: Request) -> None:
    """Only the console's page sends changes: it has an `Origin`, and the console's header.

    Raises:
        NotAllowed: another has sent this.
    """
    if "origin" not in request.headers or HEADER not in request.headers:
        raise NotAllowed
    _check_page(request.headers)


def _check_page(headers: Mapping[str, str]) -> None:
    """`OSAGO_ORIGINS` counts for nothing here: those pages are others'."""
    site = headers.get("sec-fetch-site")
    if (site is not None and site not in _OWN_SITES) or not is_welcome(headers, _NONE_LISTED):
        raise NotAllowed


def _cookie(request: Request, value: str, *, age_s: float = OPERATOR_SESSION_TTL.total_seconds()) -> str:
    secure = "; Secure" if request.url.scheme == "https" else ""
    return f"{COOKIE}={value}; Path={PATH}; Max-Age={age_s:.0f}; HttpOnly; SameSite=Strict{secure}"
