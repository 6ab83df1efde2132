"""WebSockets as uvicorn serves them, with an end for peers that take nothing any more.

A peer is stalled when it leaves a ping unanswered, or lets what is written pile up. The application hears of it, and
has a moment to say why it closes; then the connection is cut off, whatever is still unsent.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.api.stalled import EXTENSION

PING_EVERY_S: Final = 15.0
STALLED_AFTER_S: Final = 10.0
"""For so long a ping may be unanswered, or the buffer full."""
CUT_OFF_AFTER_S: Final = 5.0
"""What the application has for its last words. With the two above: 30 s from the last byte that was taken."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._stalled = asyncio.Event()
        self._stalling: asyncio.TimerHandle | None = None
        self._cutting: asyncio.TimerHandle | None = None

    async def run_asgi(self) -> None:
        self.scope["extensions"] = {**self.scope.get("extensions", {}), EXTENSION: {"event": self._stalled}}
        try:
            await super().run_asgi()
        finally:
            self._cut_off_soon()  # closing alone would wait until everything is sent

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalling = self._stalling or self.loop.call_later(STALLED_AFTER_S, self._stall)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stalling = _cancelled(self._stalling)

    def keepalive_timeout(self) -> None:
        self.pong_timer = None
        self.pending_ping_payload = None
        self._stall()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stalling, self._cutting = _cancelled(self._stalling), _cancelled(self._cutting)
        self._stalled.clear()
        super().connection_lost(exc)

    def _stall(self) -> None:
        self._stalled.set()
        self._cut_off_soon()

    def _cut_off_soon(self) -> None:
        if not self.disconnected:
            self._cutting = self._cutting or self.loop.call_later(CUT_OFF_AFTER_S, self.transport.abort)


def _cancelled(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
