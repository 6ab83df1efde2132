"""The same code over Sentinel and over a Cluster, with real ones."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from support.redis_topologies import LEAVES_CONNECTIONS_OPEN, cluster_topology, sentinel_topology
from support.world import World

from app.domain.errors import RedisAway
from app.redis.topology import connect, parse_address
from app.story.explain import explain
from app.story.request_story import RequestStory
from sandbox.demo.servers import free_port


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncGenerator[str, None]:
    """The URL of three masters that share the slots."""
    async with cluster_topology(tmp_path, replicas=False) as topology:
        yield topology.url
        gc.collect()


@pytest.fixture
async def sentinel(tmp_path: Path) -> AsyncGenerator[str, None]:
    """The URL of a master that one Sentinel watches."""
    async with sentinel_topology(tmp_path) as topology:
        yield topology.url


async def served(world: World, redis_url: str, shards: int) -> Sequence[Sequence[dict[str, Any]]]:
    """What the watchers of twenty requests see, with two workers."""
    world.set(redis_url=redis_url, shards=shards)
    await world.insurers("sever", "volga")
    api = await world.api()
    for number in range(2):
        await world.worker(f"worker-{number}")
    accepted = await asyncio.gather(*(world.accepted(api) for _ in range(20)))
    seen = await asyncio.gather(*(world.watched(api, one) for one in accepted))
    resources = await world.resources()
    for one in accepted[:5]:  # in several shards
        story = await explain(resources, one["quoteRequest"]["id"])
        assert isinstance(story, RequestStory)
        assert story.not_known == (), "every process is asked in the request's own shard"
        assert [process.kind for process in story.processes] == ["API", "WORKER", "WORKER"]
    return seen


@LEAVES_CONNECTIONS_OPEN
async def test_a_cluster_with_its_shards_in_several_slots(cluster: str, world: World) -> None:
    """Everything of one script lies in one slot, so that none of them is refused."""
    for events in await served(world, cluster, 4):
        assert [event["__typename"] for event in events] == ["QuoteReceived", "QuoteReceived", "QuotesCompleted"]
        assert all(event["quote"]["status"] == "OFFERED" for event in events[:-1])


async def test_the_master_is_found_by_sentinel(sentinel: str, world: World) -> None:
    """All other behaviour is the same."""
    for events in await served(world, sentinel, 1):
        assert [event["__typename"] for event in events] == ["QuoteReceived", "QuoteReceived", "QuotesCompleted"]


@LEAVES_CONNECTIONS_OPEN
async def test_a_cluster_that_has_lost_its_slots_fails_calls_with_one_error(cluster: str) -> None:
    """redis-py closes connections under other calls then; those fail with AttributeError and RuntimeError."""
    client = connect(parse_address(cluster))
    assert await client.ping()
    for address in cluster.removeprefix("redis+cluster://").split(","):
        node: Any = Redis(port=int(address.rpartition(":")[2]))
        await node.execute_command("CLUSTER", "FLUSHSLOTS")
        await node.aclose()
    for _ in range(5):
        calls = [client.set(f"key {number}", "1", px=1000) for number in range(100)]
        failures = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(failure) for failure in failures} == {RedisAway}
    await client.aclose()


@LEAVES_CONNECTIONS_OPEN
async def test_a_clusters_client_closes_its_connections_also_when_it_was_to_ask_anew(cluster: str) -> None:
    """After a failed call redis-py's own `aclose` closes nothing."""
    client = connect(parse_address(cluster))
    for number in range(20):
        await client.set(f"key {number}", "1", px=1000)
    inside: Any = client
    nodes = list(inside._client.get_nodes())
    inside._client._initialize = True
    await client.aclose()
    assert not any(connection.is_connected for node in nodes for connection in node._connections)


async def test_a_server_that_is_not_there_fails_calls_with_one_error() -> None:
    """It gave no word of refusal; one that answers may give one."""
    client = connect(parse_address(f"redis://127.0.0.1:{free_port()}"))
    with pytest.raises(RedisAway) as away:
        await client.ping()
    assert away.value.refusal == ""
