"""NATS JetStream: each event is published with its id, by which the stream drops repeats, and is there once the stream has acknowledged it."""

import asyncio
from typing import Any, Final

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js.api import StreamConfig
from nats.js.errors import APIError, NotFoundError

from app.runtime.clock import Clock
from bridge.bridge_file import NatsSettings
from bridge.cloud_event import CONTENT_TYPE, CloudEvent
from bridge.destinations.destination import DestinationAway, EventNotTaken

_CLOSE_S_MAX: Final = 0.5
_OPTIONS: Final = {
    "name": "osago-bridge",
    "connect_timeout": 5,
    # Once around the servers: an event that is not sent is tried again by `bridge.event_delivery`, after its own waits.
    "allow_reconnect": False,
    "max_reconnect_attempts": 1,
    "reconnect_time_wait": 0,
}
_GONE: Final = (NatsError, OSError, TimeoutError, ValueError)


class EncryptedClient(Client):
    """Sends nothing in the clear. nats-py itself goes on without TLS, with its password, where the server's first line asks for none."""

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:  # noqa: FBT001, FBT002 - nats-py's
        if not info.get("tls_required"):
            raise NatsError("the server does not require TLS")
        await super()._process_info(info, initial_connection)


class NatsDestination:
    """Publishes to one subject."""

    def __init__(self, settings: NatsSettings, _clock: Clock) -> None:
        """Raises WrongSetting where a variable or a certificate is missing."""
        self._settings = settings
        self._tls = settings.tls_context()
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
            await _hang_up(self._client)

    async def _connected(self) -> Client:
        """A client that is connected. It is not left to reconnect by itself: what it would send later has been sent again by then."""
        async with self._connecting:
            if self._client is None or not self._client.is_connected:
                await self.close()
                self._client = await self._connect()
            return self._client

    async def _connect(self) -> Client:
        settings = self._settings
        options: dict[str, Any] = {**_OPTIONS, "error_cb": _leave}
        if settings.username:
            options |= {"user": settings.username, "password": self._password}
        client = EncryptedClient() if self._tls else Client()
        try:
            await client.connect(settings.servers, tls=self._tls, **options)
            if settings.stream:
                await self._make_stream(client, settings.stream)
        except BaseException:
            await _hang_up(client)
            raise
        return client

    async def _make_stream(self, client: Any, name: str) -> None:
        stream = client.jetstream()
        try:
            await stream.stream_info(name)
        except NotFoundError:
            await stream.add_stream(StreamConfig(name=name, subjects=[self._settings.subject]))


async def _hang_up(client: Client) -> None:
    """The socket closes at once; nats-py then waits for its end, which after a TLS handshake that failed never comes."""
    try:
        async with asyncio.timeout(_CLOSE_S_MAX):
            await client.close()
    except _GONE:
        return


async def _leave(_error: Exception) -> None:
    """What goes wrong shows where an event is sent."""
