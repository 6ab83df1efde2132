"""From a settled quote to another company's webhook, over real servers."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.quotes import an_offer
from support.receiver import SECRETS, bridged, webhook_receiver, webhook_table
from support.until import until
from support.world import ApiAtHand, SettlerAtHand, World

from app.runtime.supervision import failures_of
from bridge.lease import DestinationLease

INSURERS = ("sever", "volga", "ural")


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRETS", ",".join(SECRETS))


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers(*INSURERS)
    return await world.api()


async def accepted(world: World, api: ApiAtHand, count: int) -> list[dict[str, Any]]:
    return list(await asyncio.gather(*(world.accepted(api) for _ in range(count))))


def wanted(requests: list[dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    return {one["quoteRequest"]["id"]: INSURERS for one in requests}


async def test_what_happens_to_the_feed_and_to_the_receiver_loses_nothing(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """Events before the start, while it runs, over a flush, over an outage of the receiver, and after a bridge that died: each arrives, in order."""
    requests = await accepted(world, api, 6)
    first, second, third = requests[:2], requests[2:4], requests[4:]
    await asyncio.gather(*(settler.settle(one, *INSURERS) for one in first))
    async with webhook_receiver() as receiver:
        table = webhook_table(receiver.url)
        async with bridged(world, table):
            await until(lambda: receiver.book.has(wanted(first)))
            await asyncio.gather(*(settler.settle(one, "sever") for one in second))
            await until(lambda: receiver.book.arrivals >= 10)
            receiver.answer = lambda _: 503
            await asyncio.gather(*(settler.settle(one, "volga", "ural") for one in second))
            await world.redis.client.flushdb()  # with what the bridge has not read yet
            receiver.answer = lambda _: 200
            await until(lambda: receiver.book.has(wanted(second)))
        await asyncio.gather(*(settler.settle(one, *INSURERS) for one in third))
        await world.redis.client.flushdb()
        async with bridged(world, table):
            await until(lambda: receiver.book.has(wanted(requests)))
    assert receiver.book.is_in_order()
    assert receiver.at_once_max == 1, "two events of one request were under way at once"
    assert receiver.refused == 0


async def test_events_hold_no_link_and_nothing_of_the_application(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """The rule holds for events from the feed and for events from PostgreSQL."""
    marker = "MARKER-OF-A-LINK"
    answer = an_offer(purchase_url=f"https://sever.example/buy/{marker}")
    async with webhook_receiver() as receiver, bridged(world, webhook_table(receiver.url)):
        for number in range(2):
            request = await world.accepted(api, customerId="MARKER-CUSTOMER", clientReference=f"MARKER-{number}")
            await settler.settle(request, *INSURERS, answer=answer)
            if number:
                await world.redis.client.flushdb()
            await until(lambda request=request: receiver.book.has(wanted([request])))
    text = "\n".join(receiver.book.texts)
    person = world.new_request()["application"]["policyholder"]
    values = [value for value in _texts(person) if len(value) > 3]
    assert values
    assert [value for value in [*values, "MARKER", "purchaseUrl", "sealedUrl"] if value in text] == []


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    return [value] if isinstance(value, str) else []


async def test_an_event_that_a_working_receiver_refuses_is_kept_for_an_operator(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """It keeps no other event waiting; an operator's retry delivers it. A receiver that refuses everything loses nothing."""
    request, other = await accepted(world, api, 2)
    refused = f"{request['quoteRequest']['id']}:sever"
    async with webhook_receiver() as receiver:
        receiver.answer = lambda _: 500
        async with bridged(world, webhook_table(receiver.url)):
            await settler.settle(request, *INSURERS)
            await until(lambda: sum(receiver.at_once.values()) == 0 and len(receiver.at_once) == 1)
            receiver.answer = lambda id_: 500 if id_ == refused else 200
            await settler.settle(other, *INSURERS)
            await until(lambda: receiver.book.has(wanted([other])))
            await until(lambda: len(receiver.book.by_request[request["quoteRequest"]["id"]]) == 3)
            (letter,) = await world.database.fetch("SELECT * FROM osago_bridge_dead_letters")
            assert (letter["event_id"], letter["reason"]) == (refused, "answered 500")
            receiver.answer = lambda _: 200
            await world.database.fetch("UPDATE osago_bridge_dead_letters SET is_retried = true")
            await until(lambda: refused in receiver.book.events)
            await until(lambda: _is_empty(world))


