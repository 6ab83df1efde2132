"""`kill -9` of a bridge, again and again, while requests are settled and Redis is flushed: nothing is lost, the order is kept."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from support.brokers import (
    Broker,
    activemq_book,
    activemq_server,
    kafka_book,
    make_topic,
    nats_book,
    nats_server,
    noida_server,
    tansu_server,
)
from support.processes import osago
from support.receiver import SECRETS, EventBook, bridged, webhook_receiver, webhook_table
from support.until import until
from support.world import ApiAtHand, SettlerAtHand, World

INSURERS = ("sever", "volga", "ural")
KILLS = int(os.environ.get("CHAOS_KILLS", "100"))
FLUSHED_EVERY = 25
BROKER_ENDED_EVERY = 7
REST_S_MAX = 900.0
"""For what is behind after the last flush: two minutes' events come again, one by one to the broker's disk."""
TOPIC = "osago.quote-events"
FAST = 'lease = "1s"\ntimeout = "3s"\nretry = { first = "20ms", most = "200ms" }\n'

pytestmark = [pytest.mark.long, pytest.mark.processes, pytest.mark.timeout(3600)]


@dataclass(frozen=True, slots=True)
class Kind:
    """A broker: its server, its table of bridge.toml for a port, a reader of all that it has, and the signal that ends it."""

    server: Callable[[Path], AbstractAsyncContextManager[Broker]]
    table: str
    reading: Callable[[int], AbstractAsyncContextManager[EventBook]]
    ended_by: signal.Signals | None
    makes_topics: bool = True

    @property
    def name(self) -> str:
        return self.table[1 : self.table.index("]")]


def _kafka_reading(port: int) -> AbstractAsyncContextManager[EventBook]:
    return kafka_book(port, TOPIC)


BROKERS: Final = {
    "nats": Kind(
        nats_server,
        '[nats]\nservers = ["nats://127.0.0.1:{port}"]\nstream = "OSAGO"\n',
        lambda port: nats_book(port, "OSAGO", TOPIC),
        signal.SIGKILL,
    ),
    "activemq": Kind(
        activemq_server,
        '[activemq]\nservers = ["127.0.0.1:{port}"]\n',
        lambda port: activemq_book(port, f"/queue/{TOPIC}"),
        signal.SIGKILL,
    ),
    # It keeps what it has over SIGTERM alone.
    "noida": Kind(noida_server, '[kafka]\nservers = ["127.0.0.1:{port}"]\n', _kafka_reading, signal.SIGTERM),
    # In memory: its own end is none of this test's. It has no idempotent producers.
    "tansu": Kind(
        tansu_server,
        '[kafka]\nservers = ["127.0.0.1:{port}"]\nidempotence = false\n',
        _kafka_reading,
        None,
        makes_topics=False,
    ),
}


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


@dataclass(slots=True)
class Kills:
    """How often a bridge was killed, its broker ended, and Redis flushed."""

    bridge: int = 0
    broker: int = 0
    flushes: int = 0


async def killed_again_and_again(
    world: World, load: Load, name: str, broker: Broker | None = None, ended_by: signal.Signals | None = None
) -> Kills:
    """Each process has delivered something, and is killed before it rests."""
    done = Kills()
    running = asyncio.create_task(load.run())
    while done.bridge < KILLS:
        before = await _place(world, name)
        async with osago(world.folder, world.environment, "bridge", "--to", name) as process:
            await until(lambda before=before: _has_moved(world, name, before), seconds=120)
            assert process.popen.poll() is None, process.text
            process.kill()
        done.bridge += 1
        if done.bridge % FLUSHED_EVERY == 0:
            await world.redis.client.flushdb()
            done.flushes += 1
        if broker and ended_by and done.bridge % BROKER_ENDED_EVERY == 0:
            broker.end(ended_by)
            await broker.start()
            done.broker += 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return done


async def arrived(book: EventBook, load: Load) -> None:
    """Waits for every event of every request that has ended."""
    end_s = time.monotonic() + REST_S_MAX
    while missing := book.missing(load.ended):
        left = f"{len(missing)} of {len(load.ended)} requests, such as {missing[0]}: {book.by_request[missing[0]]}"
        assert time.monotonic() < end_s, left
        await asyncio.sleep(0.2)


async def _place(world: World, name: str) -> Any:
    rows = await world.database.fetch("SELECT cursor FROM osago_bridge WHERE destination = $1", name)
    return rows[0]["cursor"] if rows else "0-0"


async def _has_moved(world: World, name: str, before: Any) -> bool:
    return await _place(world, name) != before


def write(world: World, table: str) -> None:
    file = world.folder / "bridge.toml"
    file.write_text(table, encoding="utf-8")
    world.set(bridge_file=file)


def check(load: Load, book: EventBook, done: Kills, since_s: float) -> None:
    """Order and ids; what was lost shows before, when the book is waited for."""
    events, repeats = len(book.events), book.arrivals - len(book.events)
    print(
        f"{done}, {len(load.ended)} requests, {events} events, {repeats} repeats, {time.monotonic() - since_s:.0f} s",
        flush=True,
    )
    assert book.is_in_order()
    assert not book.contradictions, "a repeat says something else"


async def test_before_a_webhook(
    world: World, api: ApiAtHand, settler: SettlerAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every event arrives, in the order of its request; a repeat has the same id and says the same."""
    monkeypatch.setenv("HOOK_SECRETS", ",".join(SECRETS))
    load, since_s = Load(world, api, settler), time.monotonic()
    async with webhook_receiver() as receiver:
        table = webhook_table(receiver.url)
        write(world, table)
        done = await killed_again_and_again(world, load, "webhook")
        async with bridged(world, table):
            await arrived(receiver.book, load)
    check(load, receiver.book, done, since_s)
    assert receiver.at_once_max <= 2, "a process that was killed may have left one under way"


@pytest.mark.compat
@pytest.mark.parametrize("kind", BROKERS)
async def test_before_a_broker_that_is_ended_too(
    world: World, api: ApiAtHand, settler: SettlerAtHand, kind: str
) -> None:
    """Every seventh time, by what it survives, and started again: each event is there, in the order of its request."""
    broker = BROKERS[kind]
    load, since_s = Load(world, api, settler), time.monotonic()
    async with broker.server(world.folder / kind) as server:
        if not broker.makes_topics:
            await make_topic(server.port, TOPIC)
        table = broker.table.format(port=server.port) + FAST
        write(world, table)
        done = await killed_again_and_again(world, load, broker.name, server, broker.ended_by)
        async with bridged(world, table, broker.name), broker.reading(server.port) as book:
            await arrived(book, load)
    check(load, book, done, since_s)
