"""The statements that everything rests on."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from support.quotes import NOW, a_quote, a_refusal, a_request, an_offer
from support.servers import Database

from app.domain.errors import Unavailable
from app.domain.quote import Ending, Outcome, QuoteRequest
from app.postgres.cipher import Sealed
from app.postgres.database import Pool, connected, open_pool, reading, transaction
from app.postgres.outbox import Kind, Notice, delete_notices, notices_until, oldest_notice
from app.postgres.quote_rows import insert_quotes, missing_quotes, read_quotes, read_work
from app.postgres.request_rows import (
    NewRequest,
    end_full_requests,
    end_requests,
    find_repeated,
    insert_requests,
    lock_open,
    open_requests,
    overdue_requests,
    read_progress,
    read_requests,
)
from app.postgres.servers.hanging_up import hang_up
from app.runtime.group_commit import DataRefused
from app.runtime.supervision import run_parts
from workers.lanes.application_loader import ApplicationLoader

SEALED = Sealed("k1", b"sealed")


@pytest.fixture
async def pool(database: Database) -> AsyncGenerator[Pool, None]:
    opened = await open_pool(database.url, connections=4)
    yield opened
    opened.terminate()


async def accept(pool: Pool, *requests: QuoteRequest, chosen: bool = False) -> set[UUID]:
    async with connected(pool) as connection:
        lost = await insert_requests(connection, [NewRequest(request, chosen, SEALED) for request in requests])
    return {request.id for request in requests} - lost


async def read(pool: Pool, request: QuoteRequest) -> QuoteRequest:
    async with connected(pool) as connection:
        return (await read_requests(connection, [request.id]))[request.id]


@pytest.mark.parametrize("borrow", [reading, connected])
async def test_a_connection_closed_within_a_statement_is_a_server_that_is_away(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, borrow: Callable[[Pool], AbstractAsyncContextManager[Any]]
) -> None:
    """Between two steps of a statement asyncpg looks for the protocol that a closed connection has no more."""
    prepare = getattr(asyncpg.Connection, "_get_statement")  # noqa: B009 - the step before the one that fails, in no stub

    async def prepare_and_close(connection: Any, *args: Any, **options: Any) -> object:
        statement = await prepare(connection, *args, **options)
        hang_up([connection])
        return statement

    async def read_and_close() -> None:
        with monkeypatch.context() as patch:
            async with borrow(pool) as connection:
                patch.setattr(asyncpg.Connection, "_get_statement", prepare_and_close)
                await connection.fetchval("SELECT 1")

    with pytest.raises(Unavailable):
        await read_and_close()


@pytest.mark.parametrize("borrow", [reading, connected])
async def test_a_fault_of_our_own_beside_a_connection_stays_one(
    pool: Pool, borrow: Callable[[Pool], AbstractAsyncContextManager[Any]]
) -> None:
    """An AttributeError on an open connection is not PostgreSQL's."""

    async def fail() -> None:
        async with borrow(pool) as connection:
            assert connection.is_closed().missing

    with pytest.raises(AttributeError):
        await fail()


async def test_a_request_comes_back_as_it_was_with_its_notice(pool: Pool) -> None:
    """Stored with its outbox row, in one statement."""
    request = a_request("sever", "volga", client_reference="ref-1")
    assert await accept(pool, request) == {request.id}
    assert await read(pool, request) == request
    async with connected(pool) as connection:
        assert await notices_until(connection, NOW, most=10) == [Notice(request.id, Kind.ACCEPTED)]
        assert await oldest_notice(connection) == NOW


async def test_a_client_reference_is_taken_once_per_tenant(pool: Pool) -> None:
    """Also within one batch; requests without a reference never conflict."""
    first, again = a_request(client_reference="ref-1"), a_request(client_reference="ref-1")
    other = a_request(client_reference="ref-1", tenant="another")
    assert await accept(pool, first, again, other, a_request(), a_request()) >= {first.id, other.id}
    assert await accept(pool, again) == set()
    async with connected(pool) as connection:
        found = await find_repeated(connection, [("core-app", "ref-1"), ("core-app", "ref-2")])
    assert {key: repeated.request.id for key, repeated in found.items()} == {("core-app", "ref-1"): first.id}
    assert found["core-app", "ref-1"].application == SEALED


