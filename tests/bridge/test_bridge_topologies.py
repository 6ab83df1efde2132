"""The bridge over Sentinel, over a Cluster with several shards, and behind a pooler."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support.pooler import PGBOUNCER, pgbouncer
from support.receiver import SECRETS, bridged, webhook_receiver, webhook_table
from support.redis_topologies import Topology, cluster_topology, sentinel_topology
from support.until import until
from support.world import ApiAtHand, SettlerAtHand, World

INSURERS = ("sever", "volga", "ural")


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRETS", ",".join(SECRETS))


async def settled(world: World, api: ApiAtHand, settler: SettlerAtHand, count: int = 8) -> dict[str, Any]:
    requests = await asyncio.gather(*(world.accepted(api) for _ in range(count)))
    await asyncio.gather(*(settler.settle(one, *INSURERS) for one in requests))
    return {one["quoteRequest"]["id"]: INSURERS for one in requests}


@pytest.mark.long
@pytest.mark.parametrize("kind", [sentinel_topology, cluster_topology])
async def test_a_failover_that_loses_its_tail_loses_no_event(world: World, tmp_path: Path, kind: Any) -> None:
    """What the old master had alone, and the bridge had not read, is read from PostgreSQL; every shard goes on."""
    async with kind(tmp_path / "redis") as topology, webhook_receiver() as receiver:
        world.set(redis_url=topology.url, shards=topology.shards)
        world.write_insurers(*INSURERS)
        api, settler = await world.api(), await world.settler()
        async with bridged(world, webhook_table(receiver.url, "buffer = 1")):
            wanted = await settled(world, api, settler)
            await until(lambda: receiver.book.has(wanted))
            receiver.gate.clear()
            await cut_off(topology)
            wanted |= await settled(world, api, settler)
            for pair in topology.pairs:
                pair.master.kill()
                await topology.failed_over(pair)
            receiver.gate.set()
            await until(lambda: receiver.book.has(wanted))
            wanted |= await settled(world, api, settler)
            await until(lambda: receiver.book.has(wanted))
        await world.stop()
    assert receiver.book.is_in_order()


async def cut_off(topology: Topology) -> None:
    for pair in topology.pairs:
        await pair.replica.cut_off()


@pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")
async def test_a_lease_holds_behind_a_pooler_in_transaction_mode(world: World) -> None:
    """Of two bridges over several shards one delivers; the other takes over when that one ends."""
    async with pgbouncer(world.database.url, servers=4) as through, webhook_receiver() as receiver:
        world.set(database_url=through, shards=4)
        world.write_insurers(*INSURERS)
        api, settler = await world.api(), await world.settler()
        table = webhook_table(receiver.url)
        async with bridged(world, table) as second:
            async with bridged(world, table) as first:
                await until(lambda: first._carrying or second._carrying)
                wanted = await settled(world, api, settler)
                await until(lambda: receiver.book.has(wanted))
                assert not (first._carrying and second._carrying)
            await until(lambda: second._carrying)
            wanted |= await settled(world, api, settler)
            await until(lambda: receiver.book.has(wanted))
        await world.stop()
    assert receiver.book.is_in_order()
    # What the first one had not noted at its end comes once more; had both delivered, all of it would.
    assert receiver.book.arrivals < 2 * len(receiver.book.events)
