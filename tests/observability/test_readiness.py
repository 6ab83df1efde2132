"""`/readyz` waits for no server and says what is wrong; `/healthz` fails with a part that keeps failing."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from support.plain_http import plain_http
from support.proxy import proxied
from support.servers import RedisAtHand
from support.until import until
from support.world import ApiAtHand, WorkerAtHand, World

from app.readiness import HANGS, OK, Readiness
from app.runtime.supervision import FAILURES_MAX, Part
from sandbox.demo.servers import Redis

FOR_EVER_S = 3600.0
PROMISED_S = 0.2


@pytest.fixture
async def own_redis(world: World) -> AsyncGenerator[Redis, None]:
    """A Redis that a test may freeze and turn into a replica."""
    redis = Redis(world.folder / "own-redis")
    await asyncio.to_thread(redis.start)
    world.set(redis_url=redis.url)
    try:
        yield redis
    finally:
        os.kill(redis.pid, signal.SIGCONT)
        await world.stop()
        redis.kill()


def monitor_of(api: ApiAtHand) -> Callable[[], Coroutine[Any, Any, Readiness]]:
    return lambda: api.app.state.readiness.readiness(is_draining=False)


def at_once(readiness: Coroutine[Any, Any, Readiness]) -> Readiness:
    """What it returns when nothing that it may wait for ever comes: no more than two turns of the loop."""
    for _ in range(3):
        try:
            assert readiness.send(None) is None, "it waits for something"
        except StopIteration as end:
            return end.value
    raise AssertionError("it waits for more than two turns")


@asynccontextmanager
async def measured_stall() -> AsyncGenerator[list[float], None]:
    """How late this loop, and this machine, were at worst beside the block."""
    worst = [0.0]

    async def tick() -> None:
        while True:
            due = time.monotonic() + 0.005
            await asyncio.sleep(0.005)
            worst[0] = max(worst[0], time.monotonic() - due)

    ticking = asyncio.create_task(tick())
    try:
        yield worst
    finally:
        ticking.cancel()


async def worst_answer_s(api: ApiAtHand) -> float:
    """Of fifty, less what this machine itself was late."""
    async with measured_stall() as stall, plain_http() as http:
        worst = 0.0
        for _ in range(50):
            began_at = time.monotonic()
            await http.get(f"{api.url}/readyz")
            worst = max(worst, time.monotonic() - began_at)
    return worst - stall[0]


async def both(world: World) -> tuple[ApiAtHand, WorkerAtHand]:
    world.write_insurers("sever", "volga")
    api, worker = await world.api(), await world.worker()
    for known in (monitor_of(api), worker.worker.readiness):
        await until(lambda known=known: is_in_order(known))
    return api, worker


async def is_in_order(known: Callable[[], Coroutine[Any, Any, Readiness]]) -> bool:
    found = await known()
    return found.is_ready and set(found.detail.values()) == {OK}


async def says(known: Callable[[], Coroutine[Any, Any, Readiness]], server: str, text: str) -> bool:
    return text in at_once(known()).detail[server]


async def test_a_frozen_redis_degrades_and_delays_nothing(world: World, own_redis: Redis) -> None:
    """API and worker say what hangs, at once and fifty times; and are ready again when it goes on."""
    api, worker = await both(world)
    os.kill(own_redis.pid, signal.SIGSTOP)
    for known in (monitor_of(api), worker.worker.readiness):
        await until(lambda known=known: says(known, "redis", HANGS))
        assert at_once(known()).is_ready
    assert await worst_answer_s(api) <= PROMISED_S
    os.kill(own_redis.pid, signal.SIGCONT)
    for known in (monitor_of(api), worker.worker.readiness):
        await until(lambda known=known: is_in_order(known))


async def test_a_frozen_postgresql_and_both_frozen_delay_nothing(world: World, own_redis: Redis) -> None:
    """It is not ready, and says so without waiting."""
    async with proxied(world.database.url) as proxy:
        world.set(database_url=proxy.url)
        api, worker = await both(world)
        proxy.delay_s = FOR_EVER_S
        for known in (monitor_of(api), worker.worker.readiness):
            await until(lambda known=known: says(known, "postgresql", HANGS))
            assert not at_once(known()).is_ready
        assert await worst_answer_s(api) <= PROMISED_S
        os.kill(own_redis.pid, signal.SIGSTOP)
        for known in (monitor_of(api), worker.worker.readiness):
            await until(lambda known=known: says(known, "redis", HANGS))
        assert await worst_answer_s(api) <= PROMISED_S
        os.kill(own_redis.pid, signal.SIGCONT)
        proxy.delay_s = 0.0
        proxy.break_connections()
        await world.stop()


@pytest.mark.parametrize(
    ("spoil", "mend", "said"),
    [
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "takes no writes: it is a replica (READONLY)"),
        (
            ("CONFIG", "SET", "maxmemory", "1"),
            ("CONFIG", "SET", "maxmemory", "0"),
            "takes no writes: its memory is full (OOM)",
        ),
        (
            ("CONFIG", "SET", "min-replicas-to-write", "1"),
            ("CONFIG", "SET", "min-replicas-to-write", "0"),
            "takes no writes: it has too few replicas (NOREPLICAS)",
        ),
        (
            ("ACL", "SETUSER", "default", "-set"),
            ("ACL", "SETUSER", "default", "+set"),
            "takes no writes: it refuses them (NOPERM)",
        ),
    ],
    ids=["replica", "out of memory", "too few replicas", "no right to write"],
)
async def test_a_redis_that_takes_no_writes_degrades_and_says_why(
    world: World,
    own_redis: Redis,
    caplog: pytest.LogCaptureFixture,
    spoil: tuple[str, ...],
    mend: tuple[str, ...],
    said: str,
) -> None:
    """It answers PING all the while. Each lane logs it once, however often it is refused."""
    api, worker = await both(world)
    at_hand = RedisAtHand(own_redis.url)
    refused = await refusals(at_hand)
    await at_hand.client.execute_command(*spoil)
    for known in (monitor_of(api), worker.worker.readiness):
        await until(lambda known=known: says(known, "redis", said))
        assert at_once(known()).is_ready
    if spoil[0] == "REPLICAOF":
        await until(lambda: refused_again(at_hand, refused + 20))
        assert sum("reader.refused" in one.getMessage() for one in caplog.records) == 2
    await at_hand.client.execute_command(*mend)
    for known in (monitor_of(api), worker.worker.readiness):
        await until(lambda known=known: is_in_order(known))
    await at_hand.client.aclose()


async def refusals(at_hand: RedisAtHand) -> int:
    stats = await at_hand.client.info("commandstats")
    return stats.get("cmdstat_xreadgroup", {}).get("failed_calls", 0) + stats.get("cmdstat_xreadgroup", {}).get(
        "rejected_calls", 0
    )


async def refused_again(at_hand: RedisAtHand, count: int) -> bool:
    return await refusals(at_hand) >= count


async def test_a_process_that_starts_is_ready_as_soon_as_it_serves(world: World) -> None:
    """`/readyz` never answers `not looked at yet` on a port that is open."""
    world.write_insurers("sever")
    api = await world.api()
    assert at_once(monitor_of(api)()) == Readiness(is_ready=True, detail={"postgresql": OK, "redis": OK})


async def test_healthz_fails_with_a_part_that_keeps_failing_and_names_it(world: World) -> None:
    """Five failures in a row; readiness has nothing to do with it."""
    world.write_insurers("sever")
    api = await world.api()

    async def broken() -> None:
        raise AttributeError("'NoneType' object has no attribute 'writelines'")

    supervisor = api.app.state.supervisor
    supervisor.start([Part("broken:sever", broken)])
    async with plain_http() as http:
        assert (await http.get(f"{api.url}/healthz")).status_code == 200
        await until(lambda: supervisor.parts["broken:sever"].failures >= FAILURES_MAX)
        answer = await http.get(f"{api.url}/healthz")
        ready = await http.get(f"{api.url}/readyz")
    assert (answer.status_code, answer.text) == (503, "failing: broken:sever\n")
    assert ready.status_code == 200
