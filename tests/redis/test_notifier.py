"""Notifications: a server that falls silent is noticed, a process that stood still is not misled, shards in a Cluster are heard."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.redis_topologies import LEAVES_CONNECTIONS_OPEN, cluster_topology, move_slot
from support.redis_versions import redis_of
from support.stalls import within
from support.until import until

from app.redis import keys
from app.redis.lua_scripts import NOTIFY
from app.redis.notifier import Notifier
from app.redis.redis_client import RedisClient
from app.redis.topology import connect, parse_address
from app.runtime.clock import Clock
from app.runtime.supervision import Part, run_parts
from sandbox.demo.servers import Redis

NOTICED_S = 2.0


@asynccontextmanager
async def listening(url: str, *channels: str) -> AsyncGenerator[tuple[Notifier, RedisClient, list[str]], None]:
    """A notifier that is connected, its client, and what it has heard."""
    client, heard = connect(parse_address(url)), list[str]()
    notifier = Notifier(client)
    notifier.listen(channels, heard.append)
    async with run_parts([Part("notifier", notifier.run)], Clock()):
        await until(lambda: notifier.is_connected)
        yield notifier, client, heard
    await client.aclose()


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncGenerator[Redis, None]:
    redis = Redis(tmp_path / "redis")
    await asyncio.to_thread(redis.start)
    try:
        yield redis
    finally:
        os.kill(redis.pid, signal.SIGCONT)
        redis.kill()


async def test_a_silent_server_is_noticed_within_two_seconds(own_redis: Redis) -> None:
    """Its connections stay open, so only its silence shows. Notifications arrive again when it goes on."""
    async with listening(own_redis.url, keys.news(0)) as (notifier, client, heard):
        os.kill(own_redis.pid, signal.SIGSTOP)
        with within(NOTICED_S):
            await until(lambda: not notifier.is_connected)
        os.kill(own_redis.pid, signal.SIGCONT)
        await until(lambda: notifier.is_connected)
        await NOTIFY.run(client, [keys.news(0)], ["again"])
        await until(lambda: heard == ["again"])


async def test_a_process_that_stood_still_does_not_take_its_server_for_silent(
    own_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came meanwhile is read first, however many turns it missed."""
    monkeypatch.setattr("app.redis.notifier.PING_EVERY_S", 0.1)
    async with listening(own_redis.url, keys.news(0)) as (notifier, client, heard):
        for number in range(3):
            time.sleep(0.5)  # noqa: ASYNC251 - this process stands still
            await NOTIFY.run(client, [keys.news(0)], [str(number)])
            await until(lambda number=number: heard[-1:] == [str(number)])
        assert notifier.unbroken == 0


@pytest.mark.compat
@LEAVES_CONNECTIONS_OPEN
@pytest.mark.parametrize("version", ["Redis 7", "Valkey 8"])
async def test_in_a_cluster_notifications_go_by_sharded_pub_sub(tmp_path: Path, version: str) -> None:
    """Each from the master of its slot; when the slot moves the new one is subscribed to."""
    async with cluster_topology(tmp_path, redis_of(version), replicas=False) as topology:
        shards = range(topology.shards)
        async with listening(topology.url, *map(keys.news, shards)) as (notifier, client, heard):
            subscribed = [await pair.master.call("PUBSUB", "SHARDCHANNELS") for pair in topology.pairs]
            assert sorted(channel for channels in subscribed for channel in channels) == [keys.news(s) for s in shards]
            for shard in shards:
                await NOTIFY.run(client, [keys.news(shard)], [str(shard)])
            await until(lambda: sorted(heard) == [str(shard) for shard in shards])
            source, target = topology.pairs[0], topology.pairs[1]
            moved, before = min(topology.shards_of(source)), notifier.unbroken
            await move_slot(moved, source.master, target.master)
            await until(lambda: notifier.unbroken not in {None, before})
            await NOTIFY.run(client, [keys.news(moved)], ["moved"])
            await until(lambda: heard[-1] == "moved")
