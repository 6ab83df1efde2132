"""core-app's own push: server-sent events out of the feed, each once, resumed, ended."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from support.core_app_client import submit
from support.plain_http import plain_http
from support.proxy import proxied
from support.quotes import an_offer
from support.until import until
from support.world import ApiAtHand, World

from app.redis.authenticity import EventAuthenticator
from cli.personal_data import print_feed_keys
from sandbox.core_app.feed_keys import FeedKeys
from sandbox.core_app.quote_sse import END_LATE_S
from sandbox.insurers.script.behaviours import Processing

FORGED = {
    "insurer": "sever",
    "status": "OFFERED",
    "receivedAt": "2026-11-22T09:30:05Z",
    "offer": {"number": "FORGED", "premium": "1.00", "currency": "RUB"},
}
END = {"outcome": "ALL_ANSWERED", "completedAt": "2026-11-22T09:30:07.6Z"}
WAIT_S_MAX = 60


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One server-sent event."""

    id: str
    kind: str
    body: dict[str, Any]

    @property
    def what(self) -> str:
        return self.body.get("insurer", self.kind)


@dataclass(slots=True)
class Customer:
    """A browser that has submitted an application."""

    http: httpx.AsyncClient
    url: str
    accepted: dict[str, Any]

    @asynccontextmanager
    async def events(self, after: str = "") -> AsyncGenerator[AsyncGenerator[ServerSentEvent, None], None]:
        headers = {"Last-Event-ID": after} if after else {}
        async with (
            asyncio.timeout(WAIT_S_MAX),
            self.http.stream("GET", self.url + self.accepted["events"], headers=headers) as response,
        ):
            assert response.headers["Content-Type"].startswith("text/event-stream")
            yield events_of(response)

    async def all_events(self, after: str = "") -> list[ServerSentEvent]:
        async with self.events(after) as stream:
            return [event async for event in stream]


async def events_of(response: httpx.Response) -> AsyncGenerator[ServerSentEvent, None]:
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
        elif line == "" and "data" in fields:
            yield ServerSentEvent(fields["id"], fields["event"], msgspec.json.decode(fields["data"]))
            fields = {}


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient, None]:
    async with plain_http(timeout=WAIT_S_MAX) as client:
        yield client


async def customer(world: World, api: ApiAtHand, http: httpx.AsyncClient, **options: Any) -> Customer:
    url = await world.core_app(api, **{"redis_url": world.redis.url, **options})
    answer = await submit(http, url, world.new_request()["application"])
    assert answer.status_code == 202
    return Customer(http, url, answer.json())


async def test_every_answer_comes_once_and_the_end_last(world: World, http: httpx.AsyncClient) -> None:
    """Answers from before the stream was opened come, too."""
    await world.insurers("sever", "volga")
    await world.worker()
    made = await customer(world, await world.api(), http)
    *quotes, end = await made.all_events()
    assert sorted(event.what for event in quotes) == ["sever", "volga"]
    assert all(event.body["offer"]["premium"] for event in quotes)
    assert (end.kind, end.body["outcome"]) == ("end", "ALL_ANSWERED")
    assert [event.what for event in await made.all_events()] == [event.what for event in (*quotes, end)]


async def test_what_another_writer_has_put_into_the_feed_ends_nothing(world: World, http: httpx.AsyncClient) -> None:
    """Bytes that are no text, and fields that are none of an event's: those behind them are read."""
    await world.insurers("sever")
    await world.worker()
    made = await customer(world, await world.api(), http)
    for fields in ({b"\xff\xfe": b"\xff"}, {b"v": b"1"}, {b"v": b"\xff", b"quote": b"{"}):
        await world.redis.client.xadd("{osago-00}:quote-events", fields)
    *_, end = await made.all_events()
    assert end.kind == "end"
    again = await customer(world, await world.api(), http)
    assert [event.kind for event in await again.all_events()][-1] == "end"


async def test_an_answer_comes_the_moment_it_is_there(world: World, http: httpx.AsyncClient) -> None:
    """The stream sends it while other insurers are still awaited."""
    await world.insurers("sever", "volga")
    world.sandbox.set_mode("volga", Processing())
    await world.worker()
    made = await customer(world, await world.api(), http)
    async with made.events() as stream:
        assert (await anext(stream)).what == "sever"
        world.sandbox.set_mode("volga", None)
        assert [event.what async for event in stream] == ["volga", "end"]


async def test_a_browser_that_comes_back_goes_on(world: World, http: httpx.AsyncClient) -> None:
    """Behind the last id that it has; behind the end there is nothing to come back for."""
    await world.insurers("sever", "volga")
    world.sandbox.set_mode("volga", Processing())
    await world.worker()
    made = await customer(world, await world.api(), http)
    async with made.events() as stream:
        first = await anext(stream)
    world.sandbox.set_mode("volga", None)
    *_, end = events = await made.all_events(after=first.id)
    assert [event.what for event in events] == ["volga", "end"]
    answer = await http.get(made.url + made.accepted["events"], headers={"Last-Event-ID": end.id})
    assert answer.status_code == 204


