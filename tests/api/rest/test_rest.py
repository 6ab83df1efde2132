"""REST: the same requests, quotes and events as GraphQL's, over HTTP alone."""

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import pytest
from support.plain_http import plain_http
from support.processes import api_process
from support.quotes import a_refusal, an_offer
from support.socket import opened
from support.stalls import within
from support.until import until
from support.world import SECRET, ApiAtHand, SettlerAtHand, World
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app.api.auth.tokens import Tokens
from app.api.http import lasting_answer
from app.api.rest import problem_details
from app.api.schema.queries import request_id_of
from app.runtime.clock import Clock

INSURERS: Final = ("sever", "volga", "zarya")
QUOTES: Final = "/osago/quotes"
QUOTE: Final = """id insurer { id name } status receivedAt reason { code message insurerCode problems { path code message } }
  offer { number premium { amount currency } validUntil purchaseUrl coefficients {
    baseRate territory bonusMalus ageExperience driverRestriction power season trailer drivers { bonusMalus ageExperience } }
  total { amount currency } extras { code name price { amount currency } isMandatory } startsOn }"""
STORY: Final = f"""query Q($id: ID!) {{ quoteRequest(id: $id) {{
  id clientReference customerId status createdAt expiresAt remainingSeconds completedAt progress {{ answered total }}
  quotes {{ {QUOTE} }} bestQuote {{ {QUOTE} }} }} }}"""
EVENTS: Final = f"""subscription S($id: ID!) {{ quotes(requestId: $id) {{ type: __typename
  ... on QuoteReceived {{ cursor requestId progress {{ answered total }} quote {{ {QUOTE} }} }}
  ... on QuotesCompleted {{ cursor requestId progress {{ answered total }} outcome bestQuote {{ {QUOTE} }}
    stub {{ title message retryAfterSeconds }} }} }} }}"""


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers(*INSURERS)
    return await world.api()


@asynccontextmanager
async def http(api: ApiAtHand, token: str | None = None, **headers: str) -> AsyncGenerator[httpx.AsyncClient, None]:
    with_token = {"Authorization": f"Bearer {api.token if token is None else token}", **headers}
    async with plain_http(base_url=api.url, headers=with_token) as client:
        yield client


async def created(api: ApiAtHand, world: World) -> dict[str, Any]:
    """A request, asked for in this way."""
    async with http(api) as client:
        response = await client.post(QUOTES, json=world.new_request())
    assert response.status_code == 202, response.text
    return response.json()


def path_of(accepted: dict[str, Any]) -> str:
    return f"{QUOTES}/{accepted['quoteRequest']['id']}"


async def events_of(response: httpx.Response) -> AsyncIterator[dict[str, str]]:
    """Server-sent events, as the standard has them."""
    event: dict[str, str] = {}
    async for line in response.aiter_lines():
        if not line and event:
            yield event
            event = {}
        elif line:
            name, _, value = line.partition(":")
            event[name or "comment"] = value.removeprefix(" ")


def insurer_of(event: dict[str, str]) -> str:
    return json.loads(event["data"])["quote"]["insurer"]["id"]


