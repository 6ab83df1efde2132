"""Access to the API: origins, expiry, limits of sockets, introspection, trusted documents, GraphiQL behind a token."""

import base64
import hashlib
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest
from support.plain_http import plain_http
from support.socket import opened
from support.until import until
from support.world import SECRET, ApiAtHand, World
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from app.api.auth.tokens import Tokens
from app.api.connections.origin_guard import parse_origins
from app.api.http.negotiation import negotiated
from app.domain.errors import WrongSetting
from app.runtime.clock import Clock
from cli.quote.aggregator_client import CREATE

INSURERS = "{ insurers { id } }"
TYPES = "{ __schema { types { name } } }"
FORBIDDEN = 403
SHOP = "https://shop.example"


async def sent(url: str, method: str = "GET", **more: Any) -> httpx.Response:
    async with plain_http() as http:
        return await http.request(method, url, **more)


async def opens_from(api: ApiAtHand, origin: str | None) -> bool:
    """Whether a page of this origin gets a socket."""
    url = api.graphql.replace("http", "ws", 1)
    try:
        async with connect(
            url, origin=Origin(origin) if origin else None, subprotocols=[Subprotocol("graphql-transport-ws")]
        ):
            return True
    except InvalidStatus as refused:
        return refused.response.status_code != FORBIDDEN


async def code_of(api: ApiAtHand, query: str, token: str | None = None) -> str | None:
    """The code of the first error."""
    body = (await api.post(query, token=token or api.token)).json()
    return body["errors"][0]["extensions"]["code"] if "errors" in body else None


async def test_sockets_open_from_our_own_pages_and_from_listed_ones(world: World) -> None:
    """Programs send no origin, and connect. An origin that cannot be parsed is a foreign one."""
    world.write_insurers("sever")
    closed = await world.api()
    world.set(origins=f"{SHOP},http://127.0.0.1:8200")
    listing = await world.api()
    own = closed.url
    assert [await opens_from(closed, origin) for origin in (None, own, SHOP, "null", "https://127.0.0.1")] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert [await opens_from(listing, o) for o in (SHOP, f"{SHOP}.evil.example", "http://shop.example", "null")] == [
        True, False, False, False,
    ]  # fmt: skip


async def test_cors_is_off_until_origins_are_listed(world: World) -> None:
    """A listed origin is allowed, without cookies; all others are not."""
    world.write_insurers("sever")
    closed = await world.api()
    world.set(origins=SHOP)
    listing = await world.api()
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    headers = {"Authorization": f"Bearer {closed.token}"}

    async def preflight(api: ApiAtHand, origin: str) -> Mapping[str, str]:
        return (await sent(api.graphql, "OPTIONS", headers={"Origin": origin, **asks})).headers

    async def call(api: ApiAtHand, origin: str) -> Mapping[str, str]:
        return (
            await sent(api.graphql, "POST", json={"query": INSURERS}, headers={"Origin": origin, **headers})
        ).headers

    for ask in (preflight, call):
        assert "access-control-allow-origin" not in await ask(closed, SHOP)
        assert "access-control-allow-origin" not in await ask(listing, "https://evil.example")
        found = await ask(listing, SHOP)
        assert found["access-control-allow-origin"] == SHOP
        assert "access-control-allow-credentials" not in found


@pytest.mark.parametrize(
    "origins", ["shop.example", "https://shop.example/page", "https://", "ftp://x", "https://Shop.example"]
)
def test_an_origin_is_an_origin(origins: str) -> None:
    """A list with a typing error would let in no page or all pages: the setting is refused."""
    with pytest.raises(WrongSetting, match="OSAGO_ORIGINS"):
        parse_origins(origins)