async def test_redis_comes_back_and_nothing_is_missing(world: World, http: httpx.AsyncClient) -> None:
    """core-app goes on where it was."""
    await world.insurers("sever", "volga")
    world.sandbox.set_mode("volga", Processing())
    await world.worker()
    api = await world.api()
    async with proxied(world.redis.url) as proxy:
        made = await customer(world, api, http, redis_url=proxy.url)
        async with made.events() as stream:
            assert (await anext(stream)).what == "sever"
            proxy.go_down()
            world.sandbox.set_mode("volga", None)
            await until(lambda: _ended(api, made))
            proxy.come_back()
            assert [event.what async for event in stream] == ["volga", "end"]


async def _ended(api: ApiAtHand, made: Customer) -> bool:
    query = "query ($id: ID!) { quoteRequest(id: $id) { status } }"
    answer = await api.post(query, {"id": made.accepted["requestId"]}, token=made.accepted["watchToken"])
    return answer.json()["data"]["quoteRequest"]["status"] == "COMPLETED"


async def test_an_end_that_the_feed_has_lost_is_to_be_looked_for(
    world: World, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A little after the deadline the stream sends an event that says where to look, and ends."""
    monkeypatch.setattr("sandbox.core_app.quote_sse.END_LATE_S", 0.2)
    assert END_LATE_S > 1
    world.write_insurers("sever")
    world.set(quote_deadline="2s", end_margin="500ms", feed_length="0")
    made = await customer(world, await world.api(), http)
    (look,) = await made.all_events()
    assert look.kind == "look"

    async def is_there() -> bool:
        return (await http.get(made.url + look.body["location"])).json()["status"] == "NO_OFFERS"

    await until(is_there)


@pytest.mark.parametrize(
    "mac", [None, "", "k1:", "k1:" + "0" * 32, "k2:" + "0" * 32, "\N{SNOWMAN}", "moved", "as an end"]
)
async def test_what_another_writer_puts_into_the_feed_is_not_shown(
    world: World, http: httpx.AsyncClient, mac: str | None
) -> None:
    """No offer and no end of its making; what is true comes all the same, each once."""
    world.write_insurers("sever")
    api = await world.api()
    settler = await world.settler()
    made = await customer(world, api, http)
    request, quote = {"quoteRequest": {"id": made.accepted["requestId"]}}, json.dumps(FORGED)
    signer = EventAuthenticator({"k1": bytes(range(32))})
    known = {
        "moved": signer.mac("quote", str(uuid4()), quote.encode()),
        "as an end": signer.mac("end", made.accepted["requestId"], quote.encode()),
    }
    signed = {} if mac is None else {"mac": known.get(mac, mac)}
    entry = {"v": "2", "request": made.accepted["requestId"], **signed}
    for event in ({"quote": quote}, {"end": json.dumps(END)}, {"quote": "[" * 10_000}, {}):
        await world.redis.client.xadd("{osago-00}:quote-events", {**entry, **event})
    await settler.settle(request, "sever", answer=an_offer("500.00"))
    offered, end = await made.all_events()
    assert offered.body["offer"]["premium"] == "500.00"
    assert end.body["outcome"] == "ALL_ANSWERED"
    assert end.body["completedAt"] != END["completedAt"]


def test_feed_keys_are_those_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`osago keys feed` prints what verifies an entry, for each key that encrypts."""
    keys = {"k1": bytes(range(32)), "k2": bytes(range(32, 64))}
    setting = ",".join(f"{name}:{b64encode(key).decode()}" for name, key in keys.items())
    monkeypatch.setenv("OSAGO_ENCRYPTION_KEYS", setting)
    monkeypatch.setenv("OSAGO_AUTH_SECRET", "a secret of the tests, long enough to sign")
    print_feed_keys()
    printed = FeedKeys.parse(capsys.readouterr().out.strip())
    for name, key in keys.items():
        mac = EventAuthenticator({name: key}).mac("end", "r-1", b"{}")
        assert printed.holds({"request": "r-1", "end": "{}", "mac": mac}, "end")
        assert not printed.holds({"request": "r-2", "end": "{}", "mac": mac}, "end")


async def test_events_are_for_their_customer_alone(world: World, http: httpx.AsyncClient) -> None:
    """The number alone opens no stream."""
    world.write_insurers("sever")
    made = await customer(world, await world.api(), http)
    async with plain_http() as other:
        assert (await other.get(made.url + made.accepted["events"])).status_code == 404
