"""What sweeps up after a crash: the relay, the recovery, the sweeper."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace
from support.quotes import a_quote, a_request
from support.servers import RedisAtHand
from support.world import World

from app.domain.quote import Outcome, QuoteRequest, QuoteStatus
from app.postgres.cipher import Sealed
from app.postgres.database import connected
from app.postgres.quote_rows import insert_quotes
from app.postgres.request_rows import NewRequest, insert_requests, read_requests
from app.redis import keys
from app.resources import Resources
from workers.maintenance.outbox_relay import relay_once
from workers.maintenance.redis_recovery import RedisRecovery


@pytest.fixture
async def resources(world: World) -> Resources:
    world.write_insurers("sever", "volga")
    return await world.resources()


async def stored(resources: Resources, *insurers: str, age_s: float = 2, **changes: object) -> QuoteRequest:
    """A request as a crash leaves it: committed, and nothing more."""
    now = resources.clock.now() - timedelta(seconds=age_s)
    request = replace(a_request(*insurers), **{"created_at": now, "expires_at": now + timedelta(seconds=60), **changes})
    async with connected(resources.pool) as connection:
        await insert_requests(connection, [NewRequest(request, insurers_chosen=False, application=Sealed("k1", b""))])
    return request


async def read(resources: Resources, request: QuoteRequest) -> QuoteRequest:
    async with connected(resources.pool) as connection:
        return (await read_requests(connection, [request.id]))[request.id]


async def waiting(redis: RedisAtHand, insurer: str) -> list[str]:
    return [fields["request"] for _, fields in await redis.client.xrange(keys.jobs(0, insurer))]


async def test_the_relay_adds_the_jobs_that_the_fast_path_left(world: World, resources: Resources) -> None:
    """Only notices older than a second count; jobs with an answer are left out."""
    old, young = await stored(resources, "sever", "volga"), await stored(resources, "sever", age_s=0)
    async with connected(resources.pool) as connection:
        await insert_quotes(connection, [a_quote(old, "volga")])
    await relay_once(resources)
    assert await waiting(world.redis, "sever") == [str(old.id)]
    assert await waiting(world.redis, "volga") == []
    left = await world.database.fetch("SELECT request_id FROM osago_outbox")
    assert [row["request_id"] for row in left] == [young.id]


async def test_the_relay_publishes_an_end_that_was_not_published(world: World, resources: Resources) -> None:
    """Every quote of the request, then the end."""
    request = await stored(resources, "sever")
    async with connected(resources.pool) as connection:
        await insert_quotes(connection, [a_quote(request, "sever")])
    await resources.ending.commit([request.id], Outcome.ALL_ANSWERED)
    await world.database.fetch("UPDATE osago_outbox SET created_at = created_at - interval '5 s'")
    await relay_once(resources)
    [events] = await resources.events.read([resources.events.beginning(request.id)])
    assert [quote.insurer_id for quote in events.quotes] == ["sever"]
    assert events.ending is not None
    assert await world.database.fetch("SELECT 1 FROM osago_outbox") == []


async def test_quotes_that_redis_has_lost_are_read_for_the_end(world: World, resources: Resources) -> None:
    """A settler publishes an end without its quotes, because nearly always Redis has them."""
    request = await stored(resources, "sever", "volga")
    async with connected(resources.pool) as connection:
        await insert_quotes(connection, [a_quote(request, insurer) for insurer in request.insurers])
        heads = await resources.ending.commit_full(connection, [request.id])
    assert [head.quotes for head in heads] == [{}]
    await resources.ending.publish(heads)
    events = (await resources.events.read([resources.events.beginning(request.id)]))[0]
    assert {quote.insurer_id for quote in events.quotes} == {"sever", "volga"}
    assert events.ending is not None
    assert await world.database.fetch("SELECT 1 FROM osago_outbox WHERE kind = 'COMPLETED'") == []


async def test_two_relays_at_once_double_nothing(world: World, resources: Resources) -> None:
    """They take no locks: publishing twice changes nothing."""
    requests = [await stored(resources, "sever") for _ in range(20)]
    await asyncio.gather(*(relay_once(resources) for _ in range(4)))
    assert sorted(await waiting(world.redis, "sever")) == sorted(str(request.id) for request in requests)


async def test_recovery_enqueues_every_open_request_again(world: World, resources: Resources) -> None:
    """The jobs are those of insurers that have not answered, of requests that neither ended nor expired."""
    open_, expired = await stored(resources, "sever", "volga"), await stored(resources, "sever", age_s=90)
    async with connected(resources.pool) as connection:
        await insert_quotes(connection, [a_quote(open_, "volga")])
    recovery = RedisRecovery(resources)
    await recovery.call(0)
    await recovery.run_once()
    assert await waiting(world.redis, "sever") == [str(open_.id)]
    assert await waiting(world.redis, "volga") == []
    assert expired.id


async def test_now_and_then_recovery_looks_at_what_has_been_open_for_long(world: World, resources: Resources) -> None:
    """It runs without being called, and reads only requests older than ten seconds."""
    old, _young = await stored(resources, "sever", age_s=11), await stored(resources, "sever", age_s=5)
    await RedisRecovery(resources).run_once()
    assert await waiting(world.redis, "sever") == [str(old.id)]


async def test_recovery_ends_what_its_last_settler_left_open(resources: Resources) -> None:
    """Every insurer has answered, and the worker that should have ended it is dead."""
    request = await stored(resources, "sever", age_s=11)
    async with connected(resources.pool) as connection:
        await insert_quotes(connection, [a_quote(request, "sever")])
    await RedisRecovery(resources).run_once()
    ending = (await read(resources, request)).ending
    assert ending is not None
    assert ending.outcome is Outcome.ALL_ANSWERED


async def test_the_sweeper_ends_what_is_overdue(resources: Resources) -> None:
    """What is missing is timed out, what was answered stays; what has time is left alone."""
    overdue, fine = await stored(resources, "sever", "volga", age_s=61), await stored(resources, "sever")
    async with connected(resources.pool) as connection:
        await insert_quotes(connection, [a_quote(overdue, "volga")])
    await resources.ending.sweep()
    ended = await read(resources, overdue)
    assert ended.ending is not None
    assert ended.ending.outcome is Outcome.DEADLINE
    assert {insurer: quote.status for insurer, quote in ended.quotes.items()} == {
        "sever": QuoteStatus.TIMED_OUT,
        "volga": QuoteStatus.OFFERED,
    }
    assert (await read(resources, fine)).ending is None


async def test_an_overdue_request_with_all_answers_ends_as_answered(resources: Resources) -> None:
    """The outcome depends on the answers, not on the process that ends the request."""
    request = await stored(resources, "sever", age_s=61)
    async with connected(resources.pool) as connection:
        await insert_quotes(connection, [a_quote(request, "sever")])
    await resources.ending.sweep()
    ending = (await read(resources, request)).ending
    assert ending is not None
    assert ending.outcome is Outcome.ALL_ANSWERED
