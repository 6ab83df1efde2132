"""Brokers that ask for TLS and a password: events get there, and neither event nor password to what only pretends to be the broker.

NATS and ActiveMQ end TLS themselves; the servers of Kafka's protocol that these tests have do not, so a proxy does before one.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from support.brokers import (
    Login,
    activemq_book,
    activemq_server,
    kafka_book,
    make_topic,
    nats_book,
    nats_server,
    tansu_server,
)
from support.certificates import Authority
from support.proxy import proxied
from support.receiver import EventBook, bridged, is_delivered
from support.until import until
from support.world import ApiAtHand, SettlerAtHand, World

from app.runtime.clock import Clock
from bridge.bridge_file import load_destination
from bridge.bridge_process import make_destination
from bridge.cloud_event import CloudEvent
from bridge.destinations.destination import Destination, DestinationAway
from sandbox.demo.servers import free_port

INSURERS: Final = ("sever", "volga", "ural")
TOPIC: Final = "osago.quote-events"
EVENT: Final = CloudEvent("request:sever", "request", b"{}")
FAST: Final = 'lease = "1s"\ntimeout = "3s"\nretry = { first = "50ms", most = "200ms" }\n'
NAMES: Final = ("nats", "activemq", "kafka")


@dataclass(frozen=True, slots=True)
class SecuredBroker:
    """A broker with TLS, at `localhost` and this port."""

    kind: str
    port: int
    table: str
    reading: Callable[[], AbstractAsyncContextManager[EventBook]]

    def table_with(self, *lines: str, host: str = "localhost") -> str:
        """A table of bridge.toml."""
        return self.table.format(host=host, port=self.port) + FAST + "".join(f"{line}\n" for line in lines)


@pytest.fixture
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Login:
    made = Login(Authority(tmp_path))
    monkeypatch.setenv("BROKER_PASSWORD", made.password)
    return made


@asynccontextmanager
async def nats_with_tls(folder: Path, login: Login) -> AsyncGenerator[SecuredBroker, None]:
    table = '[nats]\nservers = ["nats://{host}:{port}"]\nstream = "OSAGO"\n' + _login_of(login)
    async with nats_server(folder / "nats", login) as server:
        yield SecuredBroker("nats", server.port, table, lambda: nats_book(server.port, "OSAGO", TOPIC, login))


@asynccontextmanager
async def activemq_with_tls(folder: Path, login: Login) -> AsyncGenerator[SecuredBroker, None]:
    table = '[activemq]\nservers = ["{host}:{port}"]\n' + _login_of(login)
    async with activemq_server(folder / "activemq", login) as server:
        queue = f"/queue/{TOPIC}"
        yield SecuredBroker("activemq", server.port, table, lambda: activemq_book(server.port, queue, login))


@asynccontextmanager
async def kafka_with_tls(folder: Path, login: Login) -> AsyncGenerator[SecuredBroker, None]:
    """Without a password: see `test_a_password_that_kafka_refuses`."""
    port, context = free_port(), login.authority.server_context("localhost")
    table = '[kafka]\nservers = ["{host}:{port}"]\nidempotence = false\n'
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(proxied(f"http://127.0.0.1:{port}", context))
        address = f"tcp://localhost:{proxy.port}"
        await stack.enter_async_context(tansu_server(folder / "tansu", port=port, advertised=address))
        await make_topic(proxy.port, TOPIC, login)
        yield SecuredBroker("kafka", proxy.port, table, lambda: kafka_book(proxy.port, TOPIC, login))


def _login_of(login: Login) -> str:
    return f'username = "{login.user}"\npassword_env = "BROKER_PASSWORD"\n'


SECURED: Final = {"nats": nats_with_tls, "activemq": activemq_with_tls, "kafka": kafka_with_tls}
each_broker = pytest.mark.parametrize("kind", SECURED)


@pytest.fixture
async def broker(kind: str, tmp_path: Path, login: Login) -> AsyncGenerator[SecuredBroker, None]:
    async with SECURED[kind](tmp_path, login) as made:
        yield made


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers(*INSURERS)
    return await world.api()


@asynccontextmanager
async def destination(folder: Path, name: str, table: str) -> AsyncGenerator[Destination, None]:
    """What a bridge makes of this table."""
    file = folder / "bridge.toml"
    file.write_text(table, encoding="utf-8")
    made = make_destination(load_destination(file, name)[0], Clock())
    try:
        yield made
    finally:
        await made.close()


@each_broker
async def test_events_get_there_over_tls(
    kind: str, world: World, api: ApiAtHand, settler: SettlerAtHand, broker: SecuredBroker, login: Login
) -> None:
    """With the authority of the broker's certificate, and the password."""
    table = broker.table_with(f'ca_file = "{login.authority.file}"')
    requests = await asyncio.gather(*(world.accepted(api) for _ in range(3)))
    await asyncio.gather(*(settler.settle(one, *INSURERS) for one in requests))
    wanted = {one["quoteRequest"]["id"]: INSURERS for one in requests}
    async with bridged(world, table, kind):
        await until(lambda: is_delivered(world, kind))
        async with broker.reading() as book:
            await until(lambda: book.has(wanted))
    assert book.is_in_order()


