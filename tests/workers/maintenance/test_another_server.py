"""Another Redis server in the place of the one before is a loss, whichever part of a process sees it first."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pytest
from support.servers import RedisAtHand

from app.observability import metrics
from app.redis.job_streams import JobStreams
from app.redis.master_changes import MasterChanges
from app.redis.topology import connect, parse_address
from app.runtime.clock import Clock
from workers.lanes.presence import Presence


@dataclass
class Watching:
    """A worker's presence, and what it has called recovery for."""

    jobs: JobStreams
    masters: MasterChanges
    presence: Presence
    recovered: list[int]


@pytest.fixture
async def watching(redis: RedisAtHand) -> AsyncGenerator[Watching, None]:
    client, clock, recovered = connect(parse_address(redis.url)), Clock(), list[int]()
    jobs, masters = JobStreams(client, shards=1), MasterChanges(client, clock, has_sentinel=False)

    async def recover(shard: int) -> None:
        recovered.append(shard)

    presence = Presence(jobs, clock, consumer="me", lease_s=3, on_epoch=recover, masters=masters)
    await presence.tick(0)
    yield Watching(jobs, masters, presence, recovered)
    await client.aclose()


@pytest.mark.parametrize("probe_first", [False, True])
async def test_another_server_calls_recovery_though_the_epoch_is_the_same(
    watching: Watching, redis: RedisAtHand, *, probe_first: bool
) -> None:
    """A promotion changes a server's replication id, and keeps the keys; it is counted once."""
    counted = metrics.FAILOVERS.labels("redis")._value.get()
    await watching.presence.tick(0)
    assert watching.recovered == [0]  # at the start
    await redis.client.execute_command("DEBUG", "CHANGE-REPL-ID")
    if probe_first:
        await watching.masters.learn(0, await watching.jobs.server(0))
    await watching.presence.tick(0)
    await watching.presence.tick(0)
    assert watching.recovered == [0, 0]
    assert metrics.FAILOVERS.labels("redis")._value.get() == counted + 1
