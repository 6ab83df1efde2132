"""The peer of an answer that lasts, under a server that passes none on: pieces go through `send`."""

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.types import Send

from app.server.peer_budget import PeerBudget

UNSENT_BYTES_MAX: Final = 16 * 1024
"""The most that waits while a piece is on its way."""


class AsgiPeer:
    """An `app.server.peer.Peer`, as far as ASGI knows one: `send` returns when the connection takes more."""

    on_writable: Callable[[], None] | None = None
    on_stalled: Callable[[], None] | None = None
    """Never called: only a server measures how long a peer takes nothing."""
    on_draining: Callable[[], None] | None = None
    """Never called: other servers have drains of their own."""

    def __init__(self, send: Send) -> None:
        self.budget = PeerBudget()
        self._send = send
        self._unsent = b""
        self._has_unsent = asyncio.Event()
        self._is_begun = False

    @property
    def is_writable(self) -> bool:
        return self._is_begun and len(self._unsent) < UNSENT_BYTES_MAX

    def write(self, text: bytes) -> None:
        self._is_begun = True
        self._unsent += text
        self._has_unsent.set()

    def flush(self) -> None:
        """Nothing to do: `run` sends what was written."""

    async def run(self) -> None:
        """Sends what is written, until it is cancelled."""
        while True:
            await self._has_unsent.wait()
            await self.drain()

    async def drain(self) -> None:
        """Sends all that was written."""
        self._has_unsent.clear()
        unsent, self._unsent = self._unsent, b""
        if unsent:
            await self._send({"type": "http.response.body", "body": unsent, "more_body": True})
        if self.on_writable:
            self.on_writable()