async def test_a_socket_ends_with_its_token(world: World) -> None:
    """4403: a client comes back with a fresh one, and goes on from its cursor."""
    world.write_insurers("sever")
    api = await world.api()
    accepted = await world.accepted(api)
    short = Tokens(SECRET, Clock(), watch_ttl_s=1).service_token("core-app", "quotes:read", timedelta(seconds=2))
    async with opened(api.graphql) as socket:
        await socket.init(short)
        await socket.watch(accepted["quoteRequest"]["id"])
        assert await socket.closed() == (4403, "Token expired")
    await until(lambda: api.services.live.subscriptions == 0)
    async with opened(api.graphql) as socket:
        await socket.send({"type": "connection_init", "payload": {"token": short}})
        assert (await socket.closed())[0] == 4403


async def test_sockets_of_one_token_have_a_limit(world: World) -> None:
    """The socket above the limit is closed with a retryable code; a place is free again when another socket closes."""
    world.write_insurers("sever")
    world.set(sockets_per_token=2)
    api = await world.api()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(opened(api.graphql))
        second = await stack.enter_async_context(opened(api.graphql))
        await first.init(api.token)
        await second.init(api.token)
        third = await stack.enter_async_context(opened(api.graphql))
        await third.send({"type": "connection_init", "payload": {"token": api.token}})
        assert (await third.closed())[0] == 1013
        other = await stack.enter_async_context(opened(api.graphql))
        await other.init(world.token("another-app"))
        await first.connection.close()
        await until(lambda: api.services.sockets.open == 2)
        fourth = await stack.enter_async_context(opened(api.graphql))
        await fourth.init(api.token)


async def test_sockets_of_one_address_have_a_limit(world: World) -> None:
    """Sockets that have not authenticated yet count too; behind a proxy the address is the forwarded one."""
    world.write_insurers("sever")
    world.set(sockets_per_address=2)
    api = await world.api()
    url = api.graphql.replace("http", "ws", 1)
    async with opened(api.graphql), opened(api.graphql):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(url):
                pass
        assert refused.value.response.status_code == 429
        assert refused.value.response.headers["Retry-After"]
        async with connect(
            url,
            additional_headers={"X-Forwarded-For": "203.0.113.7"},
            subprotocols=[Subprotocol("graphql-transport-ws")],
        ):
            pass


async def test_a_mutation_is_finished_for_a_client_that_left(world: World) -> None:
    """A mutation that has begun is committed: its client finds the request again by its reference."""
    world.write_insurers("sever")
    api = await world.api()
    async with world.database.locked("osago_requests"), opened(api.graphql) as socket:
        await socket.init(api.token)
        await socket.subscribe(CREATE, {"input": world.new_request(clientReference="ref-1")})
        await until(lambda: api.services.finishing.open == 1)

    async def stored() -> bool:
        return bool(await world.database.fetch("SELECT 1 FROM osago_requests WHERE client_reference = 'ref-1'"))

    await until(stored)


@pytest.mark.parametrize(
    ("mode", "codes"), [("on", [None, None]), ("admin", ["FORBIDDEN", None]), ("off", ["FORBIDDEN"] * 2)]
)
async def test_introspection_is_for_the_callers_of_the_setting(
    world: World, mode: str, codes: list[str | None]
) -> None:
    """The setting holds on both transports; `__typename`, which every client asks for, stays."""
    world.write_insurers("sever")
    world.set(introspection=mode)
    api = await world.api()
    admin = world.token(scope="admin quotes:read")
    hidden = 'query { ...f } fragment f on Query { ... { a: __type(name: "Query") { name } } }'
    for query in (TYPES, hidden):
        assert [await code_of(api, query), await code_of(api, query, admin)] == codes
    async with opened(api.graphql) as socket:
        await socket.init(api.token)
        await socket.subscribe(TYPES)
        assert (await socket.receive())["type"] == ("error" if codes[0] else "next")
    assert await code_of(api, "{ __typename }") is None


