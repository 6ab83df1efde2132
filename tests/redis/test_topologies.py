"""The same code over Sentinel and over a Cluster, with real ones."""

import asyncio
import gc
import subprocess
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from support.redis_topologies import LEAVES_CONNECTIONS_OPEN
from support.until import until
from support.world import World

from app.domain.errors import RedisAway
from app.redis.topology import connect, parse_address
from app.story.explain import explain
from app.story.request_story import RequestStory
from sandbox.demo.servers import free_port, redis_binary, wait_for_port

SLOTS = 16384


@contextmanager
def started(folder: Path, port: int, *lines: str, sentinel: bool = False) -> Any:
    """A Redis of this configuration."""
    folder.mkdir(parents=True)
    config = folder / "redis.conf"
    common = [f"port {port}", "bind 127.0.0.1", f"dir {folder}", "daemonize no", f"logfile {folder / 'log'}"]
    config.write_text("\n".join([*common, *lines]) + "\n")
    command = [str(redis_binary(folder)), str(config), *(["--sentinel"] if sentinel else [])]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        wait_for_port(port, process)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncGenerator[str, None]:
    """The URL of three masters that share the slots."""
    ports = _cluster_ports(3)
    with ExitStack() as stack:
        for port in ports:
            stack.enter_context(started(tmp_path / str(port), port, "cluster-enabled yes", 'save ""'))
        clients = [Redis(port=port, decode_responses=True) for port in ports]
        for number, client in enumerate(clients):
            first, last = number * SLOTS // 3, (number + 1) * SLOTS // 3
            await client.execute_command("CLUSTER", "ADDSLOTS", *range(first, last))
            await client.execute_command("CLUSTER", "MEET", "127.0.0.1", ports[0])
        for client in clients:
            await until(lambda client=client: _cluster_is_ok(client))
            await client.aclose()
        yield "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in ports)
        gc.collect()


def _cluster_ports(count: int) -> list[int]:
    """A node's bus listens 10,000 ports above it."""
    ports: list[int] = []
    while len(ports) < count:
        port = free_port()
        if port < 55_000 and port not in ports:
            ports.append(port)
    return ports


async def _cluster_is_ok(client: Any) -> bool:
    info = str(await client.execute_command("CLUSTER", "INFO"))
    return "'cluster_state': 'ok'" in info or "cluster_state:ok" in info


@pytest.fixture
async def sentinel(tmp_path: Path) -> AsyncGenerator[str, None]:
    """The URL of a master that one Sentinel watches."""
    master, watcher = free_port(), free_port()
    with ExitStack() as stack:
        stack.enter_context(started(tmp_path / "master", master, 'save ""'))
        monitor = f"sentinel monitor main 127.0.0.1 {master} 1"
        stack.enter_context(started(tmp_path / "sentinel", watcher, monitor, sentinel=True))
        yield f"redis+sentinel://127.0.0.1:{watcher}/main/0"


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
