"""Subscriptions at `/graphql` as server-sent events and as parts: the events, errors and limits of the sockets."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import pytest
from support.other_servers import plain_uvicorn
from support.plain_http import plain_http
from support.reader import connected
from support.socket import opened
from support.until import until
from support.world import SECRET, ApiAtHand, SettlerAtHand, World

from app.api.auth.tokens import Tokens
from app.api.http import lasting_answer
from app.api.http.negotiation import EVENTS, PARTS, stream_format
from app.api.schema.queries import request_id_of
from app.observability import metrics
from app.runtime.clock import Clock
from app.server import buffered_peer

INSURERS: Final = ("sever", "volga", "zarya")
EVENT_STREAM: Final = "text/event-stream"
MULTIPART: Final = "multipart/mixed;subscriptionSpec=1.0, application/json"
WATCH: Final = """subscription Q($requestId: ID!, $after: String) { quotes(requestId: $requestId, after: $after) {
  __typename ... on QuoteReceived { cursor quote { insurer { id } status } progress { answered total } }
  ... on QuotesCompleted { cursor outcome } } }"""
NOT_COMPILED: Final = WATCH.replace("cursor quote", "cursor cursor quote")
Result = dict[str, Any]


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers(*INSURERS)
    return await world.api()


@pytest.fixture
async def accepted(world: World, api: ApiAtHand) -> Result:
    return await world.accepted(api)


@asynccontextmanager
async def streaming(
    api: ApiAtHand, accepted: Result, accept: str, query: str = WATCH, token: str | None = None, **more: Any
) -> AsyncGenerator[httpx.Response, None]:
    """The answer to a subscription; `more` are headers, `after` a variable."""
    variables = {"requestId": accepted["quoteRequest"]["id"], "after": more.pop("after", None)}
    headers = {"Authorization": f"Bearer {token or accepted['watchToken']}", "Accept": accept, **more}
    async with (
        plain_http() as client,
        client.stream("POST", api.graphql, json={"query": query, "variables": variables}, headers=headers) as response,
    ):
        yield response


async def events_of(response: httpx.Response) -> AsyncIterator[tuple[str, str, str]]:
    """`event`, `data` and `id` of server-sent events; a comment is `("", "", "")`."""
    fields = {"event": "", "data": "", "id": ""}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name or "comment"] = value.removeprefix(" ")
        elif "retry" not in fields:
            yield fields["event"], fields["data"], fields["id"]
            fields = {"event": "", "data": "", "id": ""}
        else:
            del fields["retry"]


async def parts_of(response: httpx.Response) -> AsyncIterator[Result]:
    """The documents of a multipart answer, each when its boundary is there; raises where the answer is cut off."""
    received = ""
    async for text in response.aiter_text():
        received += text
        while len(pieces := received.split("\r\n--graphql", 1)) == 2:
            head, _, body = pieces[0].partition("\r\n\r\n")
            if head:
                assert head == "\r\ncontent-type: application/json"
                yield json.loads(body)
            received = pieces[1]
    assert received == "--\r\n", "the last boundary is missing"


async def results_of(response: httpx.Response) -> AsyncIterator[Result]:
    """The results of either answer."""
    if response.headers["content-type"].startswith(EVENT_STREAM):
        async for event, data, _ in events_of(response):
            if event == "next":
                yield json.loads(data)
        return
    async for part in parts_of(response):
        if part:
            yield part["payload"] or part


def insurer_of(result: Result) -> str:
    return result["data"]["quotes"]["quote"]["insurer"]["id"]


@pytest.mark.parametrize("query", [WATCH, NOT_COMPILED], ids=["compiled", "run"])
@pytest.mark.parametrize("accept", [EVENT_STREAM, MULTIPART], ids=["events", "parts"])
async def test_results_arrive_one_by_one_as_over_a_socket(
    api: ApiAtHand, accepted: Result, settler: SettlerAtHand, accept: str, query: str
) -> None:
    """Plans and graphql-core send results that equal those of a socket."""
    results: list[Result] = []
    async with streaming(api, accepted, accept, query) as response:
        assert response.status_code == 200
        found = results_of(response)
        for insurer in INSURERS:
            await settler.settle(accepted, insurer)
            results.append(await anext(found))
        results += [result async for result in found]
    assert [insurer_of(result) for result in results[:3]] == list(INSURERS)
    assert results[3]["data"]["quotes"]["outcome"] == "ALL_ANSWERED"
    async with opened(api.graphql) as socket:
        await socket.init(accepted["watchToken"])
        await socket.subscribe(query, {"requestId": accepted["quoteRequest"]["id"]})
        assert results == [(await socket.receive())["payload"] for _ in results]
    await until(lambda: api.services.live.subscriptions == 0)


@pytest.mark.parametrize("query", [WATCH, NOT_COMPILED], ids=["compiled", "run"])
async def test_the_id_of_an_event_is_where_a_client_goes_on(
    api: ApiAtHand, accepted: Result, settler: SettlerAtHand, query: str
) -> None:
    """`Last-Event-ID` takes precedence over the document's `after`; 204 when there is nothing to come."""
    await settler.settle(accepted, *INSURERS)
    async with streaming(api, accepted, EVENT_STREAM, query) as response:
        events = [event async for event in events_of(response)]
    assert [event for event, _, _ in events] == ["next"] * 4 + ["complete"]
    ids = [id_ for _, _, id_ in events]
    assert ids[:4] == [json.loads(data)["data"]["quotes"]["cursor"] for _, data, _ in events[:4]]
    headers = {"Last-Event-ID": ids[1], "after": ids[0]}
    async with streaming(api, accepted, EVENT_STREAM, query, **headers) as response:
        assert [event async for event in events_of(response)] == events[2:]
    async with streaming(api, accepted, EVENT_STREAM, **{"Last-Event-ID": ids[3]}) as response:
        assert response.status_code == 204
    async with streaming(api, accepted, EVENT_STREAM, after=ids[3]) as response:
        assert [event async for event, _, _ in events_of(response)] == ["complete"]


