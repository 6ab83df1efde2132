"""A client of HTTP without TLS, which is what tests speak: a context of TLS takes milliseconds to make, and one with the machine's certificates 30."""

import ssl
from typing import Any, Final

import httpx

GIVEN_UP_S: Final = 60.0
"""How long an answer may take is asserted by `support.stalls.within`; httpx itself gives up after 5 s."""

_NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def plain_http(**options: Any) -> httpx.AsyncClient:
    """`options` are those of httpx."""
    options.setdefault("timeout", GIVEN_UP_S)
    return httpx.AsyncClient(verify=_NO_TLS, **options)
