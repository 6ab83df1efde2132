"""An API and two workers in this process, over Redis with Sentinel or a Cluster, and what their clients see."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from support.redis_topologies import Topology
from support.until import until
from support.world import ApiAtHand, WorkerAtHand, World

from app.observability import metrics
from app.redis import keys

INSURERS: Final = ("sever", "volga")
PLACES: Final = 3
"""Of each worker and insurer: what is more waits in its stream."""
WORKERS: Final = 2


@dataclass
class Stage:
    """An API and two workers over a topology that is whole."""

    world: World
    topology: Topology
    api: ApiAtHand
    workers: list[WorkerAtHand]
    accepted: int = 0
    ids: list[UUID] = field(default_factory=list[UUID])

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
        self.ids += [UUID(one["quoteRequest"]["id"]) for one in accepted]
        return [asyncio.create_task(self.world.watched(self.api, one)) for one in accepted]

    def are_all_asked(self, count: int | None = None) -> bool:
        return all(self.world.sandbox.seen_by(insurer).applications == (count or self.accepted) for insurer in INSURERS)


@asynccontextmanager
async def staged(
    world: World, topology: Topology, *, places: int = PLACES, deadline: str = "100s"
) -> AsyncGenerator[Stage, None]:
    """By default nothing runs out of time, however long a busy machine takes for a failover."""
    world.set(redis_url=topology.url, shards=topology.shards, quote_deadline=deadline)
    await world.insurers(*INSURERS, more={"max_in_flight": places})
    api = await world.api()
    workers = [await world.worker(f"worker-{number}") for number in range(WORKERS)]
    await until(lambda: api.services.live.notifier.is_connected)
    yield Stage(world, topology, api, workers)
    await world.stop()


async def all_offered(watches: Sequence["asyncio.Task[list[dict[str, Any]]]"]) -> None:
    """Every watcher sees every offer once, then the end."""
    for events in await asyncio.gather(*watches):
        assert sorted(event["quote"]["insurer"]["id"] for event in events[:-1]) == sorted(INSURERS)
        assert {event["quote"]["status"] for event in events[:-1]} == {"OFFERED"}
        assert events[-1]["outcome"] == "ALL_ANSWERED"


def parts_that_failed() -> dict[str, float]:
    """Of all processes of this test, by part; only those that have."""
    samples = [
        one for metric in metrics.PART_FAILURES.collect() for one in metric.samples if one.name.endswith("_total")
    ]
    return {one.labels["part"]: one.value for one in samples if one.value}
