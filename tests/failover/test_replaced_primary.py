"""A primary that freezes, takes no writes, or comes back after another has taken its place: it is left, wherever it stands in the URL."""

import asyncio
import time
from typing import Any

import pytest
from support.postgresql_cluster import ClusterTemplate, PostgresqlPair, postgresql_pair
from support.stalls import machine_stall, within
from support.until import until
from support.world import ApiAtHand, World

from app.domain.errors import Unavailable
from app.postgres.database import Pool, connected, open_pool, reading
from app.runtime.group_commit import DataRefused
from app.runtime.supervision import run_parts
from cli.quote.aggregator_client import CREATE

WRITABLE_S_MAX = 2.0


async def _code(world: World, api: ApiAtHand, reference: str) -> str:
    """What a mutation answers: `accepted`, or the code of its error."""
    body = (await api.post(CREATE, {"input": world.new_request(clientReference=reference)})).json()
    return body["errors"][0]["extensions"]["code"] if "errors" in body else "accepted"


async def _is_written(world: World, api: ApiAtHand, reference: str) -> bool:
    return await _code(world, api, reference) == "accepted"


@pytest.mark.parametrize("first", ["frozen", pytest.param("last", marks=pytest.mark.long)])
async def test_a_frozen_primary_that_comes_back_is_not_written_to(
    first: str, world: World, cluster_template: ClusterTemplate
) -> None:
    """Written again on the new one two seconds after its promotion; when the old one wakes up it gets nothing."""
    async with postgresql_pair(cluster_template, is_synchronous=False) as pair:
        servers = (pair.primary, pair.standby) if first == "frozen" else (pair.standby, pair.primary)
        world.set(database_url=pair.url(*servers))
        await world.insurers("sever")
        api = await world.api()
        await world.accepted(api, clientReference="before")
        await until(lambda: _count(pair.standby, 1))
        pair.primary.freeze()
        assert await _code(world, api, "frozen") == "UNAVAILABLE"
        with machine_stall() as stall:
            await pair.standby.promote()
            began_s = time.monotonic()
            await until(lambda: _is_written(world, api, "promoted"))
            took_s = time.monotonic() - began_s
        assert took_s - stall.seconds <= WRITABLE_S_MAX
        pair.primary.thaw()
        await until(pair.primary.answers)
        for number in range(10):
            assert await _code(world, api, f"after-{number}") == "accepted"
        later = await world.api()  # a process that begins now has not seen the promotion
        assert await _code(world, later, "later") == "accepted"
        acknowledged = {"before", "promoted", "later", *(f"after-{number}" for number in range(10))}
        assert acknowledged <= await _references(pair.standby)
        assert await _references(pair.primary) <= {"before", "frozen"}
        await world.stop()


async def test_a_primary_that_takes_no_writes_is_given_up_at_once(
    world: World, cluster_template: ClusterTemplate
) -> None:
    """An operator sets the primary read-only before the standby is promoted."""
    async with postgresql_pair(cluster_template, is_synchronous=False) as pair:
        world.set(database_url=pair.url())
        await world.insurers("sever")
        api = await world.api()
        await world.accepted(api)
        await pair.primary.fetch("ALTER SYSTEM SET default_transaction_read_only = on")
        await pair.primary.fetch("SELECT pg_reload_conf()")
        await until(lambda: _is_unavailable(world, api))
        await pair.standby.promote()
        with within(10):
            await until(lambda: _is_written(world, api, "promoted"))
        assert await _references(pair.standby) >= {"promoted"}
        await world.stop()


async def _is_unavailable(world: World, api: ApiAtHand) -> bool:
    return await _code(world, api, "read-only") == "UNAVAILABLE"


async def _count(server: Any, requests: int) -> bool:
    return len(await _references(server)) == requests


async def _references(server: Any) -> set[str]:
    return {row["client_reference"] for row in await server.fetch("SELECT client_reference FROM osago_requests")}


