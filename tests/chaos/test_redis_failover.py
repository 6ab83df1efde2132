"""Redis fails over, with Sentinel and in a Cluster: what its replica never got runs again within three seconds, and nothing is lost or doubled."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from support.redis_topologies import (
    FAILOVERS,
    Shard,
    Topology,
    cluster_topology,
    deposed,
    frozen,
    killed,
    sentinel_topology,
)
from support.stalls import within
from support.until import until
from support.world import ApiAtHand, World

from app.observability import metrics
from app.redis import keys
from sandbox.insurers.script.behaviours import Processing

INSURERS: Final = ("sever", "volga")
PLACES: Final = 3
"""Of each worker and insurer: what is more waits in its stream."""
WORKERS: Final = 2
WAITING: Final = 14
"""Requests whose jobs are in their streams, unread, where no replica gets them."""
RUNS_AGAIN_S: Final = 3.0
Failover = Callable[[Topology, Shard], Coroutine[Any, Any, float]]


@dataclass
class Stage:
    """An API and two workers over a topology that is whole."""

    world: World
    topology: Topology
    api: ApiAtHand
    accepted: int = 0

    async def in_streams(self) -> int:
        """Jobs that the masters have."""
        found = 0
        for shard in range(self.topology.shards):
            for insurer in INSURERS:
                for pair in self.topology.pairs:
                    # In a Cluster the others say where it is.
                    found += await pair.master.call("XLEN", keys.jobs(shard, insurer)) or 0
        return found

    async def accept(self, count: int) -> list["asyncio.Task[list[dict[str, Any]]]"]:
        """Requests, and their watchers."""
        accepted = await asyncio.gather(*(self.world.accepted(self.api) for _ in range(count)))
        self.accepted += count
        return [asyncio.create_task(self.world.watched(self.api, one)) for one in accepted]

    def are_all_asked(self, count: int | None = None) -> bool:
        return all(self.world.sandbox.seen_by(insurer).applications == (count or self.accepted) for insurer in INSURERS)


@asynccontextmanager
async def staged(world: World, topology: Topology) -> AsyncGenerator[Stage, None]:
    world.set(redis_url=topology.url, shards=topology.shards)
    await world.insurers(*INSURERS, more={"max_in_flight": PLACES})
    api = await world.api()
    for number in range(WORKERS):
        await world.worker(f"worker-{number}")
    await until(lambda: api.services.live.notifier.is_connected)
    yield Stage(world, topology, api)
    await world.stop()


async def failed_over(stage: Stage, pair: Shard, failover: Failover, *, worker_starts: bool = False) -> None:
    """One failover under open requests, some of them asked and polled, more of them waiting in streams whose tail is lost."""
    before = stage.accepted
    failovers = metrics.FAILOVERS.labels("redis")._value.get()
    for insurer in INSURERS:
        stage.world.sandbox.set_mode(insurer, Processing())
    await stage.topology.whole()
    watches = await stage.accept(PLACES * WORKERS)
    await until(stage.are_all_asked)
    if failover is not deposed:
        await pair.replica.cut_off()
    watches += await stage.accept(WAITING)
    open_jobs = len(INSURERS) * (stage.accepted - before)
    await until(lambda: _are(stage.in_streams(), open_jobs))
    failing = asyncio.create_task(failover(stage.topology, pair))
    if worker_starts:
        await stage.world.worker("one more")
    for insurer in INSURERS:
        stage.world.sandbox.set_mode(insurer, None)
    await failing
    with within(RUNS_AGAIN_S, *(node.pid for node in stage.topology.nodes)):
        await until(stage.are_all_asked)
    for events in await asyncio.gather(*watches):
        assert sorted(event["quote"]["insurer"]["id"] for event in events[:-1]) == sorted(INSURERS)
        assert {event["quote"]["status"] for event in events[:-1]} == {"OFFERED"}
        assert events[-1]["outcome"] == "ALL_ANSWERED"
    assert stage.are_all_asked(), "an insurer has a second application"
    await until(lambda: metrics.FAILOVERS.labels("redis")._value.get() > failovers)
    if failover is killed:
        pair.replica.start()


async def _are(count: Awaitable[int], wanted: int) -> bool:
    return await count == wanted


async def test_what_sentinels_new_master_lacks_runs_again_within_three_seconds(world: World, tmp_path: Path) -> None:
    """The master is killed, frozen and back as a stale one, deposed by hand; without a worker that starts meanwhile."""
    async with sentinel_topology(tmp_path) as topology, staged(world, topology) as stage:
        for failover in FAILOVERS.values():
            await failed_over(stage, topology.pairs[0], failover)


# redis-py leaves the connection open by which a client first asks a Cluster for its nodes, and those that it closes under calls.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_what_a_clusters_new_master_lacks_runs_again_within_three_seconds(world: World, tmp_path: Path) -> None:
    """The same, each to another of its masters."""
    async with cluster_topology(tmp_path) as topology, staged(world, topology) as stage:
        for pair, failover in zip(topology.pairs, (killed, frozen, deposed), strict=True):
            await failed_over(stage, pair, failover)
