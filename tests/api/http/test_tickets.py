"""Tickets: a browser's EventSource opens a stream without a token in its URL, and comes back with a cookie."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
from support.plain_http import plain_http
from support.until import until
from support.world import ApiAtHand, SettlerAtHand, World

from app.api.schema.queries import request_id_of

INSURERS: Final = ("sever", "volga")
WATCH: Final = "subscription Q($requestId: ID!) { quotes(requestId: $requestId) { __typename } }"
FACES: Final = ("graphql", "rest")


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers(*INSURERS)
    return await world.api()


@pytest.fixture
async def accepted(world: World, api: ApiAtHand) -> dict[str, Any]:
    return await world.accepted(api)


@asynccontextmanager
async def browser(api: ApiAtHand) -> AsyncGenerator[httpx.AsyncClient, None]:
    """It keeps cookies, and sends no headers of its own."""
    headers = {"Accept": "text/event-stream"}
    async with plain_http(base_url=api.url, headers=headers) as client:
        yield client


@pytest.mark.parametrize("spelling", ["{}", "%{:02X}", "&ticket={}"])
async def test_a_ticket_is_found_in_any_spelling(
    api: ApiAtHand, accepted: dict[str, Any], settler: SettlerAtHand, spelling: str
) -> None:
    """Percent-encoded too; of two the first counts."""
    await settler.settle(accepted, *INSURERS)
    ticket = (await ticket_for(api, accepted["watchToken"])).json()["ticket"]
    if "02X" in spelling:
        ticket = "".join(spelling.format(ord(sign)) for sign in ticket)
    elif "&" in spelling:
        ticket += spelling.format("x")
    path = f"{api.url}/osago/quotes/{accepted['quoteRequest']['id']}/events"
    async with plain_http() as client:
        assert (await client.get(httpx.URL(f"{path}?after=&ticket={ticket}"))).status_code == 200


async def ticket_for(api: ApiAtHand, token: str) -> httpx.Response:
    async with browser(api) as client:
        return await client.post("/osago/tickets", headers={"Authorization": f"Bearer {token}"})


def url_of(face: str, request_id: str, ticket: str) -> httpx.URL:
    if face == "rest":
        return httpx.URL(f"/osago/quotes/{request_id}/events", params={"ticket": ticket})
    variables = json.dumps({"requestId": request_id})
    return httpx.URL("/graphql", params={"query": WATCH, "variables": variables, "ticket": ticket})


@pytest.mark.parametrize("face", FACES)
async def test_a_ticket_opens_one_stream_which_its_cookie_opens_again(
    api: ApiAtHand, accepted: dict[str, Any], settler: SettlerAtHand, face: str
) -> None:
    """A second first use is 401: what a log or a proxy has kept of the URL is worth nothing."""
    request_id = accepted["quoteRequest"]["id"]
    issued = await ticket_for(api, accepted["watchToken"])
    assert (issued.status_code, issued.json()["expiresInSeconds"]) == (201, 30)
    assert issued.headers["cache-control"] == "no-store"
    url = url_of(face, request_id, issued.json()["ticket"])
    async with browser(api) as client, browser(api) as other:
        async with client.stream("GET", url) as response:
            assert response.status_code == 200
            cookie = response.headers["set-cookie"]
            await until(lambda: api.services.live.subscriptions == 1)
        parts = {part.strip().partition("=")[0] for part in cookie.split(";")[1:]}
        assert {"HttpOnly", "SameSite", "Path", "Max-Age"} <= parts
        assert f"Path={url.path};" in cookie
        assert "SameSite=Strict" in cookie
        assert accepted["watchToken"] not in cookie
        assert (await other.get(url)).status_code == 401
        await settler.settle(accepted, *INSURERS)
        again = await client.get(url)
        assert (again.status_code, again.text.count("QuoteReceived") > 0) == (200, True)
        last = [line for line in again.text.splitlines() if line.startswith("id: ")][-1]
        assert (await client.get(url, headers={"Last-Event-ID": last.removeprefix("id: ")})).status_code == 204


@pytest.mark.parametrize("face", FACES)
async def test_a_ticket_opens_nothing_but_its_own_request(
    world: World, api: ApiAtHand, accepted: dict[str, Any], face: str
) -> None:
    """Neither the ticket nor its cookie opens another URL."""
    other = await world.accepted(api)
    ticket = (await ticket_for(api, accepted["watchToken"])).json()["ticket"]
    async with browser(api) as client:
        response = await client.get(url_of(face, other["quoteRequest"]["id"], ticket))
        assert "NOT_FOUND" in response.text
        response = await client.get(url_of(face, other["quoteRequest"]["id"], ticket))
        assert response.status_code == 401 or "NOT_FOUND" in response.text
    assert api.services.live.subscriptions == 0


async def test_a_ticket_is_for_streams_alone(api: ApiAtHand, accepted: dict[str, Any], world: World) -> None:
    """It is no token, and opens no query."""
    request_id = accepted["quoteRequest"]["id"]
    ticket = (await ticket_for(api, accepted["watchToken"])).json()["ticket"]
    async with browser(api) as client:
        authorization = {"Authorization": f"Bearer {ticket}"}
        assert (await client.get(f"/osago/quotes/{request_id}", headers=authorization)).status_code == 401
        assert (await client.get(f"/osago/quotes/{request_id}?ticket={ticket}")).status_code == 401
        document = {"query": "{ __typename }", "ticket": ticket}
        response = await client.get("/graphql", params=document, headers={"Accept": "application/json"})
        assert response.status_code == 401
        assert (await client.post(f"/graphql?ticket={ticket}", json={"query": WATCH})).status_code == 401


async def test_tickets_are_for_watch_tokens(api: ApiAtHand) -> None:
    """A service opens streams with `Authorization`; without a token there are none."""
    assert (await ticket_for(api, api.token)).status_code == 403
    assert (await ticket_for(api, "none")).status_code == 401


@pytest.mark.parametrize("bad", ["", "none", "a.b.c"])
@pytest.mark.parametrize("face", FACES)
async def test_what_is_no_ticket_is_401(api: ApiAtHand, accepted: dict[str, Any], face: str, bad: str) -> None:
    async with browser(api) as client:
        for ticket in (bad, accepted["watchToken"]):
            response = await client.get(url_of(face, accepted["quoteRequest"]["id"], ticket))
            assert response.status_code == 401


@pytest.mark.parametrize("face", FACES)
async def test_a_ticket_holds_for_half_a_minute(
    api: ApiAtHand, accepted: dict[str, Any], face: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.auth.tokens.TICKET_TTL", timedelta(seconds=-1))
    request_id = request_id_of(accepted["quoteRequest"]["id"])
    assert request_id
    ticket = api.services.tokens.ticket(request_id, api.services.clock.now())
    async with browser(api) as client:
        assert (await client.get(url_of(face, str(request_id), ticket))).status_code == 401


async def test_without_redis_no_ticket_is_taken(world: World) -> None:
    """Whether it has been used cannot be known then; the error says when to try again."""
    world.write_insurers(*INSURERS)
    world.set(redis_url="redis://127.0.0.1:1/0")
    api = await world.api()
    accepted = await world.accepted(api)
    ticket = (await ticket_for(api, accepted["watchToken"])).json()["ticket"]
    async with browser(api) as client:
        response = await client.get(url_of("rest", accepted["quoteRequest"]["id"], ticket))
    assert (response.status_code, response.json()["code"]) == (503, "UNAVAILABLE")
