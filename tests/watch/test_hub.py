"""The push: every answer once, then the end, over any fault in between."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from support.quotes import a_refusal, an_offer
from support.socket import Socket, opened
from support.stalls import machine_stall, within
from support.until import until
from support.world import ApiAtHand, SettlerAtHand, World

from app.redis import keys
from app.watch.hub import SILENT_GATHER_S

INSURERS = ("sever", "volga", "zarya")


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers(*INSURERS)
    return await world.api()


async def watching(socket: Socket, accepted: dict[str, Any], after: str | None = None) -> Socket:
    await socket.init(accepted["watchToken"])
    await socket.watch(accepted["quoteRequest"]["id"], after)
    return socket


async def rest(socket: Socket) -> list[dict[str, Any]]:
    """Every event up to the end, after which the stream completes."""
    events: list[dict[str, Any]] = []
    while not events or events[-1]["__typename"] != "QuotesCompleted":
        events.append(await socket.event())
    assert (await socket.receive())["type"] == "complete"
    return events


def insurers_in(events: Sequence[dict[str, Any]]) -> list[str]:
    return [event["quote"]["insurer"]["id"] for event in events if event["__typename"] == "QuoteReceived"]


async def test_each_answer_arrives_the_moment_it_is_there(world: World, api: ApiAtHand, settler: SettlerAtHand) -> None:
    """The event has the progress; the last event is the end, with the best offer."""
    accepted = await world.accepted(api)
    async with opened(api.graphql) as raw:
        socket = await watching(raw, accepted)
        for number, (insurer, premium) in enumerate([("volga", "700.00"), ("sever", "500.00")], 1):
            await settler.settle(accepted, insurer, answer=an_offer(premium))
            event = await socket.event()
            assert event["quote"]["insurer"]["id"] == insurer
            assert event["quote"]["offer"]["premium"] == {"amount": premium, "currency": "RUB"}
            assert event["progress"] == {"answered": number, "total": 3}
        await settler.settle(accepted, "zarya", answer=a_refusal())
        refused, end = await rest(socket)
    assert refused["quote"]["reason"]["code"] == "INSURER_DECLINED"
    assert refused["quote"]["reason"]["insurerCode"] == "KBM_TOO_HIGH"
    assert (end["outcome"], end["bestQuote"]["insurer"]["id"], end["stub"]) == ("ALL_ANSWERED", "sever", None)
    assert end["progress"] == {"answered": 3, "total": 3}


async def test_what_was_there_before_comes_first(world: World, api: ApiAtHand, settler: SettlerAtHand) -> None:
    """In the order of arrival; a subscription that begins after the end gets everything at once."""
    accepted = await world.accepted(api)
    await settler.settle(accepted, "zarya")
    await settler.settle(accepted, "sever")
    async with opened(api.graphql) as raw:
        socket = await watching(raw, accepted)
        assert [(await socket.event())["quote"]["insurer"]["id"] for _ in range(2)] == ["zarya", "sever"]
        await settler.settle(accepted, "volga")
        assert insurers_in(await rest(socket)) == ["volga"]
    assert insurers_in(await world.watched(api, accepted)) == ["zarya", "sever", "volga"]


async def test_a_cursor_resumes_without_gap_or_repeat_at_another_process(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """The connection breaks, answers come meanwhile, and the browser goes on elsewhere."""
    other = await world.api()
    accepted = await world.accepted(api)
    async with opened(api.graphql) as raw:
        socket = await watching(raw, accepted)
        await settler.settle(accepted, "volga")
        cursor = (await socket.event())["cursor"]
        raw.connection.transport.abort()
    await settler.settle(accepted, "zarya")
    async with opened(other.graphql) as raw:
        socket = await watching(raw, accepted, cursor)
        assert (await socket.event())["quote"]["insurer"]["id"] == "zarya"
        await settler.settle(accepted, "sever")
        events = await rest(socket)
    assert insurers_in(events) == ["sever"]
    async with opened(api.graphql) as raw:
        socket = await watching(raw, accepted, events[-1]["cursor"])
        assert (await socket.receive())["type"] == "complete"


async def test_what_was_missed_during_a_short_break_is_found(
    world: World, api: ApiAtHand, settler: SettlerAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notifier is back before the next look at whether it is connected: the break counts all the same."""
    monkeypatch.setattr("app.watch.hub.LOOK_EVERY_S", 3600)
    suspected: list[UUID] = []
    gathered = api.services.live._suspected
    monkeypatch.setattr(gathered, "add", lambda ids, add=gathered.add: (suspected.extend(ids := list(ids)), add(ids)))
    accepted = await world.accepted(api)
    async with opened(api.graphql) as raw:
        socket = await watching(raw, accepted)
        await settler.settle(accepted, "volga")
        assert (await socket.event())["quote"]["insurer"]["id"] == "volga"
        await until(lambda: suspected)  # once after it has first connected
        # Published already, as far as its script knows: neither an event nor a notification comes of it.
        await world.redis.client.hset(keys.request(0, UUID(accepted["quoteRequest"]["id"])), "done:sever", "1")
        await settler.settle(accepted, "sever")
        await world.redis.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        with within(20, *world.server_pids):
            assert (await socket.event())["quote"]["insurer"]["id"] == "sever"