async def test_two_that_arrive_at_once_are_one(pool: Pool) -> None:
    """The second waits for the first to be committed, and then sees it."""
    requests = [a_request(client_reference="ref-1") for _ in range(8)]
    accepted = await asyncio.gather(*(accept(pool, request) for request in requests))
    assert sum(map(len, accepted)) == 1


async def test_a_slot_is_settled_once(pool: Pool) -> None:
    """The first answer stands; a second one changes nothing."""
    request = a_request("sever", "volga")
    await accept(pool, request)
    first, second = a_quote(request, "sever"), a_quote(request, "sever", a_refusal())
    async with connected(pool) as connection:
        assert await insert_quotes(connection, [first]) == {(request.id, "sever")}
        assert await insert_quotes(connection, [second, a_quote(request, "volga", a_refusal())]) == {
            (request.id, "volga")
        }
        assert (await read_quotes(connection, [(request.id, "sever")])) == {(request.id, "sever"): first}
    assert (await read(pool, request)).quotes["sever"] == first


async def test_batches_in_opposite_order_do_not_deadlock(pool: Pool) -> None:
    """Both are sorted by key before they touch a row."""
    requests = [a_request("sever", "volga") for _ in range(50)]
    await accept(pool, *requests)
    quotes = [a_quote(request, insurer) for request in requests for insurer in request.insurers]

    async def settle(batch: Sequence[object]) -> None:
        async with connected(pool) as connection:
            await insert_quotes(connection, list(batch))  # type: ignore[arg-type]

    await asyncio.gather(*(settle(quotes[::step]) for step in (1, -1, 1, -1)))
    assert len((await read(pool, requests[0])).quotes) == 2


async def test_what_is_missing_and_what_is_full(pool: Pool) -> None:
    """A request is full when every insurer that it was accepted with has answered; it is ended then, and once."""
    half, full = a_request("sever", "volga"), a_request("sever")
    await accept(pool, half, full)
    async with connected(pool) as connection:
        await insert_quotes(connection, [a_quote(half, "sever"), a_quote(full, "sever")])
        ended, _ = await end_full_requests(connection, [half.id, full.id], NOW)
        assert ended == [msgspec.structs.replace(full, ending=Ending(Outcome.ALL_ANSWERED, NOW))]
        assert await end_full_requests(connection, [half.id, full.id], NOW) == ([], [])
        assert Notice(full.id, Kind.COMPLETED) in await notices_until(connection, NOW, most=10)
        assert await missing_quotes(connection, [half.id, full.id]) == [(half.id, "volga")]
        assert await read_progress(connection, [half.id]) == {half.id: (1, False)}


async def test_of_two_that_end_a_full_request_the_later_one_finds_it_ended(pool: Pool) -> None:
    """The first end and its outcome stand; one notice is written for it."""
    request = a_request("sever")
    await accept(pool, request)
    async with connected(pool) as connection:
        await insert_quotes(connection, [a_quote(request, "sever")])

    async def end() -> list[QuoteRequest]:
        async with connected(pool) as connection:
            return (await end_full_requests(connection, [request.id], NOW))[0]

    async with transaction(pool) as connection:
        await lock_open(connection, [request.id])
        ending = asyncio.create_task(end())
        await end_requests(connection, {request.id: Outcome.DEADLINE}, NOW)
    assert await ending == []
    assert (await read(pool, request)).ending == Ending(Outcome.DEADLINE, NOW)


async def test_ending_waits_for_a_quote_that_is_being_settled(pool: Pool) -> None:
    """FOR UPDATE on the request excludes a quote's foreign key: no quote is left out, and none is added later."""
    request = a_request("sever")
    await accept(pool, request)
    locking = asyncio.Event()

    async def end() -> list[tuple[UUID, str]]:
        async with transaction(pool) as connection:
            locking.set()
            await lock_open(connection, [request.id])
            return await missing_quotes(connection, [request.id])

    async with transaction(pool) as connection:
        await insert_quotes(connection, [a_quote(request, "sever")])
        ending = asyncio.create_task(end())
        await locking.wait()
    assert await ending == []


