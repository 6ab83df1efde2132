"""Streams begin at the pace of WebSockets' connects; a refused one hears when to come again, and each ends at its own moment in a drain."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import httpx
import pytest
from starlette.requests import ClientDisconnect
from support.plain_http import plain_http
from support.raw_http import raw_connection
from support.world import ApiAtHand, World

from app.api.http.stream_admission import refusal_of
from app.main import create_app
from app.observability import metrics
from app.server import drain_schedule
from app.server.connect_admission import CONNECTS, ConnectAdmission
from app.server.serve import listen, serve_here

INSURERS: Final = ("sever", "volga")
EVENTS: Final = "text/event-stream"
PARTS: Final = "multipart/mixed;subscriptionSpec=1.0"
WATCH: Final = "subscription Q($requestId: ID!) { quotes(requestId: $requestId) { __typename } }"
RATE: Final = 100
Accepted = Mapping[str, Any]


@asynccontextmanager
async def watching(
    url: str, accepted: Accepted, accept: str, path: str = "/graphql"
) -> AsyncGenerator[httpx.Response, None]:
    """The answer to a subscription by POST; at another path, to GET."""
    headers = {"Authorization": f"Bearer {accepted['watchToken']}", "Accept": accept}
    body = {"query": WATCH, "variables": {"requestId": accepted["quoteRequest"]["id"]}}
    asked: Any = ("POST", path) if path == "/graphql" else ("GET", path)
    async with (
        plain_http(base_url=url, headers=headers) as client,
        client.stream(*asked, **({"json": body} if asked[0] == "POST" else {})) as response,
    ):
        yield response


def events_path(accepted: Accepted) -> str:
    return f"/osago/quotes/{accepted['quoteRequest']['id']}/events"


@pytest.fixture
async def busy(world: World) -> ApiAtHand:
    """An API that admits one connect in an hour; a socket has been the one."""
    world.set(connect_rate="1/h")
    world.write_insurers(*INSURERS)
    api = await world.api()
    async with raw_connection(api.url) as first:
        await first.shake_hands()
    return api


@pytest.mark.parametrize("accept", [EVENTS, PARTS])
async def test_a_refused_program_reads_when_to_come_again(world: World, busy: ApiAtHand, accept: str) -> None:
    """503 and `Retry-After`, as for a socket; a document beside it is answered."""
    accepted = await world.accepted(busy)
    before = metrics.CONNECTS_REFUSED._value.get()
    async with watching(busy.url, accepted, accept) as response:
        text = (await response.aread()).decode()
    assert response.status_code == 503
    (seconds,) = re.findall(r"try again in (\d+\.\d\d) s\n", text)
    assert 0 < float(seconds) <= int(response.headers["retry-after"])
    assert response.headers["content-type"].startswith("text/plain")
    assert metrics.CONNECTS_REFUSED._value.get() - before == 1
    answer = await busy.post("{ __typename }", headers={"Accept": f"application/json, {accept}"})
    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_a_refused_eventsource_comes_back_by_itself(world: World, busy: ApiAtHand) -> None:
    """It takes any status but 200 for the end: so its stream ends at once, and says after how many milliseconds to come."""
    accepted = await world.accepted(busy)
    async with watching(busy.url, accepted, EVENTS, events_path(accepted)) as response:
        text = (await response.aread()).decode()
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(EVENTS)
    told = re.fullmatch(r"retry: (\d+)\n: Too many connections: try again in (\d+\.\d\d) s\n\n", text)
    assert told
    assert int(told[1]) == pytest.approx(float(told[2]) * 1000, abs=10)


@pytest.mark.parametrize("face", ["graphql", "rest"])
async def test_a_refused_ticket_leaves_its_cookie(world: World, busy: ApiAtHand, face: str) -> None:
    """A ticket opens once: it is the cookie that the EventSource comes back with."""
    accepted = await world.accepted(busy)
    request_id = accepted["quoteRequest"]["id"]
    async with plain_http(base_url=busy.url, headers={"Accept": EVENTS}) as browser:
        headers = {"Authorization": f"Bearer {accepted['watchToken']}"}
        ticket = (await browser.post("/osago/tickets", headers=headers)).json()["ticket"]
        path, asked = events_path(accepted), {"ticket": ticket}
        if face == "graphql":
            path, asked = "/graphql", {**asked, "query": WATCH, "variables": json.dumps({"requestId": request_id})}
        for _ in range(2):
            response = await browser.get(path, params=asked)
            assert (response.status_code, response.text[:7]) == (200, "retry: ")
        assert browser.cookies


async def test_a_stream_waits_for_its_turn() -> None:
    """A stream waits behind earlier ones; a stream that its client leaves meanwhile takes no place."""
    admission = ConnectAdmission(RATE, lot=lambda: 0.0)
    state, gone = {CONNECTS: admission}, asyncio.Event()
    stays = asyncio.Event().wait
    assert await refusal_of(state, stays) is None
    second, third, fourth = (asyncio.create_task(refusal_of(state, left)) for left in (stays, gone.wait, stays))
    gone.set()
    with pytest.raises(ClientDisconnect):
        await third
    assert await asyncio.gather(second, fourth) == [None, None]


async def test_without_a_rate_all_begin_at_once() -> None:
    """`off`."""
    assert await refusal_of({}, asyncio.Event().wait) is None


async def test_streams_of_a_process_that_ends_end_one_after_the_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As sockets do: the first at once, and events go on for the others until their moment."""
    monkeypatch.setattr(drain_schedule, "CLOSES_PER_S", 1e-4)
    monkeypatch.setattr(drain_schedule, "SPREAD_S_MAX", 3600.0)
    world.write_insurers(*INSURERS)
    settler = await world.settler()
    async with AsyncExitStack() as stack:
        listening = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        process = AsyncExitStack()
        await process.enter_async_context(serve_here(create_app(world.settings), listening))
        accepted = await world.accepted(ApiAtHand(url, world.token(), None))
        opened = [await stack.enter_async_context(watching(url, accepted, EVENTS)) for _ in range(2)]
        streams = [response.aiter_lines() for response in opened]
        for stream in streams:
            assert await anext(stream) == "retry: 1000"
        stopping = asyncio.create_task(process.aclose())
        ends = [asyncio.create_task(_rest_of(stream)) for stream in streams]
        ended, open_still = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in ended] == [[""]]
        await settler.settle(accepted, *INSURERS)
        lines = await next(iter(open_still))
        assert [line for line in lines if line.startswith("event: ")] == ["event: next"] * 3 + ["event: complete"]
    await stopping


async def _rest_of(stream: Any) -> list[str]:
    return [line async for line in stream]
