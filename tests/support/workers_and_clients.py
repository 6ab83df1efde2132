"""Workers taken apart into their steps, clients that keep every event, and what they share."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import count
from uuid import UUID

from support.quotes import an_offer
from support.servers import RedisAtHand
from support.world import World

from app.domain.quote import Outcome, Quote
from app.postgres.database import connected
from app.postgres.quote_rows import Work, read_work
from app.redis.job_streams import Delivery, JobReader, NoGroup
from app.resources import Resources, open_resources
from app.runtime.supervision import run_parts
from app.use_cases.settle import Answered, QuoteSettler
from app.watch.events import Completed
from app.watch.hub import WatchHub
from app.watch.news_waiter import watch_events

INSURERS = ("sever", "volga", "ural")
LEASE_S = 0.04
READ_MAX = 2


class WorkerSteps:
    """The steps of a worker, one by one: read, commit, publish, beat."""

    def __init__(self, resources: Resources, name: str) -> None:
        self.resources = resources
        self.consumer = name
        self.settling = QuoteSettler(
            resources.pool, resources.events, resources.ending, resources.links, resources.clock
        )
        self.held: dict[tuple[str, str], tuple[Delivery, Work]] = {}
        self.readers = {
            insurer: JobReader(resources.redis_address, shard=0, insurer_id=insurer, consumer=name)
            for insurer in INSURERS
        }

    async def read(self, *, own: bool = False, reply_lost: bool = False) -> None:
        """In every lane: new jobs, or those that are pending for this worker."""
        for insurer, reader in self.readers.items():
            try:
                deliveries = await reader._read("0" if own else ">", READ_MAX, block_ms=None, is_first=not own)
            except NoGroup:
                await reader.make_group()
            else:
                if not reply_lost:
                    await self.take(insurer, deliveries)

    async def take(self, insurer: str, deliveries: Sequence[Delivery]) -> None:
        """Reads the jobs' state from PostgreSQL now; the worker does not see later changes."""
        async with connected(self.resources.pool) as connection:
            works = await read_work(connection, insurer, [one.request_id for one in deliveries])
        self.held |= {(insurer, one.entry): (one, works[one.request_id]) for one in deliveries}

    async def beat(self) -> None:
        tick = await self.resources.jobs.tick(0, self.consumer, lease_s=LEASE_S, free=dict.fromkeys(INSURERS, 10))
        if not tick.fresh:
            for insurer in INSURERS:
                mine = [entry for id_, entry in self.held if id_ == insurer]
                owned = await self.resources.jobs.owned(0, insurer, self.consumer, mine)
                for entry in set(mine) - owned:
                    del self.held[insurer, entry]
        for insurer, deliveries in tick.taken_over.items():
            await self.take(insurer, deliveries)

    async def commit(self, insurer: str, entry: str) -> None:
        """Writes the answer; publishing it is a step of its own."""
        delivery, work = self.held.pop((insurer, entry))
        now = self.resources.clock.now()
        if not work.settled and (work.ended or work.expires_at <= now):
            return  # the end writes it
        quote = work.settled or Quote(delivery.request_id, insurer, an_offer(f"{100 + len(entry)}.00"), now)
        self.settling._commits.put(Answered(quote, work.expires_at, entry))
        await self.settling._commits.run_once()

    async def publish(self, *, reply_lost: bool) -> None:
        (waiting,) = self.settling._news.commits
        if reply_lost:
            await self.settling._publish([news for news, _ in waiting._waiting])
        if len(waiting):
            await waiting.run_once()

    async def close(self) -> None:
        for reader in self.readers.values():
            await reader.close()


class Follower:
    """A client that keeps every event, and goes on from its last cursor."""

    def __init__(self, live: WatchHub, request_id: UUID) -> None:
        self._live = live
        self._id = request_id
        self._after: str | None = None
        self.insurers: list[str] = []
        self.quotes: dict[str, Quote] = {}
        self.outcomes: list[Outcome] = []
        self.task = asyncio.get_running_loop().create_task(self._follow())

    async def _follow(self) -> None:
        async for event in watch_events(self._live, self._id, lambda _: True, self._after):
            self._after = event.cursor.encode()
            assert not self.outcomes, "something comes after the end"
            if isinstance(event, Completed):
                self.outcomes.append(event.ending.outcome)
            else:
                self.insurers.append(event.quote.insurer_id)
                self.quotes[event.quote.insurer_id] = event.quote.quote(self._id)

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def come_back(self) -> None:
        if self.task.done():
            self.task = asyncio.get_running_loop().create_task(self._follow())


class Stage:
    """What all examples share: the connections, an event loop of their own, and a hub that pushes."""

    def __init__(self, world: World) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.redis = RedisAtHand(world.redis.url)
        self.numbers = count()
        self.runner.run(self._open(world))

    async def _open(self, world: World) -> None:
        self.resources = await self.stack.enter_async_context(open_resources(world.settings))
        resources = self.resources
        self.live = WatchHub(
            resources.pool, resources.redis, resources.events, resources.ending, resources.links, resources.clock
        )
        await self.stack.enter_async_context(run_parts(self.live.parts()))

    async def clear(self) -> None:
        async with connected(self.resources.pool) as connection:
            await connection.execute("TRUNCATE osago_requests, osago_quotes, osago_outbox CASCADE")
        await self.redis.client.flushdb()

    async def close(self) -> None:
        await self.stack.aclose()
        await self.redis.client.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}, "a task is left"
