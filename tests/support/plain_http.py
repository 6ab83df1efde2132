"""A client of HTTP without TLS, which is what tests speak: one that reads the machine's certificates takes 30 ms to make."""

from typing import Any

import httpx


def plain_http(**options: Any) -> httpx.AsyncClient:
    """`options` are those of httpx."""
    return httpx.AsyncClient(verify=False, **options)  # noqa: S501 - there is no TLS to verify