async def test_a_request_is_accepted_and_found_where_it_is_said(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """202 with `Location`; the document there equals GraphQL's."""
    async with http(api) as client:
        response = await client.post(
            QUOTES, json=world.new_request(clientReference="A-1"), headers={"X-Request-Id": "me"}
        )
        accepted = response.json()
        again = await client.post(QUOTES, json=world.new_request(clientReference="A-1"))
        await settler.settle(accepted, "volga", answer=an_offer("700.00"))
        await settler.settle(accepted, "zarya", answer=a_refusal())
        found = (await client.get(response.headers["location"])).json()
    assert (response.status_code, response.headers["x-request-id"]) == (202, "me")
    assert response.headers["location"] == path_of(accepted) == again.headers["location"]
    assert accepted["quoteRequest"]["progress"] == {"answered": 0, "total": 3}
    story = (await api.post(STORY, {"id": accepted["quoteRequest"]["id"]})).json()["data"]["quoteRequest"]
    assert 0 <= found.pop("remainingSeconds") - story.pop("remainingSeconds") < 5
    assert found == story
    assert found["bestQuote"]["insurer"]["id"] == "volga"


async def test_the_watch_token_opens_its_one_request(world: World, api: ApiAtHand) -> None:
    """The watch token opens no other request and changes nothing."""
    first, second = await created(api, world), await created(api, world)
    async with http(api, first["watchToken"]) as client:
        assert (await client.get(path_of(first))).status_code == 200
        assert (await client.get(path_of(second))).status_code == 404
        assert (await client.post(QUOTES, json=world.new_request())).status_code == 403


async def test_events_arrive_one_by_one_and_resume(world: World, api: ApiAtHand, settler: SettlerAtHand) -> None:
    """The cursor is the event's id; after the end a reconnect gets 204."""
    accepted = await created(api, world)
    path = f"{path_of(accepted)}/events"
    async with http(api, accepted["watchToken"]) as client:
        async with client.stream("GET", path) as response:
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            events = events_of(response)
            assert await anext(events) == {"retry": "1000"}
            for insurer in ("volga", "sever"):
                await settler.settle(accepted, insurer)
                event = await anext(events)
                assert (event["event"], insurer_of(event)) == ("QuoteReceived", insurer)
        await settler.settle(accepted, "zarya")
        async with client.stream("GET", path, headers={"Last-Event-ID": event["id"]}) as response:
            _, last, end = [event async for event in events_of(response)]
        assert insurer_of(last) == "zarya"
        assert (end["event"], json.loads(end["data"])["outcome"]) == ("QuotesCompleted", "ALL_ANSWERED")
        assert (await client.get(path, headers={"Last-Event-ID": end["id"]})).status_code == 204
    await until(lambda: api.services.live.subscriptions == 0)


async def test_after_a_stream_its_connection_serves_on(world: World, api: ApiAtHand, settler: SettlerAtHand) -> None:
    """An answer that lasts has one end: what comes behind it is the next answer."""
    accepted = await created(api, world)
    await settler.settle(accepted, *INSURERS)
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"Host: a\r\nAuthorization: Bearer {api.token}\r\n"
    writer.write(f"GET {path_of(accepted)}/events HTTP/1.1\r\n{head}\r\n".encode())
    await reader.readuntil(b"\r\n0\r\n\r\n")
    writer.write(f"GET {path_of(accepted)} HTTP/1.1\r\n{head}\r\n".encode())
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    writer.close()


async def test_the_streams_send_what_the_subscription_sends(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """GraphQL, server-sent events and the plain WebSocket send equal documents."""
    accepted = await created(api, world)
    await settler.settle(accepted, "volga", answer=an_offer("700.00"))
    await settler.settle(accepted, "sever", "zarya", answer=a_refusal())
    pushed = [event async for event in subscribed(api, accepted)]
    async with http(api) as client, client.stream("GET", f"{path_of(accepted)}/events") as response:
        sent = [json.loads(event["data"]) async for event in events_of(response) if "data" in event]
    async with streaming(api, accepted, api.token) as socket:
        streamed = [json.loads(frame) async for frame in socket]
    assert sent == streamed == pushed


async def subscribed(api: ApiAtHand, accepted: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    async with opened(api.graphql) as socket:
        await socket.init(api.token)
        await socket.subscribe(EVENTS, {"id": accepted["quoteRequest"]["id"]})
        while (message := await socket.receive())["type"] == "next":
            yield message["payload"]["data"]["quotes"]


async def test_a_silent_stream_beats(world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats keep proxies from closing an idle stream."""
    monkeypatch.setattr(lasting_answer, "HEARTBEAT_S", 0)
    monkeypatch.setattr("app.watch.hub.LOOK_EVERY_S", 0.01)
    accepted = await created(api, world)
    async with http(api) as client, client.stream("GET", f"{path_of(accepted)}/events") as response:
        events = events_of(response)
        assert [list(await anext(events)) for _ in range(3)] == [["retry"], ["comment"], ["comment"]]


async def test_who_leaves_is_let_go(world: World, api: ApiAtHand) -> None:
    """A stream ends at once when its client disconnects, not at the deadline."""
    accepted = await created(api, world)
    async with http(api) as client, client.stream("GET", f"{path_of(accepted)}/events") as response:
        await anext(events_of(response))
        await until(lambda: api.services.live.subscriptions == 1)
    await until(lambda: api.services.live.subscriptions == 0)


async def test_a_token_that_expires_ends_the_streams(world: World, api: ApiAtHand) -> None:
    """The stream ends when its token expires."""
    accepted = await created(api, world)
    request_id = request_id_of(accepted["quoteRequest"]["id"])
    assert request_id
    short = Tokens(SECRET, Clock(), watch_ttl_s=2).watch_token(request_id)
    async with http(api, short) as client, client.stream("GET", f"{path_of(accepted)}/events") as response:
        assert [event async for event in events_of(response)] == [{"retry": "1000"}]
    short = Tokens(SECRET, Clock(), watch_ttl_s=2).watch_token(request_id)
    async with streaming(api, accepted, short) as socket:
        assert json.loads(await socket.recv())["code"] == "UNAUTHENTICATED"
        assert await closed(socket) == (4403, "UNAUTHENTICATED")


async def test_when_postgresql_is_away_at_the_deadline_the_streams_say_so(world: World, api: ApiAtHand) -> None:
    """The last event has the cursor to resume from."""
    world.set(quote_deadline="5s")
    api = await world.api()
    accepted = await created(api, world)
    async with (
        http(api) as client,
        client.stream("GET", f"{path_of(accepted)}/events") as response,
        streaming(api, accepted, api.token) as socket,
    ):
        await until(lambda: api.begun(accepted) == 2)
        await world.database.break_connections(for_good=True)
        _, event = [event async for event in events_of(response)]
        document = json.loads(await socket.recv())
        assert await closed(socket) == (1013, "UNAVAILABLE")
    assert event["event"] == "problem"
    assert (document["code"], bool(document["cursor"])) == ("UNAVAILABLE", True)
    assert json.loads(event["data"]) == document


@pytest.mark.processes
@pytest.mark.parametrize("processes", ["1", "2"])
async def test_a_process_that_stops_ends_its_streams_properly(world: World, processes: str) -> None:
    """The streams end properly, so that browsers reconnect to another process; the process exits soon, with 0."""
    world.write_insurers(*INSURERS)
    async with api_process(world.folder, world.environment, "--processes", processes) as process:
        api = ApiAtHand(process.url, world.token(), None)
        accepted = await created(api, world)
        async with http(api) as client, client.stream("GET", f"{path_of(accepted)}/events") as response:
            events = events_of(response)
            await anext(events)
            process.signal(signal.SIGTERM)
            with within(5):
                assert [event async for event in events] == []
        assert await process.ended() == 0


@asynccontextmanager
async def streaming(
    api: ApiAtHand, accepted: dict[str, Any], token: str | None, query: str = ""
) -> AsyncGenerator[ClientConnection, None]:
    """The plain WebSocket, opened as a service does."""
    headers = {"Authorization": f"Bearer {token}"} if token else None
    url = f"{api.url.replace('http', 'ws', 1)}{path_of(accepted)}/stream{query}"
    async with connect(url, additional_headers=headers) as socket:
        yield socket


async def closed(socket: ClientConnection) -> tuple[int | None, str | None]:
    await socket.wait_closed()
    return socket.close_code, socket.close_reason


async def test_a_browser_sends_its_token_as_the_first_frame(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """The frame may have the cursor to resume from; the last event is followed by 1000."""
    accepted = await created(api, world)
    await settler.settle(accepted, "sever")
    async with streaming(api, accepted, None) as socket:
        await socket.send(json.dumps({"token": accepted["watchToken"]}))
        cursor = json.loads(await socket.recv())["cursor"]
        await settler.settle(accepted, "volga", "zarya")
    async with streaming(api, accepted, None) as socket:
        await socket.send(json.dumps({"token": accepted["watchToken"], "after": cursor}))
        events = [json.loads(frame) async for frame in socket]
        assert await closed(socket) == (1000, "")
    assert [event["type"] for event in events] == ["QuoteReceived", "QuoteReceived", "QuotesCompleted"]
    async with streaming(api, accepted, api.token, f"?after={events[-1]['cursor']}") as socket:
        assert [frame async for frame in socket] == []


async def frames(socket: ClientConnection) -> AsyncIterator[str | bytes]:
    """Every frame until the socket is closed."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            yield await socket.recv()


@pytest.mark.parametrize(
    ("frame", "code", "reason"),
    [
        ("{", 4400, "Expected a token"),
        ("[]", 4400, "Expected a token"),
        ("{}", 4400, "Expected a token"),
        ('{"token": "forged"}', 4403, "UNAUTHENTICATED"),
        ('{"token": "TOKEN", "after": "nonsense"}', 4400, "INVALID_CURSOR"),
        ('{"token": "OTHER"}', 4404, "NOT_FOUND"),
    ],
)
async def test_a_wrong_opening_closes_with_its_code(
    world: World, api: ApiAtHand, frame: str, code: int, reason: str
) -> None:
    """The problem comes as a frame first, where there is one."""
    accepted, other = await created(api, world), await created(api, world)
    async with streaming(api, accepted, None) as socket:
        await socket.send(frame.replace("TOKEN", accepted["watchToken"]).replace("OTHER", other["watchToken"]))
        assert {json.loads(frame)["code"] async for frame in frames(socket)} <= {reason}
        assert await closed(socket) == (code, reason)


async def test_problems_have_the_form_of_rfc_9457(world: World, api: ApiAtHand) -> None:
    """Each with the code that GraphQL uses."""
    accepted = await created(api, world)
    wrong = world.new_request(customerId=7, insurerIds=["unknown"])
    wrong["application"]["policyholder"]["person"]["birthDate"] = "19850607"
    wrong["application"]["vehicle"] |= {"enginePower": "NaN", "category": "Z"}
    async with http(api) as client:
        answers = {
            "BAD_REQUEST": await client.post(QUOTES, content=b"[", headers={"Content-Type": "application/json"}),
            "INVALID_APPLICATION": await client.post(QUOTES, json=wrong),
            "NOT_FOUND": await client.get(f"{QUOTES}/nothing"),
            "INVALID_CURSOR": await client.get(f"{path_of(accepted)}/events", headers={"Last-Event-ID": "nonsense"}),
            "UNAUTHENTICATED": await client.get(path_of(accepted), headers={"Authorization": "Bearer forged"}),
            "FORBIDDEN": await client.post(
                QUOTES,
                json=world.new_request(),
                headers={"Authorization": f"Bearer {world.token(scope='quotes:read')}"},
            ),
        }
        large = await client.post(QUOTES, content=b"x" * 70_000, headers={"Content-Type": "application/json"})
        form = await client.post(QUOTES, data={"a": "b"})
    for code, response in answers.items():
        problem = response.json()
        assert response.headers["content-type"] == "application/problem+json"
        assert (problem["code"], problem["status"]) == (code, response.status_code)
        assert response.status_code == problem_details.STATUSES[code]
    assert (large.status_code, form.status_code) == (413, 415)
    assert answers["UNAUTHENTICATED"].headers["www-authenticate"] == "Bearer"
    found = {".".join(p["path"]): p["code"] for p in answers["INVALID_APPLICATION"].json()["problems"]}
    assert found == {
        "customerId": "TYPE_INVALID",
        "insurerIds.0": "INSURER_UNKNOWN",
        "application.vehicle.category": "TYPE_INVALID",
        "application.vehicle.enginePower": "DECIMAL_INVALID",
        "application.policyholder.person.birthDate": "DATE_INVALID",
    }
    assert "19850607" not in answers["INVALID_APPLICATION"].text


async def test_limits_and_outages_say_when_to_come_back(world: World) -> None:
    """The responses have `Retry-After`, in whole seconds."""
    world.write_insurers(*INSURERS)
    world.set(customer_rate_limit="1/min")
    api = await world.api()
    await created(api, world)
    async with http(api) as client:
        limited = await client.post(QUOTES, json=world.new_request())
        await world.database.break_connections(for_good=True)
        away = await client.post(QUOTES, json=world.new_request(customerId="another"))
    assert (limited.status_code, limited.json()["code"]) == (429, "RATE_LIMITED")
    assert 1 <= int(limited.headers["retry-after"]) <= 60
    assert (away.status_code, away.json()["code"]) == (503, "UNAVAILABLE")
    assert int(away.headers["retry-after"]) >= 1


async def test_the_example_of_the_document_is_accepted(world: World, api: ApiAtHand) -> None:
    """A copied example creates a request with quotes."""
    async with http(api, "") as client:
        document = (await client.get("/osago/openapi.json", headers={"Authorization": ""})).json()
    content = document["paths"]["/osago/quotes"]["post"]["requestBody"]["content"]["application/json"]
    async with http(api) as client:
        assert (await client.post(QUOTES, json=content["examples"]["a car"]["value"])).status_code == 202
