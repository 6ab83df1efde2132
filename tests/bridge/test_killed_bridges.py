"""`kill -9` of a bridge, again and again, while requests are settled and Redis is flushed: nothing is lost, the order is kept."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from support.brokers import Broker, activemq_book, activemq_server, nats_book, nats_server
from support.processes import osago
from support.receiver import SECRETS, EventBook, bridged, webhook_receiver, webhook_table
from support.until import until
from support.world import ApiAtHand, SettlerAtHand, World

INSURERS = ("sever", "volga", "ural")
KILLS = int(os.environ.get("CHAOS_KILLS", "100"))
FLUSHED_EVERY = 25
BROKER_KILLED_EVERY = 7
FAST = 'lease = "1s"\ntimeout = "3s"\nretry = { first = "20ms", most = "200ms" }\n'

pytestmark = [pytest.mark.long, pytest.mark.processes]


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers(*INSURERS)
    return await world.api()


class Load:
    """Requests that end one after the other, as fast as they are settled."""

    def __init__(self, world: World, api: ApiAtHand, settler: SettlerAtHand) -> None:
        self._world, self._api, self._settler = world, api, settler
        self.ended: dict[str, tuple[str, ...]] = {}

    async def run(self) -> None:
        while True:
            requests = await asyncio.gather(*(self._world.accepted(self._api) for _ in range(3)))
            await asyncio.gather(*(self._settler.settle(one, *INSURERS) for one in requests))
            self.ended |= {one["quoteRequest"]["id"]: INSURERS for one in requests}
            await asyncio.sleep(0.2)


async def killed_again_and_again(world: World, load: Load, name: str, broker: Broker | None = None) -> None:
    """Each process has delivered something, and is killed before it rests."""
    running = asyncio.create_task(load.run())
    for number in range(1, KILLS + 1):
        before = await _place(world, name)
        async with osago(world.folder, world.environment, "bridge", "--to", name) as process:
            await until(lambda before=before: _has_moved(world, name, before), seconds=120)
            assert process.popen.poll() is None, process.text
            process.kill()
        if number % FLUSHED_EVERY == 0:
            await world.redis.client.flushdb()
        if broker and number % BROKER_KILLED_EVERY == 0:
            broker.end()
            await broker.start()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _place(world: World, name: str) -> Any:
    rows = await world.database.fetch("SELECT cursor FROM osago_bridge WHERE destination = $1", name)
    return rows[0]["cursor"] if rows else "0-0"


async def _has_moved(world: World, name: str, before: Any) -> bool:
    return await _place(world, name) != before


def write(world: World, table: str) -> None:
    file = world.folder / "bridge.toml"
    file.write_text(table, encoding="utf-8")
    world.set(bridge_file=file)


def report(load: Load, book: EventBook) -> None:
    events, repeats = len(book.events), book.arrivals - len(book.events)
    print(f"{KILLS} kills, {len(load.ended)} requests, {events} events, {repeats} repeats")
    assert book.is_in_order()


async def test_before_a_webhook(
    world: World, api: ApiAtHand, settler: SettlerAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every event arrives, in the order of its request; a repeat has the same id and says the same."""
    monkeypatch.setenv("HOOK_SECRETS", ",".join(SECRETS))
    load = Load(world, api, settler)
    async with webhook_receiver() as receiver:
        table = webhook_table(receiver.url)
        write(world, table)
        await killed_again_and_again(world, load, "webhook")
        async with bridged(world, table):
            await until(lambda: receiver.book.has(load.ended))
    report(load, receiver.book)
    assert receiver.at_once_max <= 2, "a process that was killed may have left one under way"


@pytest.mark.compat
@pytest.mark.parametrize("kind", ["nats", "activemq"])
async def test_before_a_broker_that_is_killed_too(
    world: World, api: ApiAtHand, settler: SettlerAtHand, kind: str
) -> None:
    """Every seventh time, and started again."""
    load = Load(world, api, settler)
    async with (nats_server if kind == "nats" else activemq_server)(world.folder / kind) as server:
        servers = f"nats://127.0.0.1:{server.port}" if kind == "nats" else f"127.0.0.1:{server.port}"
        table = f'[{kind}]\nservers = ["{servers}"]\n{FAST}' + ('stream = "OSAGO"\n' if kind == "nats" else "")
        write(world, table)
        await killed_again_and_again(world, load, kind, server)
        async with bridged(world, table, kind), reading(kind, server.port) as book:
            await until(lambda: book.has(load.ended))
    report(load, book)


@asynccontextmanager
async def reading(kind: str, port: int) -> AsyncGenerator[EventBook, None]:
    opened = nats_book(port, "OSAGO", "osago.quote-events") if kind == "nats" else None
    async with opened or activemq_book(port, "/queue/osago.quote-events") as book:
        yield book
