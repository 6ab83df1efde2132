"""The interface of the server to an application without ASGI: the head and the body of a request, and a reply.

The names of what an application's lifespan gives to the server stand here, too.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

DIRECT: Final = "direct"
"""In the lifespan's state: a `DirectApplication`."""
DRAINING: Final = "draining"
"""In the lifespan's state: an `asyncio.Event`, set when the server begins to stop: no answer that lasts begins then."""

Header = tuple[bytes, bytes]
"""A name in lower case, and a value."""


class Head(msgspec.Struct, frozen=True, gc=False):
    """The head of a request, as far as an application needs it."""

    method: str
    headers: Sequence[Header]
    query: bytes = b""


class HttpReply(msgspec.Struct, frozen=True, gc=False):
    """A whole answer. Its length is among the headers, and no header has a line break."""

    status: int
    headers: list[Header]
    body: bytes


class DirectApplication(Protocol):
    """Replies to every POST to `path`, except for those that a page of another origin sends."""

    path: bytes

    async def handle(self, head: Head, body: bytes, /) -> HttpReply:
        """The reply. Raises nothing but a cancellation."""
        ...
