"""The connections of a process that receive the notifications of Redis's pub/sub. They may miss some, and know when.

One connection, or in a Cluster with sharded pub/sub (Redis 7) one to each master, and one to any node for what servers and
releases without it publish.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog

from app.domain.errors import RedisAway
from app.observability import metrics
from app.redis.redis_client import PubSub, RedisClient
from app.runtime.cancellation import raise_if_cancelled

log: Final = structlog.get_logger(__name__)

PING_EVERY_S: Final = 0.5
UNANSWERED_MAX: Final = 2
"""Pings without a sign of life: 1.5 s after its last one a server counts as silent."""
_RETRY_S: Final = 0.2
_SHARDED_FROM: Final = 7


def on_ids(on_notification: Callable[[list[UUID]], None]) -> Callable[[str], None]:
    """A listener for messages that are request ids separated by spaces."""
    return lambda message: on_notification([UUID(part) for part in message.split()])


@dataclass(frozen=True, slots=True)
class _Subscription:
    """Channels at one node of a Cluster (None: at the one server). `slots`: in groups of one slot each, by sharded pub/sub."""

    node: tuple[str, int] | None
    channels: Sequence[str] = ()
    slots: Sequence[Sequence[str]] = ()


class Notifier:
    """Listens to all channels that are named before it runs."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._listeners: dict[str, Callable[[str], None]] = {}
        self._missing: set[tuple[bool, str]] = set()
        """Channels without a confirmed subscription, sharded ones and others."""
        self._running: set[asyncio.Task[None]] = set()
        self.is_connected = False
        """False while notifications may be missed."""
        self.connected = asyncio.Event()
        """Set while `is_connected`; cleared when the connection breaks."""
        self._breaks = 0
        self._broken_at_s = time.monotonic()

    @property
    def unbroken(self) -> int | None:
        """A number that stays the same as long as no notification can have been missed; None while some may be."""
        return self._breaks if self.is_connected else None

    @property
    def unheard_s(self) -> float | None:
        """For how many seconds notifications may have been missed; None while they are heard."""
        return None if self.is_connected else time.monotonic() - self._broken_at_s

    def listen(self, channels: Iterable[str], listener: Callable[[str], None]) -> None:
        """Hands the messages of these channels to a listener."""
        self._listeners |= dict.fromkeys(channels, listener)

    async def reconnect(self) -> None:
        """Another server may have taken over: all connections are opened anew."""
        for task in self._running:
            task.cancel()

    async def run(self) -> None:
        """Listens, and connects again whenever a connection breaks."""
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
        """Until one of the connections breaks."""
        subscriptions = await self._subscriptions()
        self._missing = {(False, channel) for one in subscriptions for channel in one.channels}
        self._missing |= {(True, channel) for one in subscriptions for slot in one.slots for channel in slot}
        self._running = {asyncio.create_task(self._hear(one)) for one in subscriptions}
        try:
            done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self.reconnect()
            await asyncio.wait(self._running)
        for task in done:
            if not task.cancelled():
                task.result()

    async def _subscriptions(self) -> list[_Subscription]:
        channels = list(self._listeners)
        if not self._client.is_cluster:
            return [_Subscription(None, channels)]
        masters = await self._client.masters_of(channels)
        found = [_Subscription(next(iter(masters)), channels)]
        for node, served in masters.items():
            if await self._has_sharded(node):
                slots: dict[str, list[str]] = {}
                for channel in served:
                    slots.setdefault(channel.partition("}")[0], []).append(channel)
                found.append(_Subscription(node, slots=list(slots.values())))
        return found

    async def _has_sharded(self, node: tuple[str, int]) -> bool:
        client = self._client.new_listener(node)
        try:
            version = str((await client.info("server"))["redis_version"])
        finally:
            await client.aclose()
        return int(version.partition(".")[0]) >= _SHARDED_FROM

    async def _hear(self, subscription: _Subscription) -> None:
        client = self._client.new_listener(subscription.node)
        try:
            async with client.pubsub() as pubsub:
                if subscription.channels:
                    await pubsub.subscribe(*subscription.channels)
                for slot in subscription.slots:
                    await pubsub.ssubscribe(*slot)
                await self._receive(pubsub, subscription.node)
        finally:
            await client.aclose()

    async def _receive(self, pubsub: PubSub, node: tuple[str, int] | None) -> None:
        """A silent server is found by turns without a reply, not by time: this process may have stood still itself."""
        unanswered = 0
        while True:
            raise_if_cancelled()
            message = await pubsub.get_message(timeout=PING_EVERY_S)
            if message is not None:
                unanswered = 0
                self._take(message)
            elif unanswered >= UNANSWERED_MAX:
                await self._drop(node)
                raise RedisAway("silent")
            else:
                unanswered += 1
                await pubsub.ping()

    async def _drop(self, node: tuple[str, int] | None) -> None:
        """A server that is silent here is silent on every connection of this process."""
        if node is None:
            await self._client.drop_connections()
        else:
            await self._client.drop_connections_to(*node)

    def _take(self, message: Any) -> None:
        match message["type"]:
            case "message" | "smessage":
                self._dispatch(message["channel"], message["data"])
            case "subscribe" | "ssubscribe":
                self._missing.discard((message["type"] == "ssubscribe", message["channel"]))
                if not self._missing:
                    self._set_connected(is_connected=True)
            case "sunsubscribe":
                raise RedisAway("its slot has moved")
            case _:  # the reply to a ping
                pass

    def _dispatch(self, channel: str, message: str) -> None:
        try:
            self._listeners[channel](message)
        except ValueError:  # of another writer: this project's are ids
            metrics.FOREIGN.inc()

    def _set_connected(self, *, is_connected: bool) -> None:
        if self.is_connected and not is_connected:
            self._breaks += 1
            self._broken_at_s = time.monotonic()
        if is_connected and self._breaks:
            metrics.NOTIFIER_RECONNECTS.inc()
        metrics.NOTIFIER.set(is_connected)
        self.is_connected = is_connected
        if is_connected:
            self.connected.set()
        else:
            self.connected.clear()
