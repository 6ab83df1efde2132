"""Every fault that a running system is tried with, and a random schedule of them from a seed. Each fault ends after a while."""

import asyncio
import random
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from support.system import Kind, Slot, System

from app.redis.lua_scripts import ENQUEUE, PRESENCE, PUBLISH, PUBLISH_END, REMEMBER
from sandbox.insurers.script.behaviours import BrokenConnection, Decline, Delay, Garbage, Status, WrongShape

AWAY_S = (0.5, 5.0)
Fault = Callable[[System, random.Random], Awaitable[None]]


def _slot(system: System, chance: random.Random, kind: Kind) -> Slot:
    return chance.choice(system.apis if kind == "api" else system.workers)


def killed(kind: Kind) -> Fault:
    async def inject(system: System, chance: random.Random) -> None:
        slot = _slot(system, chance, kind)
        async with slot.busy:
            slot.process.kill()
            await asyncio.sleep(chance.uniform(0, 2))
            await system.restart(slot)

    return inject


def stopped(kind: Kind) -> Fault:
    async def inject(system: System, chance: random.Random) -> None:
        slot = _slot(system, chance, kind)
        async with slot.busy:
            code = await slot.process.stop()
            await system.restart(slot)
            assert code == 0 or slot.process.popen.returncode is None, f"{kind} ended with {code}"

    return inject


def frozen(kind: Kind) -> Fault:
    async def inject(system: System, chance: random.Random) -> None:
        slot = _slot(system, chance, kind)
        async with slot.busy:
            slot.process.signal(signal.SIGSTOP)
            await asyncio.sleep(chance.uniform(0.5, 2 * system.world.settings.lease))
            slot.process.signal(signal.SIGCONT)

    return inject


async def redis_flushed(system: System, _: random.Random) -> None:
    async with _redis(system):
        await system.at_hand.client.flushall()


async def redis_scripts_flushed(system: System, _: random.Random) -> None:
    async with _redis(system):
        await system.at_hand.client.script_flush()


async def redis_connections_killed(system: System, _: random.Random) -> None:
    async with _redis(system):
        for kind in ("normal", "pubsub"):
            await system.at_hand.client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


async def redis_killed(system: System, chance: random.Random) -> None:
    """And started again, empty."""
    async with _redis(system):
        system.redis.kill()
        await asyncio.sleep(chance.uniform(0, 2))
        await asyncio.to_thread(system.redis.start)


async def redis_away(system: System, chance: random.Random) -> None:
    async with _redis(system):
        system.redis_proxy.go_down()
        await asyncio.sleep(chance.uniform(*AWAY_S))
        system.redis_proxy.come_back()


async def redis_slow(system: System, chance: random.Random) -> None:
    async with _redis(system):
        system.redis_proxy.delay_s = chance.uniform(0.02, 0.1)
        await asyncio.sleep(chance.uniform(1, 3))
        system.redis_proxy.delay_s = 0.0


async def redis_replies_cut(system: System, chance: random.Random) -> None:
    scripts = [one.hash.encode() for one in (ENQUEUE, PUBLISH, PUBLISH_END, PRESENCE, REMEMBER)]
    system.redis_proxy.cut_replies(chance.choice([b"XREADGROUP", *scripts]), times=chance.randint(1, 3))


async def postgresql_connections_killed(system: System, _: random.Random) -> None:
    async with system.postgresql_busy:
        await system.world.database.break_connections()


async def postgresql_away(system: System, chance: random.Random) -> None:
    async with system.postgresql_busy:
        system.postgresql_proxy.go_down()
        await asyncio.sleep(chance.uniform(*AWAY_S))
        system.postgresql_proxy.come_back()


async def postgresql_restarted(system: System, _: random.Random) -> None:
    async with system.postgresql_busy:
        await asyncio.to_thread(system.world.restart_postgresql)


async def an_insurer_is_bad(system: System, chance: random.Random) -> None:
    """For its next calls."""
    kinds = [
        Status(status=503),
        Status(status=429, retry_after=1),
        Status(status=500, step="poll"),
        BrokenConnection(),
        BrokenConnection(when="middle"),
        Garbage(),
        WrongShape(),
        Delay(seconds=3),
        Decline(code="SCRIPTED"),
    ]
    insurer = chance.choice(list(system.world.sandbox.desks))
    system.world.sandbox.script(insurer, *chance.choices(kinds, k=chance.randint(1, 10)))


@asynccontextmanager
async def _redis(system: System) -> AsyncGenerator[None, None]:
    """One fault of Redis at a time; afterwards the connections are opened anew."""
    async with system.redis_busy:
        yield
        await system.at_hand.client.connection_pool.disconnect()


FAULTS: Final[dict[str, Fault]] = {
    "worker killed": killed("worker"),
    "API killed": killed("api"),
    "worker stopped": stopped("worker"),
    "API stopped": stopped("api"),
    "worker frozen": frozen("worker"),
    "API frozen": frozen("api"),
    "Redis flushed": redis_flushed,
    "Redis's scripts flushed": redis_scripts_flushed,
    "Redis's connections killed": redis_connections_killed,
    "Redis killed, empty": redis_killed,
    "Redis away": redis_away,
    "Redis slow": redis_slow,
    "Redis's replies cut": redis_replies_cut,
    "PostgreSQL's connections killed": postgresql_connections_killed,
    "PostgreSQL away": postgresql_away,
    "PostgreSQL restarted": postgresql_restarted,
    "insurer bad": an_insurer_is_bad,
}


@dataclass(frozen=True)
class Planned:
    """One fault, `at_s` seconds after the beginning; its own chance comes out of `seed`."""

    at_s: float
    name: str
    seed: int


def schedule(seed: int, *, seconds: float, gap_s: float) -> Sequence[Planned]:
    """Every fault once in random order, then every one again; some of them overlap."""
    chance = random.Random(seed)
    plan: list[Planned] = []
    names: list[str] = []
    at_s = chance.uniform(0, gap_s)
    while at_s < seconds:
        if not names:
            names = list(FAULTS)
            chance.shuffle(names)
        plan.append(Planned(at_s, names.pop(), chance.getrandbits(32)))
        at_s += chance.uniform(0.2, 1.8) * gap_s
    return plan


async def inject(system: System, plan: Sequence[Planned]) -> None:
    """Lets it all happen, and mends it."""
    began_at = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for one in plan:
            await asyncio.sleep(max(0.0, began_at + one.at_s - time.monotonic()))
            print(f"{one.at_s:7.2f} s  {one.name}")
            tasks.create_task(_inject(system, one))
    system.heal()


async def _inject(system: System, one: Planned) -> None:
    await FAULTS[one.name](system, random.Random(one.seed))
