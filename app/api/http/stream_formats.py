"""How answers that last are written: server-sent events, and parts of a multipart document.

The first as graphql-sse has it for distinct connections (https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md), the
second as Apollo has it for `subscriptionSpec=1.0` (https://www.apollographql.com/docs/router/executing-operations/subscription-multipart-protocol).
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from app.api.encoding import encode
from app.api.graphql_errors import BadDocument, format_errors, from_exception
from app.domain.errors import NotAuthenticated, Unavailable

RETRY_MS: Final = 1000
"""How long a browser waits before it comes back."""
EVENT_STREAM: Final = "text/event-stream"
MULTIPART: Final = "multipart/mixed"
SUBSCRIPTION_SPEC: Final = "1.0"
_BOUNDARY: Final = "graphql"


class StreamFormat(Protocol):
    """The pieces of an answer, in UTF-8."""

    content_type: str
    opening: bytes
    beat: bytes
    """Shows that the connection is alive."""
    closing: bytes
    """There is no more to come."""

    def next(self, payload: bytes, cursor: str | None, /) -> bytes:
        """An event; `cursor` is where a client goes on after it."""
        ...

    def failure(self, error: Exception) -> bytes:
        """The error that ends the subscription before its request has ended; `closing` follows."""
        ...

    def breaking_off(self, error: NotAuthenticated | Unavailable, /) -> bytes:
        """The last words of an answer whose token holds no longer, or whose process stops."""
        ...


class GraphQLEvents:
    """Server-sent events: `next` with a result each, then `complete`; `id:` is the cursor."""

    content_type = f"{EVENT_STREAM}; charset=utf-8"
    opening = b"retry: %d\n\n" % RETRY_MS
    beat = b":\n\n"
    closing = b"event: complete\ndata: \n\n"

    def next(self, payload: bytes, cursor: str | None) -> bytes:
        if cursor is None:
            return b"event: next\ndata: %b\n\n" % payload
        return b"id: %b\nevent: next\ndata: %b\n\n" % (cursor.encode(), payload)

    def failure(self, error: Exception) -> bytes:
        return self.next(encode(result_of(error)), None)

    def breaking_off(self, error: NotAuthenticated | Unavailable) -> bytes:
        """A connection that ends without `complete` has clients come back."""
        return b"" if isinstance(error, Unavailable) else self.failure(error) + self.closing


class MultipartParts:
    """A part each, and the boundary at once behind it: a client takes a part for whole when it reads the boundary."""

    content_type = f'{MULTIPART};boundary="{_BOUNDARY}";subscriptionSpec="{SUBSCRIPTION_SPEC}"'
    opening = b"\r\n--%b" % _BOUNDARY.encode()
    closing = b"--\r\n"

    def __init__(self) -> None:
        self.beat = self._part({})

    def next(self, payload: bytes, _cursor: str | None) -> bytes:
        return b'\r\ncontent-type: application/json\r\n\r\n{"payload":%b}\r\n--%b' % (payload, _BOUNDARY.encode())

    def failure(self, error: Exception) -> bytes:
        return self.next(encode(result_of(error)), None)

    def breaking_off(self, error: NotAuthenticated | Unavailable) -> bytes:
        """An error of the transport, as Apollo has it: there is no result."""
        return self._part({"payload": None, **result_of(error)}) + self.closing

    def _part(self, document: Mapping[str, Any]) -> bytes:
        body = encode(document)
        return b"\r\ncontent-type: application/json\r\n\r\n%b\r\n--%b" % (body, _BOUNDARY.encode())


def result_of(error: Exception) -> dict[str, Any]:
    """A result that has errors alone."""
    return {"errors": format_errors(error.errors) if isinstance(error, BadDocument) else [from_exception(error)]}
