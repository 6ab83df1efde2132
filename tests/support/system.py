"""The whole system as real processes, behind proxies, with a handle for every fault."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from support.processes import Process, osago
from support.proxy import Proxy, proxied
from support.servers import RedisAtHand
from support.until import until
from support.world import World

from sandbox.demo.servers import Redis, free_port

START_S_MAX = 30.0
Kind = Literal["api", "worker"]


@dataclass(eq=False)
class Slot:
    """A place for a process: always the same port, one process after the other."""

    kind: Kind
    port: int
    process: Process
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the fault that the process suffers."""


class System:
    """Two APIs, two workers, a Redis of their own, and the session's PostgreSQL."""

    def __init__(self, world: World, redis: Redis, proxies: tuple[Proxy, Proxy], stack: AsyncExitStack) -> None:
        self.world = world
        self.redis = redis
        self.redis_proxy, self.postgresql_proxy = proxies
        self.at_hand = RedisAtHand(redis.url)
        self._stack = stack
        self.slots: list[Slot] = []
        self.every_process: list[Process] = []
        self.redis_busy = asyncio.Lock()
        self.postgresql_busy = asyncio.Lock()

    @property
    def apis(self) -> list[Slot]:
        return [slot for slot in self.slots if slot.kind == "api"]

    @property
    def workers(self) -> list[Slot]:
        return [slot for slot in self.slots if slot.kind == "worker"]

    async def add(self, kind: Kind) -> None:
        port = free_port()
        self.slots.append(Slot(kind, port, await self._begun(kind, port)))

    async def restart(self, slot: Slot) -> None:
        """The next process in the same place."""
        slot.process = await self._begun(slot.kind, slot.port)

    async def _begun(self, kind: Kind, port: int) -> Process:
        option = "--port" if kind == "api" else "--metrics-port"
        running = osago(self.world.folder, self.world.environment, kind, option, str(port), port=port)
        process = await self._stack.enter_async_context(running)
        self.every_process.append(process)
        return process

    async def ready(self) -> None:
        """Waits until every process answers."""
        for slot in self.slots:
            await until(lambda slot=slot: _listens(slot), seconds=START_S_MAX)

    def heal(self) -> None:
        """Ends the faults that were cut short."""
        self.redis_proxy.delay_s = 0.0
        self.redis_proxy.come_back()
        self.postgresql_proxy.come_back()
        for slot in self.slots:
            if slot.process.popen.poll() is None:
                slot.process.signal(signal.SIGCONT)


async def _listens(slot: Slot) -> Any:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", slot.port)
    except OSError:
        assert slot.process.popen.poll() is None, slot.process.text
        return False
    writer.close()
    return True


@asynccontextmanager
async def started_system(world: World, insurers: tuple[str, ...], *, time_scale: float) -> AsyncGenerator[System, None]:
    """A system that is ready."""
    redis = Redis(world.folder / "system-redis")
    redis.start()
    async with AsyncExitStack() as stack:
        stack.callback(redis.kill)
        redis_proxy = await stack.enter_async_context(proxied(redis.url))
        postgresql_proxy = await stack.enter_async_context(proxied(world.database.url))
        world.set(redis_url=redis_proxy.url, database_url=postgresql_proxy.url, log_format="json", log_level="info")
        await world.insurers(*insurers, time_scale=time_scale)
        system = System(world, redis, (redis_proxy, postgresql_proxy), stack)
        stack.push_async_callback(system.at_hand.client.aclose)
        for kind in ("api", "worker"):
            for _ in range(2):
                await system.add(kind)
        await system.ready()
        yield system
