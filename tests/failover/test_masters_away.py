"""Masters of a Cluster that have no replica, away one after the other: the other shards go on, every client has its end in time."""

import asyncio
import gc
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from support.redis_stage import INSURERS, Stage, all_offered, parts_that_failed, staged
from support.redis_topologies import LEAVES_CONNECTIONS_OPEN, Node, Shard, cluster_topology
from support.stalls import machine_stall
from support.until import until
from support.world import World

from app.redis import keys
from sandbox.insurers.script.behaviours import Processing

WAITING: Final = 14
"""Requests before the fault, and as many after it."""
PLACES: Final = 4 * WAITING
"""For all: an answer that cannot be published keeps its job's place."""
DEADLINE_S: Final = 15.0
LATE_S_MAX: Final = 1.0

pytestmark = LEAVES_CONNECTIONS_OPEN


@pytest.fixture(autouse=True)
def no_garbage_of_clusters() -> Iterator[None]:
    """What redis-py leaves open is collected in the test that expects it, and not in one that comes later."""
    yield
    gc.collect()


@pytest.mark.parametrize("fault", ["killed", pytest.param("frozen", marks=pytest.mark.long)])
async def test_the_other_shards_go_on_while_a_master_without_replica_is_away(
    world: World, tmp_path: Path, fault: str
) -> None:
    """Their requests come to their ends; its own do when it is back, though it be empty."""
    before = parts_that_failed()
    async with cluster_topology(tmp_path, replicas=False) as topology, staged(world, topology, places=PLACES) as stage:
        lost = topology.pairs[0]
        for insurer in INSURERS:
            stage.world.sandbox.set_mode(insurer, Processing())
        early = await stage.accept(WAITING)
        if fault == "killed":
            lost.master.kill()
        else:
            lost.master.freeze()
        late = await stage.accept(WAITING)
        for insurer in INSURERS:
            stage.world.sandbox.set_mode(insurer, None)
        shards, ids = topology.shards_of(lost), stage.ids[-2 * WAITING :]
        others = [watch for id_, watch in zip(ids, early + late, strict=True) if keys.shard_of(id_, 6) not in shards]
        assert 0 < len(others) < 2 * WAITING
        await all_offered(others)
        if fault == "killed":
            lost.master.start()
        else:
            lost.master.thaw()
        await all_offered(early + late)
    assert parts_that_failed() == before


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", ["killed", "frozen"])
async def test_masters_away_in_turn(world: World, tmp_path: Path, fault: str) -> None:
    """Each past a deadline: the other shards answer all, its own end by PostgreSQL, no worker ends; when it is back, so are its shards."""
    before = parts_that_failed()
    async with (
        cluster_topology(tmp_path, replicas=False) as topology,
        staged(world, topology, places=PLACES, deadline=f"{DEADLINE_S:g}s") as stage,
    ):
        for lost in topology.pairs:
            await all_offered(await stage.accept(WAITING))
            await away_past_a_deadline(stage, lost, fault)
            assert not any(worker.task.done() for worker in stage.workers)
        await all_offered(await stage.accept(WAITING))
    assert parts_that_failed() == before


async def away_past_a_deadline(stage: Stage, lost: Shard, fault: str) -> None:
    """Returns when the master is back and takes writes, and all clients have had their ends."""
    if fault == "killed":
        lost.master.kill()
    else:
        lost.master.freeze()
    shards = stage.topology.shards_of(lost)
    with machine_stall() as stall:
        made = await asyncio.gather(*(stage.world.accepted(stage.api) for _ in range(2 * WAITING)))
        ended = await asyncio.gather(*(_ended(stage, one) for one in made))
    own = 0
    for one, (events, late_s) in zip(made, ended, strict=True):
        assert events[-1]["__typename"] == "QuotesCompleted"
        assert sorted(event["quote"]["insurer"]["id"] for event in events[:-1]) == sorted(INSURERS)
        assert late_s <= LATE_S_MAX + stall.seconds
        if keys.shard_of(UUID(one["quoteRequest"]["id"]), stage.topology.shards) in shards:
            own += 1
        else:
            assert events[-1]["outcome"] == "ALL_ANSWERED"
    assert 0 < own < 2 * WAITING
    if fault == "killed":
        lost.master.start()
    else:
        lost.master.thaw()
    for node in stage.topology.nodes:
        await until(lambda node=node: _is_whole(node))


async def _ended(stage: Stage, accepted: dict[str, Any]) -> tuple[list[dict[str, Any]], float]:
    """Its events, and how many seconds after `expiresAt` the end came; both by this machine's clock."""
    events = await stage.world.watched(stage.api, accepted)
    return events, time.time() - datetime.fromisoformat(accepted["quoteRequest"]["expiresAt"]).timestamp()


async def _is_whole(node: Node) -> bool:
    return "cluster_state:ok" in str(await node.call("CLUSTER", "INFO"))