async def test_trusted_documents_go_by_their_hash_on_both_transports(world: World) -> None:
    """With `OSAGO_TRUSTED_DOCUMENTS_ONLY` every other document is refused."""
    world.write_insurers("sever")
    hash_ = hashlib.sha256(INSURERS.encode()).hexdigest()
    file = world.folder / "trusted.json"
    file.write_text(json.dumps({hash_: INSURERS}))
    world.set(trusted_documents=file, only_trusted_documents=True)
    api = await world.api()
    headers = {"Authorization": f"Bearer {api.token}"}
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": hash_}}
    posted = await sent(api.graphql, "POST", json={"extensions": extensions}, headers=headers)
    got = await sent(api.graphql, params={"extensions": json.dumps(extensions)}, headers=headers)
    unknown = await sent(api.graphql, "POST", json={"documentId": "0" * 64}, headers=headers)
    assert posted.json() == got.json() == {"data": {"insurers": [{"id": "sever"}]}}
    assert unknown.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert await code_of(api, INSURERS) is None
    assert await code_of(api, "{ __typename }") == "UNTRUSTED_DOCUMENT"
    async with opened(api.graphql) as socket:
        await socket.init(api.token)
        await socket.send({"id": "1", "type": "subscribe", "payload": {"extensions": extensions}})
        assert (await socket.receive())["payload"] == {"data": {"insurers": [{"id": "sever"}]}}
        await socket.receive()
        await socket.subscribe("{ __typename }")
        assert (await socket.receive())["payload"][0]["extensions"]["code"] == "UNTRUSTED_DOCUMENT"


@pytest.mark.parametrize("mode", ["admin", "off"])
async def test_graphiql_is_for_the_callers_of_the_setting(world: World, mode: str) -> None:
    """A browser is asked for the token; a service's token without the scope opens nothing."""
    world.write_insurers("sever")
    world.set(graphiql=mode)
    api = await world.api()

    async def page(token: str | None) -> httpx.Response:
        shown = {"Authorization": "Basic " + base64.b64encode(f"me:{token}".encode()).decode()} if token else {}
        return await sent(api.graphql, headers={"Accept": "text/html,*/*;q=0.8", **shown})

    asked, service, admin = [await page(token) for token in (None, api.token, world.token(scope="admin"))]
    assert (asked.status_code, service.status_code) == (401, 401)
    if mode == "off":
        assert "html" not in admin.headers["content-type"]
        return
    assert asked.headers["www-authenticate"].startswith("Basic ")
    assert admin.status_code == 200
    assert admin.headers["content-type"].startswith("text/html")
    for broken in ("Basic", "Basic ???", "Basic " + base64.b64encode(b"\xff").decode(), "Basic x", "Bearer x"):
        answer = await sent(api.graphql, headers={"Accept": "text/html", "Authorization": broken})
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        ("application/graphql-response+json", "application/graphql-response+json"),
        ("application/graphql-response+json, application/json;q=0.9", "application/graphql-response+json"),
        ("application/json, application/graphql-response+json", "application/json"),
        ("application/graphql-response+json;q=0.1, application/json", "application/json"),
        ("application/graphql-response+json;q=0, */*", "application/json"),
        ("text/event-stream, application/json;q=0.5", "application/json"),
        ("text/event-stream, */*;q=0.1", "application/json"),
        ("*/*, application/graphql-response+json", "application/graphql-response+json"),
        ("APPLICATION/JSON ; Q=1", "application/json"),
        ("text/event-stream", None),
        ("application/json;q=0", None),
        ("application/json;q=x", None),
    ],
)  # fmt: skip
def test_the_media_type_is_negotiated_by_quality_and_order(accept: str | None, expected: str | None) -> None:
    """A request that accepts neither type gets no answer in either."""
    assert negotiated(accept) == expected


async def test_an_accept_without_our_types_is_406(world: World) -> None:
    """The error is 406, as plain JSON."""
    world.write_insurers("sever")
    api = await world.api()
    answer = await api.post(INSURERS, headers={"Accept": "application/xml"})
    assert answer.status_code == 406
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
