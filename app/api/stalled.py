"""What only the server knows of a WebSocket's peer, and tells in the scope: that it takes nothing any more."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

EXTENSION: Final = "osago.stalled"
"""In the scope's extensions: its `event` is set when the peer is stalled. Soon after that it is cut off."""


async def stalled(scope: Mapping[str, Any]) -> None:
    """Returns when the peer of this connection is stalled; never, where the server does not tell."""
    extension: Mapping[str, asyncio.Event] = scope["extensions"].get(EXTENSION, {})
    await extension.get("event", asyncio.Event()).wait()
