"""Who the customer is. Here whoever comes gets a random name in a cookie; a real service has people log in."""

import re
import secrets
from typing import Final

from fastapi import Request, Response

COOKIE: Final = "osago_customer"
_AGE_S: Final = 180 * 24 * 3600
_is_ours: Final = re.compile("[A-Za-z0-9_-]{22}").fullmatch


def customer_of(request: Request) -> str | None:
    """The customer's name, if the browser has told one that could be ours."""
    told = request.cookies.get(COOKIE, "")
    return told if _is_ours(told) else None


def address_of(request: Request) -> str:
    """Where somebody without a name comes from; limits hold for the address then."""
    return request.client.host if request.client else "unknown"


def new_customer() -> str:
    return secrets.token_urlsafe(16)


def introduce(response: Response, customer_id: str) -> None:
    """Has the browser say this name from now on. Other sites' pages cannot post with it: `SameSite=Lax`."""
    response.set_cookie(COOKIE, customer_id, max_age=_AGE_S, httponly=True, samesite="lax")