@each_broker
@pytest.mark.parametrize("fault", ["of another authority", "of none that the system knows", "for another name"])
async def test_a_broker_whose_certificate_does_not_hold_gets_nothing(
    kind: str, fault: str, broker: SecuredBroker, login: Login, tmp_path: Path
) -> None:
    """A certificate of another authority may be another server's."""
    ours, other = login.authority.file, Authority(tmp_path, "other").file
    lines, host = {
        "of another authority": (f'ca_file = "{other}"', "localhost"),
        "of none that the system knows": ("tls = true", "localhost"),
        "for another name": (f'ca_file = "{ours}"', "127.0.0.1"),
    }[fault]
    async with destination(tmp_path, kind, broker.table_with(lines, host=host)) as made:
        with pytest.raises(DestinationAway):
            await made.send(EVENT)
    async with destination(tmp_path, kind, broker.table_with(f'ca_file = "{ours}"')) as made:
        await made.send(EVENT)


@pytest.mark.parametrize("kind", ["nats", "activemq"])
async def test_a_wrong_password_gets_nowhere(
    kind: str, broker: SecuredBroker, login: Login, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker counts as away, so that nothing is given up."""
    monkeypatch.setenv("BROKER_PASSWORD", "another word")
    async with destination(tmp_path, kind, broker.table_with(f'ca_file = "{login.authority.file}"')) as made:
        with pytest.raises(DestinationAway):
            await made.send(EVENT)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
async def test_a_password_that_kafka_refuses(mechanism: str, login: Login, tmp_path: Path) -> None:
    """The broker counts as away. None of the servers that these tests have lets a password be set that it would take."""
    async with tansu_server(tmp_path / "tansu", "--authentication") as server:
        table = f'[kafka]\nservers = ["127.0.0.1:{server.port}"]\nidempotence = false\nsasl = "{mechanism}"\n'
        async with destination(tmp_path, "kafka", table + FAST + _login_of(login)) as made:
            with pytest.raises(DestinationAway):
                await made.send(EVENT)


@pytest.mark.parametrize(("scheme", "line"), [("nats", "tls = true"), ("tls", "")])
async def test_no_password_goes_to_a_nats_without_tls(scheme: str, line: str, login: Login, tmp_path: Path) -> None:
    """A proxy between the two can remove TLS from the server's first line."""
    async with nats_server(tmp_path / "nats") as server, proxied(f"http://127.0.0.1:{server.port}") as proxy:
        password = proxy.trap(login.password.encode())
        table = f'[nats]\nservers = ["{scheme}://127.0.0.1:{proxy.port}"]\n{line}\n'
        async with destination(tmp_path, "nats", table + FAST + _login_of(login)) as made:
            with pytest.raises(DestinationAway):
                await made.send(EVENT)
        assert not password.reached.is_set()
