"""Everything at once: a random schedule of every fault, under load, and what must hold when it is over.

CHAOS_SEED replays a schedule, CHAOS_SECONDS and CHAOS_RATE (requests a second) set its length and its load; the seed
is printed.
"""

import asyncio
import os
import random
from collections.abc import Sequence
from uuid import UUID

import psutil
import pytest
from support.customers import Customer, Customers
from support.faults import inject, schedule
from support.plain_http import plain_http
from support.system import System, started_system
from support.until import until
from support.world import World

from app.redis import keys
from sandbox.insurers.model.catalogue import INSURERS

SHORT_SEED = 7
BUGS = (
    "Traceback",
    "loop.failed",
    "part.failed",
    "job.failed",
    "job.without_request",
    "operation.failed",
    "never retrieved",
)
LATE_S_MAX = 10.0
"""PostgreSQL and Redis are away for five seconds, at times one after the other: then an end comes late, by so much."""
CONNECTIONS_TO_POSTGRESQL_MAX = 8


@pytest.mark.processes
async def test_a_random_half_minute(world: World) -> None:
    """Each fault once; always the same seed, so that what fails here fails again."""
    world.set(quote_deadline="15s", lease="1s")
    await _endured(world, ("sever", "volga", "ural"), seed=SHORT_SEED, seconds=20, per_s=4, gap_s=1.1)


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.timeout(2400)
async def test_a_random_schedule_at_length(world: World) -> None:
    """Minutes of it, with as many insurers as there are."""
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().getrandbits(32))
    seconds, per_s = float(os.environ.get("CHAOS_SECONDS") or 300), float(os.environ.get("CHAOS_RATE") or 10)
    world.set(quote_deadline="20s")
    await _endured(world, tuple(INSURERS), seed=seed, seconds=seconds, per_s=per_s, gap_s=4)


async def _endured(
    world: World, insurers: tuple[str, ...], *, seed: int, seconds: float, per_s: float, gap_s: float
) -> None:
    print(f"\nCHAOS_SEED={seed} CHAOS_SECONDS={seconds:g} CHAOS_RATE={per_s:g}")
    async with (
        started_system(world, insurers, time_scale=0.05) as system,
        plain_http(timeout=10) as http,
    ):
        customers = Customers(system, random.Random(seed), http)
        async with asyncio.TaskGroup() as tasks:
            load = tasks.create_task(customers.come(seconds=seconds, per_s=per_s))
            tasks.create_task(inject(system, schedule(seed, seconds=seconds, gap_s=gap_s)))
        await system.ready()
        served = load.result()
        reconnects, late_s = sum(one.reconnects for one in served), max(one.late_s for one in served)
        print(f"{len(served)} requests, {reconnects} reconnects, the latest end {late_s:+.2f} s from its deadline")
        await _what_customers_saw_is_what_postgresql_has(system, served, insurers)
        await _insurers_saw_one_application_of_each(system, served)
        await _nothing_is_left(system, insurers)
        await _nothing_leaks(system, insurers)
        assert late_s <= LATE_S_MAX
    for process in system.every_process:
        found = [line for line in process.text.splitlines() if any(bug in line for bug in BUGS)]
        assert found == [], process.text


async def _what_customers_saw_is_what_postgresql_has(
    system: System, customers: Sequence[Customer], insurers: tuple[str, ...]
) -> None:
    """Accepted = completed; one quote per request and insurer; no gap, no repeat, the end last."""
    rows = await system.world.database.fetch("SELECT id, outcome FROM osago_requests")
    outcomes = {row["id"]: row["outcome"] for row in rows}
    assert set(outcomes) == {UUID(one.request_id) for one in customers}
    assert None not in outcomes.values()
    quotes: dict[UUID, dict[str, str]] = {id_: {} for id_ in outcomes}
    for row in await system.world.database.fetch("SELECT request_id, insurer_id, status FROM osago_quotes"):
        quotes[row["request_id"]][row["insurer_id"]] = row["status"]
    for one in customers:
        seen = [event["quote"]["insurer"]["id"] for event in one.events[:-1]]
        assert sorted(seen) == sorted(insurers), f"{one.request_id}: a gap or a repeat"
        assert one.quotes == quotes[UUID(one.request_id)]
        assert one.events[-1]["outcome"] == outcomes[UUID(one.request_id)]


async def _insurers_saw_one_application_of_each(system: System, customers: Sequence[Customer]) -> None:
    for insurer, desk in system.world.sandbox.desks.items():
        assert desk.record.applications <= len(customers), f"{insurer} has more applications than there are requests"
    for seen in system.world.sandbox.seen_beginning_with("", most=1_000_000):
        assert len(seen.application_ids) <= 1


async def _nothing_is_left(system: System, insurers: tuple[str, ...]) -> None:
    """In the outbox, in the streams, pending, or for ever in Redis."""

    async def is_at_rest() -> bool:
        if await system.world.database.fetch("SELECT 1 FROM osago_outbox"):
            return False
        redis = system.at_hand.client
        streams = [keys.jobs(0, insurer) for insurer in insurers]
        groups = [group for stream in streams for group in await redis.xinfo_groups(stream)]
        return not any([await redis.xlen(stream) for stream in streams]) and not any(g["pending"] for g in groups)

    await until(is_at_rest)
    assert await system.at_hand.keys_without_ttl() == []


async def _nothing_leaks(system: System, insurers: tuple[str, ...]) -> None:
    """Subscriptions, jobs, sockets, connections to PostgreSQL and to Redis."""
    await until(lambda: _is_idle(system))
    connections = await system.world.database.fetch(
        "SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND application_name = 'osago'", system.world.database.name
    )
    assert len(connections) <= CONNECTIONS_TO_POSTGRESQL_MAX * len(system.slots)
    assert len(await system.at_hand.client.client_list()) <= (64 + len(insurers) + 2) * len(system.slots)


async def _is_idle(system: System) -> bool:
    async with plain_http(timeout=60) as http:
        texts = [(await http.get(f"http://127.0.0.1:{slot.port}/metrics")).text for slot in system.slots]
    figures = [line.rsplit(" ", 1) for text in texts for line in text.splitlines() if not line.startswith("#")]
    held = [
        float(value)
        for name, value in figures
        if name.partition("{")[0] in {"osago_subscriptions", "osago_jobs_in_flight"}
    ]
    return (
        bool(held) and not any(held) and not any(_clients(slot.process.popen.pid, slot.port) for slot in system.slots)
    )


def _clients(pid: int, port: int) -> list[object]:
    sockets = psutil.Process(pid).net_connections("tcp")
    return [one for one in sockets if one.status == "ESTABLISHED" and one.laddr.port == port]