async def _is_empty(world: World) -> bool:
    return not await world.database.fetch("SELECT FROM osago_bridge_dead_letters")


async def test_a_fault_in_its_own_loop_is_counted_and_it_goes_on(
    world: World, api: ApiAtHand, settler: SettlerAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a part as the others are, and ends the process no more than they do."""
    take, faults = DestinationLease.take, [RuntimeError("permission denied")]

    async def broken(self: DestinationLease) -> bool:
        if faults:
            raise faults.pop()
        return await take(self)

    monkeypatch.setattr(DestinationLease, "take", broken)
    before = failures_of("bridge")._value.get()
    requests = await accepted(world, api, 1)
    async with webhook_receiver() as receiver, bridged(world, webhook_table(receiver.url)):
        await settler.settle(requests[0], *INSURERS)
        await until(lambda: receiver.book.has(wanted(requests)))
    assert failures_of("bridge")._value.get() == before + 1


async def test_one_bridge_serves_a_destination_and_another_takes_over(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """It takes over at once when the first one leaves; what that one delivered is not delivered again."""
    first, second = await accepted(world, api, 2)
    async with webhook_receiver() as receiver:
        table = webhook_table(receiver.url)
        async with bridged(world, table) as serving:
            await until(lambda: serving._carrying)
            async with bridged(world, table) as standing:
                await settler.settle(first, *INSURERS)
                await until(lambda: receiver.book.has(wanted([first])))
                assert standing._carrying is None
                serving._lease.lost.set()
                await until(lambda: standing._carrying or serving._carrying)
                await settler.settle(second, *INSURERS)
                await until(lambda: receiver.book.has(wanted([second])))
    assert receiver.book.arrivals == 8


async def test_a_receiver_that_is_away_fills_the_buffer_and_no_more(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """The feed is read no further; when the receiver is back all is delivered."""
    requests = await accepted(world, api, 5)
    async with webhook_receiver() as receiver:
        receiver.gate.clear()
        async with bridged(world, webhook_table(receiver.url, "buffer = 4", "in_flight = 2")) as bridge:
            await asyncio.gather(*(settler.settle(one, *INSURERS) for one in requests))
            await until(lambda: bridge._carrying and sum(receiver.at_once.values()) == 2)
            receiver.gate.set()
            await until(lambda: receiver.book.has(wanted(requests)))
    assert receiver.book.is_in_order()


@pytest.mark.parametrize("status", [302, 404])
async def test_a_redirect_is_not_followed(world: World, api: ApiAtHand, settler: SettlerAtHand, status: int) -> None:
    """An answer that is not 200 to 299 takes nothing; the receiver is asked again."""
    (request,) = await accepted(world, api, 1)
    asked: list[str] = []

    def once(id_: str) -> int:
        asked.append(id_)
        return 200 if asked.count(id_) > 1 else status

    async with webhook_receiver() as receiver:
        receiver.answer = once
        async with bridged(world, webhook_table(receiver.url)):
            await settler.settle(request, *INSURERS)
            await until(lambda: receiver.book.has(wanted([request])))
    assert len(asked) == 8


async def test_a_receiver_changes_from_one_secret_to_the_next(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """Both are valid at once: each request carries a signature by each."""
    first, second = await accepted(world, api, 2)
    async with webhook_receiver() as receiver, bridged(world, webhook_table(receiver.url)):
        for secret, request in zip(SECRETS, (first, second), strict=True):
            receiver.secret = secret
            await settler.settle(request, *INSURERS)
            await until(lambda request=request: receiver.book.has(wanted([request])))
    assert receiver.refused == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_a_private_address_is_not_called(world: World, api: ApiAtHand, settler: SettlerAtHand, host: str) -> None:
    """The address, of a number or of a name, is checked when the socket is opened; no event is given up for it."""
    (request,) = await accepted(world, api, 1)
    async with webhook_receiver() as receiver:
        url = receiver.url.replace("127.0.0.1", host)
        table = webhook_table(url).replace('"127.0.0.0/8"', '"10.0.0.0/8"')
        with capture_logs() as logs:
            async with bridged(world, table):
                await settler.settle(request, *INSURERS)
                await until(lambda: any("is not public" in str(line.get("why")) for line in logs), seconds=20)
        assert (receiver.book.arrivals, receiver.refused) == (0, 0)
    assert await _is_empty(world)