async def test_silent_subscriptions_reread_together(
    world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One read serves all subscriptions that became due since the one before, and comes a moment later at the least."""
    monkeypatch.setattr("app.watch.hub.LOOK_EVERY_S", 0.01)
    hub, read, read_at_s = api.services.live, list[set[UUID]](), list[float]()

    async def take(taken: Callable[[], Awaitable[set[UUID]]] = hub._silent.take) -> set[UUID]:
        ids = await taken()
        read.append(ids)
        read_at_s.append(time.monotonic())
        return ids

    monkeypatch.setattr(hub._silent, "take", take)
    accepted = [await world.accepted(api) for _ in range(3)]
    async with opened(api.graphql) as one, opened(api.graphql) as two, opened(api.graphql) as three:
        for raw, request in zip((one, two, three), accepted, strict=True):
            await watching(raw, request)
        await until(lambda: hub.subscriptions == len(accepted))
        before = len(read)
        await until(lambda: len(read) >= before + 5)
    assert all(later - earlier >= SILENT_GATHER_S for earlier, later in pairwise(read_at_s))
    assert read[before + 1 : before + 5] == [{UUID(one["quoteRequest"]["id"]) for one in accepted}] * 4


async def test_a_cursor_that_is_none_is_refused_with_a_code(world: World, api: ApiAtHand) -> None:
    """The cursor is damaged, or another request's."""
    accepted, other = await world.accepted(api), await world.accepted(api)
    async with opened(api.graphql) as raw:
        await raw.init(api.token)
        for number, cursor in enumerate(("nonsense", "", other["quoteRequest"]["id"])):
            await raw.watch(accepted["quoteRequest"]["id"], cursor, id_=str(number))
            message = await raw.receive()
            assert message["payload"][0]["extensions"] == {"code": "INVALID_CURSOR"}


async def test_many_watch_the_same_request(world: World, api: ApiAtHand, settler: SettlerAtHand) -> None:
    """Two tabs, and the service itself; each sees each answer once."""
    accepted = await world.accepted(api)
    watches = [asyncio.create_task(world.watched(api, accepted)) for _ in range(5)]
    await until(lambda: api.services.live.subscriptions == 5)
    await settler.settle(accepted, *INSURERS)
    for events in await asyncio.gather(*watches):
        assert sorted(insurers_in(events)) == sorted(INSURERS)
        assert len(events) == 4


async def test_a_flush_of_redis_goes_unnoticed(world: World, api: ApiAtHand, settler: SettlerAtHand) -> None:
    """Events that Redis lost are read from PostgreSQL, those after it arrive as ever."""
    accepted = await world.accepted(api)
    async with opened(api.graphql) as raw:
        socket = await watching(raw, accepted)
        await settler.settle(accepted, "sever")
        await socket.event()
        await world.redis.client.flushdb()
        await settler.settle(accepted, "volga")
        await world.redis.client.flushdb()
        assert (await socket.event())["quote"]["insurer"]["id"] == "volga"
        await settler.settle(accepted, "zarya")
        assert insurers_in(await rest(socket)) == ["zarya"]


async def test_a_bell_whose_event_is_gone_means_postgresql(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """The quote is committed; that Redis has no event of it does not matter."""
    accepted = await world.accepted(api)
    request_id = accepted["quoteRequest"]["id"]
    async with opened(api.graphql) as raw:
        socket = await watching(raw, accepted)
        await until(lambda: api.services.live.subscriptions == 1)
        await world.database.fetch(
            "INSERT INTO osago_quotes VALUES ($1, 'sever', 'TIMED_OUT', NULL, $2, now())",
            request_id,
            '{"code": "NO_ANSWER_IN_TIME"}',
        )
        await until(lambda: world.redis.client.publish(keys.news(0), request_id))
        assert (await socket.event())["quote"]["status"] == "TIMED_OUT"


async def test_without_redis_everything_arrives_all_the_same(world: World) -> None:
    """Later, from PostgreSQL alone; the end too."""
    world.write_insurers(*INSURERS)
    settler = await world.settler()
    world.set(redis_url="redis://127.0.0.1:1/0", quote_deadline="6s")
    api = await world.api()
    accepted = await world.accepted(api)
    async with opened(api.graphql) as raw:
        socket = await watching(raw, accepted)
        await settler.settle(accepted, "sever")
        assert (await socket.event())["quote"]["insurer"]["id"] == "sever"
        events = await rest(socket)
    assert [event["quote"]["status"] for event in events[:-1]] == ["TIMED_OUT", "TIMED_OUT"]
    assert events[-1]["outcome"] == "DEADLINE"


async def test_at_the_deadline_every_open_quote_is_timed_out(world: World) -> None:
    """No worker is alive; the end comes in time, with the stub."""
    world.write_insurers(*INSURERS)
    world.set(quote_deadline="5s")
    api = await world.api()
    with machine_stall(*world.server_pids) as stall:
        accepted = await world.accepted(api)
        *quotes, end = await world.watched(api, accepted)
        ended_at = datetime.now(UTC)
    assert {quote["quote"]["status"] for quote in quotes} == {"TIMED_OUT"}
    assert end["outcome"] == "DEADLINE"
    assert end["stub"]["retryAfterSeconds"] > 0
    expires_at = datetime.fromisoformat(accepted["quoteRequest"]["expiresAt"])
    assert ended_at <= expires_at + timedelta(seconds=stall.seconds)


STORY = """query Q($id: ID!) { quoteRequest(id: $id) {
  status remainingSeconds completedAt progress { answered total }
  quotes { insurer { id } status } byPremium: quotes(orderBy: PREMIUM) { insurer { id } } bestQuote { insurer { id } } } }"""


async def test_the_query_shows_what_the_stream_has_sent(world: World, api: ApiAtHand, settler: SettlerAtHand) -> None:
    """Pending ones included; the best offer and the order by premium too."""
    accepted = await world.accepted(api)
    await settler.settle(accepted, "volga", answer=an_offer("700.00"))
    await settler.settle(accepted, "sever", answer=an_offer("500.00"))
    variables = {"id": accepted["quoteRequest"]["id"]}
    story = (await api.post(STORY, variables)).json()["data"]["quoteRequest"]
    assert (story["status"], story["completedAt"], story["progress"]) == (
        "COLLECTING",
        None,
        {"answered": 2, "total": 3},
    )
    assert [(quote["insurer"]["id"], quote["status"]) for quote in story["quotes"]] == [
        ("volga", "OFFERED"),
        ("sever", "OFFERED"),
        ("zarya", "PENDING"),
    ]
    assert [quote["insurer"]["id"] for quote in story["byPremium"]] == ["sever", "volga", "zarya"]
    assert story["bestQuote"] == {"insurer": {"id": "sever"}}
    await settler.settle(accepted, "zarya", answer=a_refusal())
    await until(lambda: ended(api, variables))


async def ended(api: ApiAtHand, variables: dict[str, Any]) -> bool:
    story = (await api.post(STORY, variables)).json()["data"]["quoteRequest"]
    return story["status"] == "COMPLETED" and story["remainingSeconds"] == 0 and story["completedAt"] is not None


CANCEL = "mutation C($id: ID!) { cancelQuoteRequest(id: $id) { status completedAt quotes { status } } }"


async def test_a_cancelled_request_ends_at_once_and_only_once(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """What has been answered stays; repeating it changes nothing, and a late answer neither."""
    accepted = await world.accepted(api)
    await settler.settle(accepted, "sever")
    variables = {"id": accepted["quoteRequest"]["id"]}
    async with opened(api.graphql) as raw:
        socket = await watching(raw, accepted)
        await socket.event()
        first = (await api.post(CANCEL, variables)).json()["data"]["cancelQuoteRequest"]
        *quotes, end = await rest(socket)
    again = (await api.post(CANCEL, variables)).json()["data"]["cancelQuoteRequest"]
    await settler.settle(accepted, "volga")
    assert first == again
    assert (first["status"], sorted(q["status"] for q in first["quotes"])) == (
        "CANCELLED",
        ["CANCELLED", "CANCELLED", "OFFERED"],
    )
    assert ({event["quote"]["status"] for event in quotes}, end["outcome"]) == ({"CANCELLED"}, "CANCELLED")
    assert (await api.post(CANCEL, variables)).json()["data"]["cancelQuoteRequest"] == first


async def test_a_request_that_several_processes_end_at_once_has_one_end(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """Settler, cancel and sweepers race; there is one end, and every subscriber sees the same one."""
    other = await world.api()
    for _ in range(10):
        accepted = await world.accepted(api)
        watches = [asyncio.create_task(world.watched(one, accepted)) for one in (api, other)]
        await until(lambda: api.services.live.subscriptions == other.services.live.subscriptions == 1)
        await asyncio.gather(
            settler.settle(accepted, *INSURERS),
            *(one.post(CANCEL, {"id": accepted["quoteRequest"]["id"]}) for one in (api, other)),
        )
        first, second = await asyncio.gather(*watches)
        assert len(first) == len(second) == 4
        assert first[-1]["outcome"] == second[-1]["outcome"]
        assert sorted(insurers_in(first)) == sorted(INSURERS)


async def test_when_postgresql_is_away_at_the_deadline_the_watch_ends_with_a_code_and_a_cursor(
    world: World, api: ApiAtHand
) -> None:
    """Never with an end that PostgreSQL does not know."""
    world.set(quote_deadline="5s")
    api = await world.api()
    accepted = await world.accepted(api)
    async with opened(api.graphql) as raw:
        socket = await watching(raw, accepted)
        await until(lambda: api.begun(accepted) == 1)
        await world.database.break_connections(for_good=True)
        message = await socket.receive()
    [error] = message["payload"]
    assert error["extensions"]["code"] == "UNAVAILABLE"
    assert error["extensions"]["cursor"]
