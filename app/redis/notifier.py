"""One connection per process that receives the notifications of Redis's pub/sub. It may miss some, and knows when."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

import structlog

from app.domain.errors import RedisAway
from app.observability import metrics
from app.redis.redis_client import RedisClient
from app.redis.topology import BLOCK_MS
from app.runtime.cancellation import raise_if_cancelled

log: Final = structlog.get_logger(__name__)

_RETRY_S: Final = 0.2


def on_ids(on_notification: Callable[[list[UUID]], None]) -> Callable[[str], None]:
    """A listener for messages that are request ids separated by spaces."""
    return lambda message: on_notification([UUID(part) for part in message.split()])


class Notifier:
    """One connection that listens to all channels that are named before it runs."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._listeners: dict[str, Callable[[str], None]] = {}
        self.is_connected = False
        """False while notifications may be missed."""
        self.connected = asyncio.Event()
        """Set while `is_connected`; cleared when the connection breaks."""
        self._breaks = 0

    @property
    def unbroken(self) -> int | None:
        """A number that stays the same as long as no notification can have been missed; None while some may be."""
        return self._breaks if self.is_connected else None

    def listen(self, channels: Iterable[str], listener: Callable[[str], None]) -> None:
        """Hands the messages of these channels to a listener."""
        self._listeners |= dict.fromkeys(channels, listener)

    async def run(self) -> None:
        """Listens, and connects again whenever the connection breaks."""
        while True:
            raise_if_cancelled()
            try:
                await self._listen()
            except RedisAway as error:
                if self.is_connected:
                    log.warning("notifier.disconnected", error=str(error))
            finally:
                self._set_connected(is_connected=False)
            await asyncio.sleep(_RETRY_S)

    async def _listen(self) -> None:
        await self._client.ping()  # a Cluster's client knows its nodes only after its first command
        async with self._client.pubsub() as pubsub:
            await pubsub.subscribe(*self._listeners)
            while True:
                raise_if_cancelled()
                message = await pubsub.get_message(timeout=BLOCK_MS / 1000)
                if message is None:
                    await pubsub.ping()  # a connection that died silently is found by it
                elif message["type"] == "subscribe":
                    self._set_connected(is_connected=message["data"] == len(self._listeners))
                elif message["type"] == "message":
                    self._dispatch(message["channel"], message["data"])

    def _dispatch(self, channel: str, message: str) -> None:
        try:
            self._listeners[channel](message)
        except ValueError:  # another writer's: ours are ids
            metrics.FOREIGN.inc()

    def _set_connected(self, *, is_connected: bool) -> None:
        self._breaks += self.is_connected and not is_connected
        self.is_connected = is_connected
        if is_connected:
            self.connected.set()
        else:
            self.connected.clear()
