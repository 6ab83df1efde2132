"""A pooler in transaction mode: each transaction may run on another connection of the server, and no statement of ours on another's."""

import asyncio

import pytest
from support.pooler import PGBOUNCER, pgbouncer
from support.stalls import within
from support.until import until
from support.world import World

from app.domain.operators.control import Order, PauseMode
from app.postgres.database import connected, open_pool

INSURERS = ("sever", "volga")
REQUESTS = 12
ORDER = Order("anna", "its test stand is down")
KNOWN_S = 1.0
"""The promise: an order is in every worker by then."""


@pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")
async def test_everything_works_behind_a_pooler_in_transaction_mode(world: World) -> None:
    """Two APIs and two workers share three connections: every request has each quote and its end."""
    async with pgbouncer(world.database.url, servers=3) as through:
        world.set(database_url=through)
        await world.insurers(*INSURERS)
        apis = [await world.api(), await world.api()]
        for number in range(2):
            await world.worker(f"worker-{number}")
        accepted = await asyncio.gather(
            *(world.accepted(apis[number % 2], clientReference=f"{number}") for number in range(REQUESTS))
        )
        watched = await asyncio.gather(*(world.watched(apis[n % 2], one) for n, one in enumerate(accepted)))
        for events in watched:
            assert sorted(event["quote"]["insurer"]["id"] for event in events[:-1]) == sorted(INSURERS)
            assert events[-1]["outcome"] == "ALL_ANSWERED"
        again = await world.accepted(apis[1], clientReference="0")
        assert again["quoteRequest"]["id"] == accepted[0]["quoteRequest"]["id"]
        assert len(await world.database.fetch("SELECT 1 FROM osago_quotes")) == REQUESTS * len(INSURERS)
        await world.stop()


@pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")
async def test_an_order_is_in_every_worker_within_a_second_behind_a_pooler(world: World) -> None:
    """Announced by Redis; and by a look of each worker where the announcement is lost. Nothing of it needs a session of PostgreSQL."""
    async with pgbouncer(world.database.url, servers=3) as through:
        world.set(database_url=through)
        await world.insurers(*INSURERS)
        workers = [await world.worker(f"worker-{number}") for number in range(2)]
        resources = workers[0].resources
        await asyncio.gather(*(one.worker._controls.known.wait() for one in workers))
        await until(lambda: all(one.worker._notifier.is_connected for one in workers))

        def modes() -> set[PauseMode | None]:
            return {one.worker._controls.gates["sever"].mode for one in workers}

        with within(KNOWN_S, *world.server_pids):
            await resources.controls.pause("sever", ORDER)
            await until(lambda: modes() == {PauseMode.REFUSE})
        with within(KNOWN_S, *world.server_pids):
            await world.database.fetch("UPDATE osago_controls SET setting = 'hold', version = version + 1")
            await until(lambda: modes() == {PauseMode.HOLD})
        await resources.controls.resume("sever", ORDER)
        await until(lambda: modes() == {None})
        assert [entry.action for entry in await resources.controls.audit(most=2)] == ["lifted", "set"]
        await world.stop()


@pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")
async def test_statements_have_no_names_behind_a_pooler(world: World) -> None:
    """Two of our connections on one of the server's: the same names would stand for different statements."""
    async with pgbouncer(world.database.url, servers=1) as through:
        pools = [await open_pool(through, connections=2) for _ in range(2)]
        for number in range(4):
            async with connected(pools[number % 2]) as connection:
                assert await connection.fetchval(f"SELECT {number} + $1::int", 1) == number + 1
                assert await connection.fetch("SELECT name FROM pg_prepared_statements WHERE name <> ''") == []
        for pool in pools:
            assert pool.primary.is_pooled
            pool.terminate()