async def test_an_end_is_written_with_its_notice_and_leaves_the_open_ones(pool: Pool) -> None:
    """Overdue requests are found until they have ended."""
    request = a_request("sever")
    await accept(pool, request)
    async with connected(pool) as connection:
        assert await overdue_requests(connection, NOW + timedelta(seconds=59), most=10) == []
        assert await overdue_requests(connection, request.expires_at, most=10) == [request.id]
        await end_requests(connection, {request.id: Outcome.DEADLINE}, request.expires_at)
        assert await overdue_requests(connection, request.expires_at, most=10) == []
        assert await lock_open(connection, [request.id]) == []
        assert Notice(request.id, Kind.COMPLETED) in await notices_until(connection, request.expires_at, most=10)
        await delete_notices(connection, [Notice(request.id, kind) for kind in Kind])
        assert await oldest_notice(connection) is None
    ending = (await read(pool, request)).ending
    assert ending is not None
    assert (ending.outcome, ending.completed_at) == (Outcome.DEADLINE, request.expires_at)


async def test_open_requests_come_in_pages_with_what_they_lack(pool: Pool) -> None:
    """The pages have neither ended nor expired requests; each request has the insurers that have not answered."""
    requests = sorted((a_request("sever", "volga") for _ in range(5)), key=lambda request: request.id)
    expired, young = a_request(expires_at=NOW), a_request(created_at=NOW + timedelta(seconds=50))
    await accept(pool, *requests, expired, young)
    async with connected(pool) as connection:
        await insert_quotes(connection, [a_quote(requests[0], "volga")])
        pages, after = [], UUID(int=0)
        while page := await open_requests(connection, expire_after=NOW, created_until=NOW, after=after, most=2):
            pages.append(page)
            after = page[-1].id
    assert [[one.id for one in page] for page in pages] == [
        [request.id for request in requests[n : n + 2]] for n in (0, 2, 4)
    ]
    assert pages[0][0].missing == ("sever",)


async def test_a_lane_reads_all_that_it_needs_at_once(pool: Pool) -> None:
    """The sealed application, the deadline, whether it has ended, and its own quote if there is one."""
    fresh, settled = a_request("sever", "volga"), a_request("sever")
    await accept(pool, fresh, settled)
    async with connected(pool) as connection:
        await insert_quotes(connection, [a_quote(settled, "sever"), a_quote(fresh, "volga")])
        works = await read_work(connection, "sever", [fresh.id, settled.id, a_request().id])
    assert works.keys() == {fresh.id, settled.id}
    assert works[fresh.id].settled is None
    assert works[fresh.id].application == SEALED
    assert works[settled.id].settled == a_quote(settled, "sever")


async def test_all_lanes_of_a_worker_read_together(pool: Pool) -> None:
    """Each lane gets what it would read alone: its own quote, and no answer of another insurer."""
    fresh, settled, unknown = a_request("sever", "volga"), a_request("sever"), a_request()
    await accept(pool, fresh, settled)
    async with connected(pool) as connection:
        await insert_quotes(connection, [a_quote(settled, "sever"), a_quote(fresh, "volga")])
        alone = {
            insurer: await read_work(connection, insurer, [fresh.id, settled.id]) for insurer in ("sever", "volga")
        }
    loading = ApplicationLoader(pool)
    async with run_parts(loading.parts()):
        reads = [loading.read(insurer, [fresh.id, settled.id, unknown.id]) for insurer in alone]
        assert await asyncio.gather(*reads) == list(alone.values())


async def test_money_is_kept_to_the_kopeck_and_moments_to_the_microsecond(pool: Pool) -> None:
    """What comes back is what went in."""
    request = a_request("sever")
    await accept(pool, request)
    quote = replace(a_quote(request, "sever", an_offer("0.10")), received_at=NOW)
    async with connected(pool) as connection:
        await insert_quotes(connection, [quote])
    assert (await read(pool, request)).quotes == {"sever": quote}


async def test_a_quote_of_no_request_is_refused_for_its_data(pool: Pool) -> None:
    """The others of its batch can then be stored without it."""
    with pytest.raises(DataRefused):
        async with connected(pool) as connection:
            await insert_quotes(connection, [a_quote(a_request(), "sever")])


async def test_a_database_that_is_not_there_is_reported_at_once() -> None:
    """The error says what a caller may do."""
    pool = await open_pool("postgresql://osago@127.0.0.1:1/osago", connections=2)
    with pytest.raises(Unavailable):
        async with connected(pool):
            pass
    pool.terminate()
