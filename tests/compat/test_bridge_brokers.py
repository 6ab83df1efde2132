"""The bridge before brokers of others: NATS JetStream, ActiveMQ, and two that speak Kafka's protocol."""

import asyncio
import signal
from typing import Any

import pytest
from support.brokers import (
    activemq_book,
    activemq_server,
    kafka_book,
    make_topic,
    nats_book,
    nats_server,
    noida_server,
    tansu_server,
)
from support.receiver import bridged, is_delivered
from support.until import until
from support.world import ApiAtHand, SettlerAtHand, World

INSURERS = ("sever", "volga", "ural")
FAST = 'lease = "1s"\ntimeout = "3s"\nretry = { first = "50ms", most = "200ms" }\n'


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers(*INSURERS)
    return await world.api()


async def settled(world: World, api: ApiAtHand, settler: SettlerAtHand, count: int = 5) -> dict[str, Any]:
    """Requests that have ended, with the insurers of each."""
    requests = await asyncio.gather(*(world.accepted(api) for _ in range(count)))
    await asyncio.gather(*(settler.settle(one, *INSURERS) for one in requests))
    return {one["quoteRequest"]["id"]: INSURERS for one in requests}


async def test_jetstream_is_killed_and_redis_flushed(world: World, api: ApiAtHand, settler: SettlerAtHand) -> None:
    """Nothing is lost, the order is kept, and the stream itself drops repeats."""
    async with nats_server(world.folder / "nats") as server:
        table = f'[nats]\nservers = ["nats://127.0.0.1:{server.port}"]\nstream = "OSAGO"\n{FAST}'
        async with bridged(world, table, "nats"):
            wanted = await settled(world, api, settler)
            await until(lambda: is_delivered(world, "nats"))
            server.end()
            wanted |= await settled(world, api, settler)
            await world.redis.client.flushdb()
            await server.start()
            wanted |= await settled(world, api, settler)
            async with nats_reading(server.port) as book:
                await until(lambda: book.has(wanted))
    assert book.is_in_order()
    assert book.arrivals == len(book.events) == 4 * len(wanted)


def nats_reading(port: int) -> Any:
    return nats_book(port, "OSAGO", "osago.quote-events")


async def test_activemq_is_killed_and_redis_flushed(world: World, api: ApiAtHand, settler: SettlerAtHand) -> None:
    """Nothing is lost, the order is kept, a repeat has the same id."""
    async with activemq_server(world.folder / "activemq") as server:
        table = f'[activemq]\nservers = ["127.0.0.1:{server.port}"]\n{FAST}'
        async with bridged(world, table, "activemq"):
            wanted = await settled(world, api, settler)
            await until(lambda: is_delivered(world, "activemq"))
            server.end()
            wanted |= await settled(world, api, settler)
            await world.redis.client.flushdb()
            await server.start()
            wanted |= await settled(world, api, settler)
            async with activemq_book(server.port, "/queue/osago.quote-events") as book:
                await until(lambda: book.has(wanted))
    assert book.is_in_order()


async def test_kafka_is_restarted_and_redis_flushed(world: World, api: ApiAtHand, settler: SettlerAtHand) -> None:
    """The producer is idempotent. This broker loses its data on SIGKILL, so durability is not tested."""
    async with noida_server(world.folder / "kafka") as server:
        table = f'[kafka]\nservers = ["127.0.0.1:{server.port}"]\n{FAST}'
        async with bridged(world, table, "kafka"):
            wanted = await settled(world, api, settler)
            await until(lambda: is_delivered(world, "kafka"))
            server.end(signal.SIGTERM)
            wanted |= await settled(world, api, settler)
            await world.redis.client.flushdb()
            await server.start()
            wanted |= await settled(world, api, settler)
            async with kafka_book(server.port, "osago.quote-events") as book:
                await until(lambda: book.has(wanted))
    assert book.is_in_order()


async def test_another_broker_that_speaks_kafkas_protocol(world: World, api: ApiAtHand, settler: SettlerAtHand) -> None:
    """This broker has no idempotent producers."""
    async with tansu_server(world.folder / "tansu") as server:
        await make_topic(server.port, "osago.quote-events")
        table = f'[kafka]\nservers = ["127.0.0.1:{server.port}"]\nidempotence = false\n{FAST}'
        async with bridged(world, table, "kafka"):
            wanted = await settled(world, api, settler)
            async with kafka_book(server.port, "osago.quote-events") as book:
                await until(lambda: book.has(wanted))
    assert book.is_in_order()