async def test_parts_go_on_from_a_cursor(api: ApiAtHand, accepted: Result, settler: SettlerAtHand) -> None:
    await settler.settle(accepted, *INSURERS)
    async with streaming(api, accepted, MULTIPART) as response:
        first, *rest = [result async for result in results_of(response)]
    async with streaming(api, accepted, MULTIPART, after=first["data"]["quotes"]["cursor"]) as response:
        assert [result async for result in results_of(response)] == rest


@pytest.mark.parametrize("accept", [EVENT_STREAM, MULTIPART], ids=["events", "parts"])
@pytest.mark.parametrize(
    ("query", "code"),
    [
        (WATCH, "NOT_FOUND"),
        (NOT_COMPILED, "NOT_FOUND"),
        ("subscription { nothing }", "BAD_REQUEST"),
        ("subscription { quotes(", "BAD_REQUEST"),
    ],
)
async def test_what_is_wrong_with_an_operation_is_a_result(
    world: World, api: ApiAtHand, accepted: Result, accept: str, query: str, code: str
) -> None:
    """Another caller's request is not there; a stream that cannot begin is one that ends."""
    other = await world.accepted(api)
    async with streaming(api, accepted, accept, query, other["watchToken"]) as response:
        assert response.status_code == 200
        [result] = [result async for result in results_of(response)]
    assert result["errors"][0]["extensions"]["code"] == code
    assert api.services.live.subscriptions == 0


@pytest.mark.parametrize("accept", [EVENT_STREAM, MULTIPART], ids=["events", "parts"])
async def test_what_is_wrong_with_the_request_has_a_status(api: ApiAtHand, accepted: Result, accept: str) -> None:
    """A token that is none, and a body that is none."""
    async with streaming(api, accepted, accept, token="none") as response:
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    async with streaming(api, accepted, accept, **{"Content-Type": "text/plain"}) as response:
        assert response.status_code == 415


@pytest.mark.parametrize("accept", [EVENT_STREAM, MULTIPART], ids=["events", "parts"])
async def test_a_silent_answer_beats(
    api: ApiAtHand, accepted: Result, accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lasting_answer, "HEARTBEAT_S", 0)
    async with streaming(api, accepted, accept) as response:
        if accept == EVENT_STREAM:
            events = events_of(response)
            assert [await anext(events) for _ in range(2)] == [("", "", "")] * 2
        else:
            parts = parts_of(response)
            assert [await anext(parts) for _ in range(2)] == [{}] * 2
    await until(lambda: api.services.live.subscriptions == 0)


@pytest.mark.parametrize(
    ("accept", "documents"),
    [
        (f"{EVENT_STREAM}, application/json", 1),
        (f"application/json, {MULTIPART}", 1),
        (EVENT_STREAM, 0),
    ],
)
async def test_a_query_is_one_document_where_the_caller_takes_one(
    api: ApiAtHand, accepted: Result, accept: str, documents: int
) -> None:
    """Other callers get a stream of one result."""
    query = "query Q($requestId: ID!) { quoteRequest(id: $requestId) { status } }"
    async with streaming(api, accepted, accept, query) as response:
        if documents:
            results = [json.loads(await response.aread())]
        else:
            results = [result async for result in results_of(response)]
    assert results == [{"data": {"quoteRequest": {"status": "COLLECTING"}}}]


