"""Reading from a connection pauses for two reasons, and goes on when neither is left."""

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import FlowControl


class PacedFlow(FlowControl):
    """uvicorn pauses reading while the application has body enough; the connection holds it while it has bytes to feed."""

    def __init__(self, transport: asyncio.Transport, on_resumed: Callable[[], None]) -> None:
        super().__init__(transport)
        self._on_resumed: Callable[[], None] | None = on_resumed
        """None once the connection has ended: reading is no matter of it any more."""
        self._is_held = False

    def pause_reading(self) -> None:
        self.read_paused = True
        self._update()

    def resume_reading(self) -> None:
        if self.read_paused:
            self.read_paused = False
            if self._is_held and self._on_resumed:
                self._on_resumed()
            self._update()

    def hold(self) -> None:
        """Stops reading until `release`."""
        self._is_held = True
        self._update()

    def release(self) -> None:
        """The connection holds nothing any more."""
        if self._is_held:
            self._is_held = False
            self._update()

    def let_go(self) -> None:
        """The connection has ended: forgets it."""
        self._on_resumed = None

    def _update(self) -> None:
        if self._on_resumed is None or self._transport.is_closing():
            return
        if self._is_held or self.read_paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
