"""A worker that stands still for longer than its lease, and comes back believing that nothing has happened."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import pytest
from support.processes import Process, worker_process
from support.proxy import Proxy, proxied
from support.until import until
from support.world import ApiAtHand, World

from app.redis import keys
from sandbox.insurers.script.behaviours import Processing

LEASE_S = 1.0
REQUESTS = 10


@dataclass
class Stage:
    """A worker behind proxies that has every job, and a second worker to take them over."""

    world: World
    api: ApiAtHand
    victim: Process
    postgresql: Proxy
    insurer: Proxy


@asynccontextmanager
async def staged(world: World) -> AsyncGenerator[Stage, None]:
    world.set(lease=f"{LEASE_S:g}s")
    await world.insurers("sever")
    async with AsyncExitStack() as stack:
        postgresql, insurer = [
            await stack.enter_async_context(proxied(url)) for url in (world.database.url, world.sandbox_url)
        ]
        file = world.folder / "victim.toml"
        file.write_text(world.insurers_file.read_text().replace(world.sandbox_url, insurer.url))
        environment = {
            **world.environment,
            "OSAGO_DATABASE_URL": postgresql.url,
            "OSAGO_INSURERS_FILE": str(file),
        }
        api = await world.api()
        victim = await stack.enter_async_context(worker_process(world.folder, environment))
        yield Stage(world, api, victim, postgresql, insurer)


async def _frozen(stage: Stage, stack: AsyncExitStack) -> None:
    """Stops the first worker for twice the lease, while the second one runs."""
    stage.victim.signal(signal.SIGSTOP)
    stopped_at = time.monotonic()
    await stack.enter_async_context(worker_process(stage.world.folder, stage.world.environment))
    await until(lambda: time.monotonic() - stopped_at >= 2 * LEASE_S)


@pytest.mark.processes
async def test_a_worker_that_was_frozen_drops_its_jobs_before_it_makes_a_call(world: World) -> None:
    """The jobs belong to another worker by now: a call would reach the insurer twice."""
    async with staged(world) as stage, AsyncExitStack() as stack:
        world.sandbox.set_mode("sever", Processing())
        accepted = [await world.accepted(stage.api) for _ in range(REQUESTS)]
        watches = [asyncio.create_task(world.watched(stage.api, one)) for one in accepted]
        await until(lambda: all(_polls(world, one) for one in accepted))
        await _frozen(stage, stack)
        polled = {key: _polls(world, one) for key, one in enumerate(accepted)}
        await until(lambda: all(_polls(world, one) > polled[key] for key, one in enumerate(accepted)))

        called = stage.insurer.trap(b"sever/")
        stage.victim.signal(signal.SIGCONT)
        await until(lambda: _is_back(stage))
        assert not called.reached.is_set()
        world.sandbox.set_mode("sever", None)
        for events in await asyncio.gather(*watches):
            assert [event["__typename"] for event in events] == ["QuoteReceived", "QuotesCompleted"]
        assert not called.reached.is_set()
        for one in accepted:
            assert await _kinds(world, one) == ["quote", "end"]
            seen = world.sandbox.seen(_key(one))
            assert (seen.creates, len(seen.application_ids)) == (1, 1)


@pytest.mark.processes
async def test_an_answer_that_a_frozen_worker_had_in_its_hand_counts_once(world: World) -> None:
    """The frozen worker was about to write its answer; the worker that took over has written one first."""
    async with staged(world) as stage, AsyncExitStack() as stack:
        trap = stage.postgresql.trap(b"OFFERED")
        accepted = await world.accepted(stage.api)
        await trap.reached.wait()
        await _frozen(stage, stack)
        events = await world.watched(stage.api, accepted)
        stage.victim.signal(signal.SIGCONT)
        trap.released.set()
        await until(lambda: _is_back(stage))
        assert [event["__typename"] for event in events] == ["QuoteReceived", "QuotesCompleted"]
        assert await _kinds(world, accepted) == ["quote", "end"]
        assert len(await world.database.fetch("SELECT 1 FROM osago_quotes")) == 1
        again = await world.accepted(stage.api)
        assert len(await world.watched(stage.api, again)) == 2


async def _is_back(stage: Stage) -> bool:
    """It beats again, and has looked at what is its own."""
    redis = stage.world.redis.client
    seconds, microseconds = await redis.time()
    beats = await redis.zrange(keys.heartbeats(0), 0, -1, withscores=True)
    fresh = [name for name, beat in beats if seconds * 1000 + microseconds / 1000 - beat < 600]
    pending = await redis.xpending(keys.jobs(0, "sever"), "workers")
    owners = {consumer["name"] for consumer in pending["consumers"]}
    return len(fresh) >= 2 and len(owners) <= 1


async def _kinds(world: World, accepted: dict[str, object]) -> list[str]:
    request_id = UUID(accepted["quoteRequest"]["id"])  # type: ignore[index]
    entries = await world.redis.client.xrange(keys.events(0, request_id))
    return [next(iter(fields)) for _, fields in entries]


def _key(accepted: dict[str, object]) -> str:
    return f"{UUID(accepted['quoteRequest']['id'])}:sever"  # type: ignore[index]


def _polls(world: World, accepted: dict[str, object]) -> int:
    seen = world.sandbox.seen(_key(accepted))
    return seen.polls if seen else 0
