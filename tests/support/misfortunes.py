"""Everything that may befall a town, and a schedule of it out of a seed. Each misfortune mends itself after a while."""

import asyncio
import random
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from support.town import Kind, Slot, Town

from app.redis.lua_scripts import ENQUEUE, PRESENCE, PUBLISH, PUBLISH_END, REMEMBER
from sandbox.insurers.script.behaviours import BrokenConnection, Decline, Delay, Garbage, Status, WrongShape

AWAY_S = (0.5, 5.0)
Misfortune = Callable[[Town, random.Random], Awaitable[None]]


def _slot(town: Town, chance: random.Random, kind: Kind) -> Slot:
    return chance.choice(town.apis if kind == "api" else town.workers)


def killed(kind: Kind) -> Misfortune:
    async def befall(town: Town, chance: random.Random) -> None:
        slot = _slot(town, chance, kind)
        async with slot.busy:
            slot.process.kill()
            await asyncio.sleep(chance.uniform(0, 2))
            await town.restart(slot)

    return befall


def stopped(kind: Kind) -> Misfortune:
    async def befall(town: Town, chance: random.Random) -> None:
        slot = _slot(town, chance, kind)
        async with slot.busy:
            code = await slot.process.stop()
            await town.restart(slot)
            assert code == 0 or slot.process.popen.returncode is None, f"{kind} ended with {code}"

    return befall


def frozen(kind: Kind) -> Misfortune:
    async def befall(town: Town, chance: random.Random) -> None:
        slot = _slot(town, chance, kind)
        async with slot.busy:
            slot.process.signal(signal.SIGSTOP)
            await asyncio.sleep(chance.uniform(0.5, 2 * town.world.settings.lease))
            slot.process.signal(signal.SIGCONT)

    return befall


async def redis_flushed(town: Town, _: random.Random) -> None:
    async with _redis(town):
        await town.at_hand.client.flushall()


async def redis_scripts_flushed(town: Town, _: random.Random) -> None:
    async with _redis(town):
        await town.at_hand.client.script_flush()


async def redis_connections_killed(town: Town, _: random.Random) -> None:
    async with _redis(town):
        for kind in ("normal", "pubsub"):
            await town.at_hand.client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


async def redis_killed(town: Town, chance: random.Random) -> None:
    """And started again, empty."""
    async with _redis(town):
        town.redis.kill()
        await asyncio.sleep(chance.uniform(0, 2))
        await asyncio.to_thread(town.redis.start)


async def redis_away(town: Town, chance: random.Random) -> None:
    async with _redis(town):
        town.redis_proxy.go_down()
        await asyncio.sleep(chance.uniform(*AWAY_S))
        town.redis_proxy.come_back()


async def redis_slow(town: Town, chance: random.Random) -> None:
    async with _redis(town):
        town.redis_proxy.delay_s = chance.uniform(0.02, 0.1)
        await asyncio.sleep(chance.uniform(1, 3))
        town.redis_proxy.delay_s = 0.0


async def redis_replies_cut(town: Town, chance: random.Random) -> None:
    scripts = [one.hash.encode() for one in (ENQUEUE, PUBLISH, PUBLISH_END, PRESENCE, REMEMBER)]
    town.redis_proxy.cut_replies(chance.choice([b"XREADGROUP", *scripts]), times=chance.randint(1, 3))


async def postgresql_connections_killed(town: Town, _: random.Random) -> None:
    async with town.postgresql_busy:
        await town.world.database.break_connections()


async def postgresql_away(town: Town, chance: random.Random) -> None:
    async with town.postgresql_busy:
        town.postgresql_proxy.go_down()
        await asyncio.sleep(chance.uniform(*AWAY_S))
        town.postgresql_proxy.come_back()


async def postgresql_restarted(town: Town, _: random.Random) -> None:
    async with town.postgresql_busy:
        await asyncio.to_thread(town.world.restart_postgresql)


async def an_insurer_is_bad(town: Town, chance: random.Random) -> None:
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
    insurer = chance.choice(list(town.world.sandbox.desks))
    town.world.sandbox.script(insurer, *chance.choices(kinds, k=chance.randint(1, 10)))


@asynccontextmanager
async def _redis(town: Town) -> AsyncGenerator[None, None]:
    """One misfortune of Redis at a time; whoever looks into it afterwards finds a fresh connection."""
    async with town.redis_busy:
        yield
        await town.at_hand.client.connection_pool.disconnect()


MISFORTUNES: Final[dict[str, Misfortune]] = {
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
    """One misfortune, `at_s` seconds after the beginning; its own chance comes out of `seed`."""

    at_s: float
    name: str
    seed: int


def schedule(seed: int, *, seconds: float, gap_s: float) -> Sequence[Planned]:
    """Every misfortune once in random order, then every one again; some of them overlap."""
    chance = random.Random(seed)
    plan: list[Planned] = []
    names: list[str] = []
    at_s = chance.uniform(0, gap_s)
    while at_s < seconds:
        if not names:
            names = list(MISFORTUNES)
            chance.shuffle(names)
        plan.append(Planned(at_s, names.pop(), chance.getrandbits(32)))
        at_s += chance.uniform(0.2, 1.8) * gap_s
    return plan


async def befall(town: Town, plan: Sequence[Planned]) -> None:
    """Lets it all happen, and mends it."""
    began_at = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for one in plan:
            await asyncio.sleep(max(0.0, began_at + one.at_s - time.monotonic()))
            print(f"{one.at_s:7.2f} s  {one.name}")
            tasks.create_task(_befall(town, one))
    town.heal()


async def _befall(town: Town, one: Planned) -> None:
    await MISFORTUNES[one.name](town, random.Random(one.seed))
