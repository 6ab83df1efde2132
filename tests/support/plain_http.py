"""A client of HTTP without TLS, which is what tests speak: one that reads the machine's certificates takes 30 ms to make."""

from typing import Any, Final

import httpx

GIVEN_UP_S: Final = 60.0
"""How long an answer may take is asserted by `support.stalls.within`; httpx itself gives up after 5 s."""


def plain_http(**options: Any) -> httpx.AsyncClient:
    """`options` are those of httpx."""
    options.setdefault("timeout", GIVEN_UP_S)
    return httpx.AsyncClient(verify=False, **options)  # noqa: S501 - there is no TLS to verify
