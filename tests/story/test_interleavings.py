"""Relay, lanes, reaper, sweeper, recovery and subscribers in every order that Hypothesis can think of, Redis flushed in
between, replies lost, workers killed: what always holds holds after each step, and at the end nothing is missing.

Workers are taken apart into their steps here, over a real Redis and a real PostgreSQL.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.quotes import a_request
from support.workers_and_clients import INSURERS, LEASE_S, Follower, Stage, WorkerSteps
from support.world import World

from app.domain.cursor import Cursor
from app.domain.ids import uuid7
from app.domain.quote import Offer, Outcome, Quote, QuoteRequest
from app.postgres.database import connected
from app.postgres.outbox import Kind, Notice, delete_notices
from app.postgres.request_rows import NewRequest, insert_requests, read_requests
from app.redis import keys
from app.redis.job_streams import Enqueued
from app.watch import hub
from workers.maintenance import outbox_relay
from workers.maintenance.redis_recovery import recover

DEADLINE_S = 30
TURNS_MAX = 100
REQUESTS_MAX = 6
WORKERS = 3

some = st.integers(0, 1000)
likely = st.sampled_from([True, True, True, False])
unlikely = st.sampled_from([False, False, False, True])


class Interleavings(RuleBasedStateMachine):
    """`stage` is set before it runs."""

    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        self.resources, self.redis, self.live = self.stage.resources, self.stage.redis.client, self.stage.live
        self.requests: list[QuoteRequest] = []
        self.followers: list[Follower] = []
        self.run(self.stage.clear())
        self.workers = [self._new_worker() for _ in range(WORKERS)]

    def run(self, step: Coroutine[Any, Any, None]) -> None:
        self.stage.runner.run(step)

    def _new_worker(self) -> WorkerSteps:
        return WorkerSteps(self.resources, f"worker-{next(self.stage.numbers)}")

    @initialize()
    def two_requests_and_everybody_is_there(self) -> None:
        for insurers in (INSURERS, INSURERS[:2]):
            self.accept(list(insurers), is_enqueued=True, is_watched=True)
        for worker in self.workers:
            self.run(worker.beat())
            self.run(worker.read())

    @precondition(lambda self: len(self.requests) < REQUESTS_MAX)
    @rule(insurers=st.lists(st.sampled_from(INSURERS), min_size=1, unique=True), is_enqueued=likely, is_watched=likely)
    def accept(self, insurers: list[str], *, is_enqueued: bool, is_watched: bool) -> None:
        self.run(self._accept(tuple(insurers)))
        if is_enqueued:
            self.run(self._enqueue(self.requests[-1], reply_lost=False))
        if not is_watched:
            self.run(self.followers[-1].leave())

    async def _accept(self, insurers: tuple[str, ...]) -> None:
        now = self.resources.clock.now()
        expires_at = now + timedelta(seconds=DEADLINE_S)
        request = a_request(*insurers, id=uuid7(now), created_at=now, expires_at=expires_at)
        async with connected(self.resources.pool) as connection:
            sealed = self.resources.cipher.seal(request.id, b"{}")
            await insert_requests(connection, [NewRequest(request, insurers_chosen=False, application=sealed)])
        self.requests.append(request)
        self.followers.append(Follower(self.live, request.id))

    @precondition(lambda self: self.requests)
    @rule(which=some, reply_lost=unlikely)
    def enqueue(self, which: int, *, reply_lost: bool) -> None:
        """The fast path, at once, late, or again."""
        self.run(self._enqueue(self.requests[which % len(self.requests)], reply_lost=reply_lost))

    async def _enqueue(self, request: QuoteRequest, *, reply_lost: bool) -> None:
        await self.resources.jobs.enqueue([Enqueued(request.id, request.insurers, request.expires_at)])
        if not reply_lost:
            async with connected(self.resources.pool) as connection:
                await delete_notices(connection, [Notice(request.id, Kind.ACCEPTED)])

    @rule(kind=st.sampled_from(["relay", "recovery", "sweeper"]))
    def keep_house(self, kind: str) -> None:
        match kind:
            case "relay":
                self.run(outbox_relay.relay_once(self.resources))
            case "recovery":
                self.run(recover(self.resources, 0, older_than=timedelta(0)))
            case _:
                self.run(self.resources.ending.sweep())

    @rule(who=some, beats=likely, own=unlikely, reply_lost=unlikely)
    def read(self, who: int, *, beats: bool, own: bool, reply_lost: bool) -> None:
        worker = self.workers[who % WORKERS]
        if beats:
            self.run(worker.beat())
        self.run(worker.read(own=own, reply_lost=reply_lost))

    @rule(who=some, which=st.lists(some, min_size=1, max_size=3), is_published=st.booleans(), reply_lost=unlikely)
    def settle(self, who: int, which: list[int], *, is_published: bool, reply_lost: bool) -> None:
        """Commits some answers; publishes them now, or later, or never."""
        worker = self.workers[who % WORKERS]
        for one in which:
            if worker.held:
                self.run(worker.commit(*list(worker.held)[one % len(worker.held)]))
        if is_published:
            self.run(worker.publish(reply_lost=reply_lost))

    @rule(who=some, which=some)
    def hand_back(self, who: int, which: int) -> None:
        worker = self.workers[who % WORKERS]
        if worker.held:
            insurer, entry = list(worker.held)[which % len(worker.held)]
            delivery, _ = worker.held.pop((insurer, entry))
            self.run(self.resources.jobs.hand_back(0, insurer, worker.consumer, {entry: delivery.deliveries - 1}))

    @rule(who=some, which=some)
    def settle_one(self, who: int, which: int) -> None:
        self.settle(who, [which], is_published=True, reply_lost=False)

    @rule(who=some, what=st.sampled_from(["dies", "takes over", "flush", "cancel", "5 s", "11 s", "the deadline"]))
    def fault(self, who: int, what: str) -> None:
        match what:
            case "dies":  # with everything that it holds, including what is committed and not published
                self.run(self.workers[who % WORKERS].close())
                self.workers[who % WORKERS] = self._new_worker()
            case "takes over":
                self.run(self._take_over(self.workers[who % WORKERS]))
            case "flush":
                self.run(self.redis.flushdb())
            case "cancel":
                self.run(self._cancel(self.requests[who % len(self.requests)].id))
            case _:
                self.resources.clock._offset_s += {"5 s": 5, "11 s": 11}.get(what, DEADLINE_S)

    async def _take_over(self, worker: WorkerSteps) -> None:
        """All leases expire; the worker's first beat finds itself dead, the second one the others."""
        await asyncio.sleep(LEASE_S * 1.5)
        await worker.beat()
        await worker.beat()

    async def _cancel(self, request_id: UUID) -> None:
        await self.resources.ending.complete([request_id], Outcome.CANCELLED)

    @precondition(lambda self: self.requests)
    @rule(which=some, comes=st.booleans())
    def follow(self, which: int, *, comes: bool) -> None:
        self.run(self._follow(self.followers[which % len(self.followers)], comes=comes))

    async def _follow(self, follower: Follower, *, comes: bool) -> None:
        if comes:
            follower.come_back()
            await asyncio.sleep(0.002)
        else:
            await follower.leave()

    @invariant()
    def everything_is_there_once_and_the_end_last(self) -> None:
        """Jobs and events, as far as Redis still knows of them."""
        if self.requests:
            self.run(self._published_once())

    async def _published_once(self) -> None:
        ids, streams = [request.id for request in self.requests], self.resources.events
        news = await streams.read([streams.beginning(id_) for id_ in ids])
        async with connected(self.resources.pool) as connection:
            stored = await read_requests(connection, ids)
        for id_, events in zip(ids, news, strict=True):
            published = {quote.insurer_id: quote.quote(id_) for quote in events.quotes}
            assert len(published) == len(events.quotes), "an answer is published twice"
            assert published.items() <= stored[id_].quotes.items(), (
                "something is published that PostgreSQL does not know"
            )
            entries = await self.redis.xrange(keys.events(0, id_), min="-", max="+", count=100)
            ends = [place for place, (_, fields) in enumerate(entries) if "end" in fields]
            assert ends in ([], [len(entries) - 1]), "something comes after the end"
        for insurer in INSURERS:
            entries = await self.redis.xrange(keys.jobs(0, insurer), min="-", max="+", count=100)
            jobs = [fields["request"] for _, fields in entries]
            assert len(jobs) == len(set(jobs)), "a job is there twice"

    def teardown(self) -> None:
        try:
            self.run(self._come_to_rest())
            self.run(self._nothing_is_missing())
            self.run(self._nothing_is_left())
        finally:
            self.run(self._leave())

    async def _come_to_rest(self) -> None:
        """All workers die; one new worker starts, and clients reconnect."""
        for worker in self.workers:
            await worker.close()
        self.workers = [self._new_worker()]
        last = self.workers[0]
        await last.beat()
        await asyncio.sleep(LEASE_S * 1.5)
        for follower in self.followers:
            follower.come_back()
        for _ in range(TURNS_MAX):
            await last.beat()
            await outbox_relay.relay_once(self.resources)
            await recover(self.resources, 0, older_than=timedelta(0))
            await self.resources.ending.sweep()
            await last.read()
            for insurer, entry in list(last.held):
                await last.commit(insurer, entry)
            await last.publish(reply_lost=False)
            if all(follower.task.done() for follower in self.followers) and not await self._left_in_streams():
                return
            await asyncio.sleep(0.005)

    async def _left_in_streams(self) -> int:
        return sum([await self.redis.xlen(keys.jobs(0, insurer)) for insurer in INSURERS])

    async def _nothing_is_missing(self) -> None:
        async with connected(self.resources.pool) as connection:
            stored = await read_requests(connection, [request.id for request in self.requests])
        for request, follower in zip(self.requests, self.followers, strict=True):
            known = stored[request.id]
            assert known.ending, "a request was never ended"
            assert set(known.quotes) == set(request.insurers)
            async with asyncio.timeout(60):
                await follower.task
            assert sorted(follower.insurers) == sorted(request.insurers)
            assert follower.quotes == {id_: self._with_link(quote) for id_, quote in known.quotes.items()}
            assert follower.outcomes == [known.ending.outcome]
            assert Cursor.decode(follower._after or "", request.id, request.insurers).ended

    def _with_link(self, quote: Quote) -> Quote:
        """PostgreSQL has the link sealed, the customer has it open."""
        if not isinstance(quote.answer, Offer):
            return quote
        return replace(quote, answer=self.resources.links.opened(quote.request_id, quote.answer))

    async def _nothing_is_left(self) -> None:
        async with connected(self.resources.pool) as connection:
            assert await connection.fetchval("SELECT count(*) FROM osago_outbox") == 0
        for insurer in INSURERS:
            assert await self.redis.xlen(keys.jobs(0, insurer)) == 0
            for group in await self.redis.xinfo_groups(keys.jobs(0, insurer)):
                assert group["pending"] == 0
        assert await self.stage.redis.keys_without_ttl() == []
        assert self.live.subscriptions == 0

    async def _leave(self) -> None:
        for follower in self.followers:
            await follower.leave()
        for worker in self.workers:
            await worker.close()


def _run(world: World, monkeypatch: pytest.MonkeyPatch, **limits: Any) -> None:
    monkeypatch.setattr(outbox_relay, "LEFT_FOR", timedelta(0))
    monkeypatch.setattr(hub, "LOOK_EVERY_S", 0.1)
    monkeypatch.setattr(hub, "POLL_EVERY_S", 0.1)
    world.write_insurers(*INSURERS)
    stage = Stage(world)
    monkeypatch.setattr(Interleavings, "stage", stage, raising=False)
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    try:
        run_state_machine_as_test(
            Interleavings, settings=settings(deadline=None, suppress_health_check=checks, database=None, **limits)
        )
        stage.runner.run(stage.close())
    finally:
        stage.runner.close()


def test_in_any_order_nothing_is_lost_and_nothing_doubled(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few dozen orders of a few dozen steps, the same ones each time; a failing order is reported unshrunk."""
    _run(world, monkeypatch, max_examples=20, stateful_step_count=50, derandomize=True, phases=[Phase.generate])


@pytest.mark.long
@pytest.mark.timeout(900)
def test_in_any_order_at_length(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis tries hundreds of orders."""
    _run(world, monkeypatch, max_examples=300, stateful_step_count=80, print_blob=True)