@pytest.mark.parametrize("accept", [EVENT_STREAM, MULTIPART], ids=["events", "parts"])
async def test_a_token_that_expires_ends_the_answer(api: ApiAtHand, accepted: Result, accept: str) -> None:
    request_id = request_id_of(accepted["quoteRequest"]["id"])
    assert request_id
    short = Tokens(SECRET, Clock(), watch_ttl_s=1.5).watch_token(request_id)
    async with streaming(api, accepted, accept, token=short) as response:
        [last] = [result async for result in results_of(response)]
    assert last["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("accept", [EVENT_STREAM, MULTIPART], ids=["events", "parts"])
async def test_a_share_counts_answers_as_it_counts_sockets(world: World, accept: str) -> None:
    """429 with `Retry-After`; a place is free again when another stream ends."""
    world.write_insurers(*INSURERS)
    world.set(watch_share="32,1,10/s")
    api = await world.api()
    accepted = await world.accepted(api)
    async with streaming(api, accepted, accept):
        await until(lambda: api.services.live.subscriptions == 1)
        async with streaming(api, accepted, accept) as response:
            assert response.status_code == 429
            assert int(response.headers["retry-after"]) >= 1
    await until(lambda: api.services.live.subscriptions == 0)
    async with streaming(api, accepted, accept) as response:
        assert response.status_code == 200


@pytest.mark.parametrize("query", [WATCH, NOT_COMPILED], ids=["compiled", "run"])
async def test_under_another_server_the_results_are_the_same(world: World, query: str) -> None:
    world.write_insurers(*INSURERS)
    async with plain_uvicorn(world) as api:
        settler = await world.settler()
        accepted = await world.accepted(api)
        for accept in (EVENT_STREAM, MULTIPART):
            async with streaming(api, accepted, accept, query) as response:
                found = results_of(response)
                await settler.settle(accepted, *INSURERS)
                assert [insurer_of(await anext(found)) for _ in INSURERS] == list(INSURERS)
                assert [result["data"]["quotes"]["outcome"] async for result in found] == ["ALL_ANSWERED"]


@pytest.mark.parametrize(
    ("accept", "format_"),
    [
        ("text/event-stream", EVENTS),
        ("Text/Event-Stream ; q=0.5", EVENTS),
        ('multipart/mixed;boundary="graphql";subscriptionSpec="1.0",application/json', PARTS),
        ("multipart/mixed; boundary=graphql; subscriptionSpec=1.0", PARTS),
        ("multipart/mixed;subscriptionSpec=1.0;q=0", None),
        ("multipart/mixed;deferSpec=20220824,application/json", None),
        ("multipart/mixed;subscriptionSpec=2.0", None),
        ("application/json", None),
        ("*/*", None),
        (None, None),
        ("text/event-stream," * 50, None),
    ],
)
def test_accept_names_how_an_answer_may_last(accept: str | None, format_: object) -> None:
    assert stream_format(accept) is format_


@pytest.mark.parametrize("accept", [EVENT_STREAM, MULTIPART], ids=["events", "parts"])
async def test_a_client_that_reads_nothing_is_let_go_and_learns_where_to_go_on(
    api: ApiAtHand, accepted: Result, settler: SettlerAtHand, accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for it is bounded; the error with the cursor lies behind what was under way, for one that wakes in time."""
    monkeypatch.setattr(buffered_peer, "STALLED_AFTER_S", 0.3)
    monkeypatch.setattr(lasting_answer, "HEARTBEAT_S", 0)
    monkeypatch.setattr(EVENTS, "beat", EVENTS.beat * 4000)
    monkeypatch.setattr(PARTS, "beat", PARTS.beat * 250)
    await settler.settle(accepted, "sever")
    before = metrics.SLOW._value.get()
    document = {"query": WATCH, "variables": {"requestId": accepted["quoteRequest"]["id"]}}
    request = httpx.Request(
        "POST", api.graphql, json=document, headers={"Authorization": f"Bearer {api.token}", "Accept": accept}
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    async with connected(api.graphql) as connection:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(connection, f"POST /graphql HTTP/1.1\r\n{head}\r\n".encode() + request.content)
        await until(lambda: metrics.SLOW._value.get() == before + 1)
        assert api.services.live.subscriptions == 0
        received = b""
        while taken := await loop.sock_recv(connection, 1 << 16):
            received += taken
            if received.endswith(b"0\r\n\r\n"):
                break
    assert len(received) < 512 * 1024
    [last] = [line for line in received.decode().splitlines() if "SLOW_CONSUMER" in line]
    found = json.loads(last.removeprefix("data: "))
    [error] = found.get("payload", found)["errors"]
    assert f'"cursor":"{error["extensions"]["cursor"]}","quote":' in received.decode()