async def test_a_cancelled_writer_leaves_its_row_invisible(cluster_template: ClusterTemplate) -> None:
    """Its task is cancelled while its commit waits for the standby: the commit goes on, the row is not read."""
    async with postgresql_pair(cluster_template, is_synchronous=True) as pair:
        pool = await open_pool(pair.url(), connections=4)
        async with run_parts(pool.parts()):
            async with connected(pool) as connection:
                await connection.execute("CREATE TABLE numbers (number int PRIMARY KEY)")
            pair.wire.cut()

            async def write(number: int) -> None:
                async with connected(pool) as connection:
                    await connection.execute("INSERT INTO numbers VALUES ($1)", number)

            writing = asyncio.create_task(write(1))
            await until(lambda: _waiting(pair, 1))
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            repeating = asyncio.create_task(write(1))
            await until(lambda: _waiting(pair, 2, "active"))
            async with reading(pool) as connection:
                assert await connection.fetch("SELECT * FROM numbers") == []
            with pytest.raises(Unavailable):
                await pool.confirm()
            assert not repeating.done()
            pair.wire.mend()
            with pytest.raises(DataRefused):  # the row is there, and safe
                await repeating
            await pool.confirm()
        pool.terminate()


async def test_what_was_read_of_the_old_primary_is_not_confirmed_by_the_new_one(
    cluster_template: ClusterTemplate,
) -> None:
    """A later primary does not confirm it, either; two reads wait when the standby is promoted."""
    async with postgresql_pair(cluster_template, is_synchronous=True) as pair:
        pool = await open_pool(pair.url(), connections=4)
        async with run_parts(pool.parts()):
            await pool.confirm()
            pair.wire.cut()
            confirming = [asyncio.create_task(pool.confirm())]
            await until(lambda: pair.primary.fetch("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"))
            confirming.append(asyncio.create_task(pool.confirm()))
            await asyncio.sleep(0)
            await pair.fail_over()
            outcomes = await asyncio.gather(*confirming, return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
            await until(lambda: _is_confirmed(pool))
        pool.terminate()


async def _is_confirmed(pool: Pool) -> bool:
    try:
        await pool.confirm()
    except Unavailable:
        return False
    return True


async def test_what_an_operator_cancelled_is_not_acknowledged(world: World, cluster_template: ClusterTemplate) -> None:
    """PostgreSQL then shows a row that no standby has: neither the caller nor a repeat gets it as accepted."""
    async with postgresql_pair(cluster_template, is_synchronous=True) as pair:
        world.set(database_url=pair.url())
        await world.insurers("sever")
        api = await world.api()
        pair.wire.cut()
        asking = asyncio.create_task(_code(world, api, "cancelled"))
        await until(lambda: _is_cancelled(pair))
        await until(lambda: _count(pair.primary, 1))
        assert await asking == "UNAVAILABLE"
        assert await _code(world, api, "cancelled") == "UNAVAILABLE"
        request_id = (await pair.primary.fetch("SELECT id FROM osago_requests"))[0]["id"]
        for document in (
            f'query {{ quoteRequest(id: "{request_id}") {{ id }} }}',
            f'mutation {{ cancelQuoteRequest(id: "{request_id}") {{ id }} }}',
        ):
            body = (await api.post(document)).json()
            assert body["errors"][0]["extensions"]["code"] == "UNAVAILABLE", body
        pair.wire.mend()
        await until(lambda: _is_written(world, api, "cancelled"))
        await world.stop()


async def _is_cancelled(pair: PostgresqlPair) -> bool:
    """Whether a backend that waited for the standby was cancelled."""
    return bool(
        await pair.primary.fetch(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE '%osago_requests%'"
        )
    )


_ACTIVE = "SELECT wait_event FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'INSERT%'"


async def _waiting(pair: PostgresqlPair, backends: int, state: str = "SyncRep") -> bool:
    found = [row["wait_event"] for row in await pair.primary.fetch(_ACTIVE)]
    return len(found) == backends and state in {*found, "active"}
