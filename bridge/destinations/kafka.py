"""Kafka: each event is a message with its request's id as the key, acknowledged by all replicas that are in sync."""

import asyncio
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, MessageSizeTooLargeError

from app.runtime.clock import Clock
from bridge.bridge_file import KafkaSettings
from bridge.cloud_event import CONTENT_TYPE, CloudEvent
from bridge.destinations.destination import DestinationAway, EventNotTaken

_HEADERS: Final = [("content-type", CONTENT_TYPE.encode())]
_GONE: Final = (KafkaError, OSError, TimeoutError)
_NOT_STARTED: Final = (*_GONE, LookupError, ValueError)
"""With what aiokafka's SCRAM raises: KeyError where a password is refused, ValueError where the server's signature is wrong."""


class KafkaDestination:
    """Produces to one topic."""

    def __init__(self, settings: KafkaSettings, _clock: Clock) -> None:
        """Raises WrongSetting where a variable or a certificate is missing."""
        self._settings = settings
        self._tls = settings.tls_context()
        self._password = settings.secret(settings.password_env)
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()

    async def send(self, event: CloudEvent) -> None:
        """Returns once the brokers have it. After a failure the producer is made anew: a later message of the old one might overtake its repeat."""
        producer = None
        try:
            async with asyncio.timeout(self._settings.timeout):
                producer = await self._started()
                client: Any = producer  # its annotations name no type of what is sent
                sent = await client.send(
                    self._settings.topic, event.document, key=event.request_id.encode(), headers=_HEADERS
                )
                await sent
        except MessageSizeTooLargeError:
            raise EventNotTaken("longer than a message may be", is_final=True) from None
        except _GONE as error:
            await self._drop(producer)
            raise DestinationAway(type(error).__name__) from error

    async def close(self) -> None:
        async with self._connecting:
            if self._producer:
                producer, self._producer = self._producer, None
                await _stop(producer)

    async def _started(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._producer is None:
                producer = self._made()
                try:
                    await producer.start()
                except BaseException as error:
                    await _stop(producer)
                    if isinstance(error, _NOT_STARTED):
                        raise KafkaConnectionError(f"cannot begin: {type(error).__name__}") from error
                    raise
                self._producer = producer
            return self._producer

    async def _drop(self, producer: AIOKafkaProducer | None) -> None:
        if producer and producer is self._producer:
            self._producer = None
            await _stop(producer)

    def _made(self) -> AIOKafkaProducer:
        settings = self._settings
        options: dict[str, Any] = {"bootstrap_servers": settings.servers, "ssl_context": self._tls}
        if settings.username:
            options |= {"sasl_mechanism": settings.sasl, "sasl_plain_username": settings.username}
            options["sasl_plain_password"] = self._password
        return AIOKafkaProducer(
            client_id="osago-bridge",
            acks="all",
            enable_idempotence=settings.idempotence,
            request_timeout_ms=int(settings.timeout * 1000),
            security_protocol=("SASL_" if settings.username else "") + ("SSL" if self._tls else "PLAINTEXT"),
            **options,
        )


async def _stop(producer: AIOKafkaProducer) -> None:
    """Without waiting for what it has not sent: that is sent again."""
    try:
        async with asyncio.timeout(1):
            await producer.stop()
    except _GONE:
        return
