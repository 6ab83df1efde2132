"""Waiting in a WebSocket's connection: small stand-ins for asyncio's `Event` and `Queue`, which take 4 KB each."""

import asyncio
from typing import Any


class WritableFlag:
    """An `asyncio.Event` that is set to begin with: hardly any task ever waits for it."""

    __slots__ = ("_is_set", "_waiting")

    def __init__(self) -> None:
        self._is_set = True
        self._waiting: list[asyncio.Future[None]] = []

    def set(self) -> None:
        self._is_set = True
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    def clear(self) -> None:
        self._is_set = False

    async def wait(self) -> None:
        if self._is_set:
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await waiting
        finally:
            self._waiting.remove(waiting)


class Inbox:
    """An `asyncio.Queue` for one reader, which gets one message in a turn of the event loop: what a message costs its application
    comes between other connections' turns. Its length is limited by the connection, which stops reading.
    """

    __slots__ = ("_messages", "_reading")

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._reading: asyncio.Future[None] | None = None

    def put_nowait(self, message: Any) -> None:
        self._messages.append(message)
        if self._reading and not self._reading.done():
            self._reading.set_result(None)

    def empty(self) -> bool:
        return not self._messages

    async def get(self) -> Any:
        if self._messages:
            await asyncio.sleep(0)
        while not self._messages:
            self._reading = asyncio.get_running_loop().create_future()
            await self._reading
        return self._messages.pop(0)
