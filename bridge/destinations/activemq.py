"""ActiveMQ over STOMP: each event is a persistent text message, there once the broker has sent its receipt; the group is the request's id.

stomp.py has a thread that reads; what it hears is handed to the event loop.
"""

import asyncio
from itertools import count
from typing import Any, Final

import stomp
from stomp.exception import StompException
from stomp.utils import Frame

from app.runtime.clock import Clock
from bridge.bridge_file import ActivemqSettings
from bridge.cloud_event import CONTENT_TYPE, CloudEvent
from bridge.destinations.destination import DestinationAway

HEARTBEAT_MS: Final = 10_000
_CONNECT_S_MAX: Final = 5.0
_GONE: Final = (StompException, OSError, TimeoutError)


class _Receipts(stomp.ConnectionListener):
    """The receipts that are awaited on one connection. Its methods are called in stomp.py's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._numbers = count(1)
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self.connected = asyncio.Event()

    def expect(self) -> tuple[str, "asyncio.Future[None]"]:
        """An id for a receipt, and what is done when it comes."""
        receipt, future = str(next(self._numbers)), self._loop.create_future()
        self._waiting[receipt] = future
        future.add_done_callback(lambda _: self._waiting.pop(receipt, None))
        return receipt, future

    def fail_all(self) -> None:
        """The connection is gone: which of its messages the broker has is not known."""
        for future in list(self._waiting.values()):
            if not future.done():
                future.set_exception(OSError("the connection is gone"))

    def _succeed(self, receipt: str) -> None:
        future = self._waiting.get(receipt)
        if future and not future.done():
            future.set_result(None)

    def on_connected(self, frame: Frame) -> None:  # noqa: ARG002 - stomp.py's names
        self._call(self.connected.set)

    def on_receipt(self, frame: Frame) -> None:
        received: Any = frame
        self._call(self._succeed, received.headers.get("receipt-id", ""))

    def on_error(self, frame: Frame) -> None:  # noqa: ARG002
        self._call(self.fail_all)

    def on_disconnected(self) -> None:
        self._call(self.fail_all)

    def on_heartbeat_timeout(self) -> None:
        self._call(self.fail_all)

    def _call(self, function: Any, *arguments: str) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            return  # the process ends


class ActivemqDestination:
    """Sends to one queue, or topic."""

    def __init__(self, settings: ActivemqSettings, _clock: Clock) -> None:
        """Raises WrongSetting where a variable or a certificate is missing."""
        self._settings = settings
        settings.tls_context()  # stomp.py makes its own, of the file
        self._password = settings.secret(settings.password_env)
        self._hosts = [_place(server) for server in settings.servers]
        self._connection: Any = None
        self._receipts: _Receipts | None = None
        self._connecting = asyncio.Lock()

    async def send(self, event: CloudEvent) -> None:
        """Returns once the broker has it on disk."""
        try:
            async with asyncio.timeout(self._settings.timeout):
                connection, receipts = await self._connected()
                receipt, acknowledged = receipts.expect()
                headers = {
                    "receipt": receipt,
                    "persistent": "true",
                    "JMSXGroupID": event.request_id,
                    "event-id": event.id,
                    "correlation-id": event.id,
                }
                try:
                    await asyncio.to_thread(
                        connection.send, self._settings.queue, event.document.decode(), CONTENT_TYPE, headers
                    )
                    await acknowledged
                finally:
                    acknowledged.cancel()
        except _GONE as error:
            raise DestinationAway(type(error).__name__) from error

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await asyncio.to_thread(_hang_up, connection)

    async def _connected(self) -> tuple[Any, _Receipts]:
        async with self._connecting:
            if self._connection is None or self._receipts is None or not self._connection.is_connected():
                await self.close()
                self._receipts = _Receipts(asyncio.get_running_loop())
                self._connection = self._made(self._receipts)
                await asyncio.to_thread(
                    self._connection.connect, self._settings.username, self._password or None, wait=False
                )
                await self._receipts.connected.wait()
            return self._connection, self._receipts

    def _made(self, receipts: _Receipts) -> Any:
        settings = self._settings
        connection: Any = stomp.Connection12(
            self._hosts,
            heartbeats=(HEARTBEAT_MS, HEARTBEAT_MS),
            timeout=_CONNECT_S_MAX,
            reconnect_attempts_max=1,
            auto_content_length=False,  # with a length ActiveMQ makes it a message of bytes
        )
        if settings.has_tls:
            connection.set_ssl(self._hosts, ca_certs=str(settings.ca_file) if settings.ca_file else None)
        connection.set_listener("receipts", receipts)
        return connection


def _hang_up(connection: Any) -> None:
    """`stop` would wait for a thread that reads; this ends what it reads."""
    try:
        connection.transport.disconnect_socket()
    except _GONE:
        return


def _place(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return host.strip("[]"), int(port)
