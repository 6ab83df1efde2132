"""NATS JetStream: each event is published with its id, by which the stream drops repeats, and is there once the stream has acknowledged it."""

import asyncio
from ssl import create_default_context
from typing import Any, Final

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js.api import StreamConfig
from nats.js.errors import APIError, NotFoundError

from app.runtime.clock import Clock
from bridge.bridge_file import NatsSettings
from bridge.cloud_event import CONTENT_TYPE, CloudEvent
from bridge.destinations.destination import DestinationAway, EventNotTaken

_CONNECT_S_MAX: Final = 5
_GONE: Final = (NatsError, OSError, TimeoutError, ValueError)


class NatsDestination:
    """Publishes to one subject."""

    def __init__(self, settings: NatsSettings, _clock: Clock) -> None:
        """Raises WrongSetting where a variable is missing."""
        self._settings = settings
        self._password = settings.secret(settings.password_env)
        self._client: Client | None = None
        self._connecting = asyncio.Lock()

    async def send(self, event: CloudEvent) -> None:
        """Returns once the stream has it."""
        headers = {"Nats-Msg-Id": event.id, "Content-Type": CONTENT_TYPE}
        subject, seconds = self._settings.subject, self._settings.timeout
        try:
            client: Any = await self._connected()
            await client.jetstream().publish(subject, event.document, timeout=seconds, headers=headers)
        except MaxPayloadError:
            raise EventNotTaken("longer than the server takes", is_final=True) from None
        except APIError as error:
            raise DestinationAway(f"JetStream: error {error.err_code}") from error
        except _GONE as error:
            raise DestinationAway(type(error).__name__) from error

    async def close(self) -> None:
        if self._client:
            await self._client.close()

    async def _connected(self) -> Client:
        """A client that is connected. It is not left to reconnect by itself: what it would send later has been sent again by then."""
        async with self._connecting:
            if self._client is None or not self._client.is_connected:
                await self.close()
                self._client = await self._connect()
            return self._client

    async def _connect(self) -> Client:
        settings = self._settings
        options: dict[str, Any] = {"allow_reconnect": False, "connect_timeout": _CONNECT_S_MAX, "error_cb": _leave}
        if settings.username:
            options |= {"user": settings.username, "password": self._password}
        if settings.tls or settings.ca_file:
            options["tls"] = create_default_context(cafile=settings.ca_file)
        client: Client = await nats.connect(settings.servers, name="osago-bridge", **options)  # pyright: ignore[reportUnknownMemberType]
        if settings.stream:
            await self._make_stream(client, settings.stream)
        return client

    async def _make_stream(self, client: Any, name: str) -> None:
        stream = client.jetstream()
        try:
            await stream.stream_info(name)
        except NotFoundError:
            await stream.add_stream(StreamConfig(name=name, subjects=[self._settings.subject]))


async def _leave(_error: Exception) -> None:
    """What goes wrong shows where an event is sent."""
