"""`X-Forwarded-For`, as uvicorn reads it, within limits: it is read before any token, and a client may have written most of it."""

from collections.abc import Awaitable
from typing import Any, Final

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

FORWARDED_BYTES_MAX: Final = 512
"""The part of the header that is read, its end: proxies add there. Sixteen hops of IPv6, or forty of IPv4."""
_NAME: Final = b"x-forwarded-for"


class ForwardedClients(ProxyHeadersMiddleware):
    """Sets the client's address to the nearest one that no trusted proxy has."""

    # No `async`: a coroutine more would stand on the stack of every socket for as long as that is open.
    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:  # type: ignore[override]
        if scope["type"] != "lifespan" and _length(scope["headers"]) > FORWARDED_BYTES_MAX:
            scope["headers"] = _cut(scope["headers"])
        return super().__call__(scope, receive, send)


def _length(headers: list[tuple[bytes, bytes]]) -> int:
    return sum([len(value) + 1 for name, value in headers if name == _NAME])


def _cut(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers with no more of it than may be read; an address that is cut in two is left out."""
    forwarded = b",".join(value for name, value in headers if name == _NAME)
    nearest = forwarded[-FORWARDED_BYTES_MAX:].partition(b",")[2]
    return [header for header in headers if header[0] != _NAME] + [(_NAME, nearest)]
