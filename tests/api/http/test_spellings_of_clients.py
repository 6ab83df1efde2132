"""Clients as they are: slashes at the end, ports in headers, tokens under other names, whole numbers with a point."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from support.plain_http import plain_http
from support.socket import opened
from support.until import until
from support.world import ApiAtHand, World

from app.api.websocket.graphql_socket import OPENING_LENGTH_MAX

INSURERS: Final = "{ insurers { id } }"


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers("sever")
    return await world.api()


async def sent(url: str, method: str = "GET", **more: Any) -> httpx.Response:
    async with plain_http() as http:
        return await http.request(method, url, **more)


@pytest.mark.parametrize("host", ["evil.example", "shop.example"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/osago/quotes/"),
        ("GET", "/osago/quotes/x/"),
        ("GET", "/osago/quotes/x/events/"),
        ("GET", "/healthz/"),
        ("GET", "/graphql/static"),
        ("GET", "/graphql/static/"),
        ("POST", "/callbacks/x/"),
        ("GET", "/callbacks"),
        ("POST", "/osago/quotes//"),
        ("POST", "/nothing"),
        ("POST", "//graphql"),
    ],
)
async def test_nothing_is_redirected(api: ApiAtHand, method: str, path: str, host: str) -> None:
    """A redirect would have a body with personal data sent again, to a host that the caller named."""
    answer = await sent(api.url + path, method, headers={"Host": host}, content=b"{}")
    assert 400 <= answer.status_code < 500
    assert "location" not in answer.headers


async def test_a_slash_too_many_is_what_is_wrong(api: ApiAtHand) -> None:
    """The problem says so in Russian; for an unknown path it says that there is nothing."""
    slash = await sent(f"{api.url}/osago/quotes/", "POST", content=b"{}")
    nothing = await sent(f"{api.url}/osago/quote")
    for answer, words in ((slash, "уберите косую черту в конце"), (nothing, "ничего нет")):
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
        assert words in answer.json()["title"]
    assert "косую" not in nothing.text


async def test_graphql_is_served_with_a_slash_too(api: ApiAtHand) -> None:
    """Over HTTP and over the WebSocket: many clients' settings have one."""
    headers = {"Authorization": f"Bearer {api.token}", "Host": "evil.example"}
    answer = await sent(f"{api.graphql}/", "POST", json={"query": INSURERS}, headers=headers)
    assert answer.json() == {"data": {"insurers": [{"id": "sever"}]}}
    async with opened(f"{api.graphql}/") as socket:
        await socket.init(api.token)


async def test_a_call_back_with_a_slash_is_kept_and_an_empty_one_comes_again(world: World, api: ApiAtHand) -> None:
    """Callers follow no 307; and a 204 for an empty body would be taken for its receipt."""
    accepted = await world.accepted(api)
    resources = await world.resources()
    token = resources.callbacks.token(UUID(accepted["quoteRequest"]["id"]), "sever")
    for path in (token, f"{token}/"):
        assert (await sent(f"{api.url}/callbacks/{path}", "POST", content=b"")).status_code == 400
        assert (await sent(f"{api.url}/callbacks/{path}", "POST", content=b"{}")).status_code == 204


async def test_event_streams_are_not_to_be_transformed(world: World, api: ApiAtHand) -> None:
    """A proxy that compresses holds events back until its buffer is full."""
    accepted = await world.accepted(api)
    headers = {"Authorization": f"Bearer {accepted['watchToken']}"}
    async with (
        plain_http() as http,
        http.stream(
            "GET", f"{api.url}/osago/quotes/{accepted['quoteRequest']['id']}/events", headers=headers
        ) as stream,
    ):
        assert stream.headers["cache-control"] == "no-store, no-transform"


async def test_a_proxy_may_name_the_usual_port(api: ApiAtHand) -> None:
    """`Host: shop.example:443` and `Origin: https://shop.example` are one host."""
    address = urlsplit(api.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = {
        "Host": "shop.example:443",
        "Origin": "https://shop.example",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "graphql-transport-ws",
    }
    writer.write(("GET /graphql HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in head.items()) + "\r\n").encode())
    assert (await reader.readline()).split()[1] == b"101"
    writer.close()


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION", "aUthorization"])
@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
async def test_a_token_may_come_as_a_header_would(api: ApiAtHand, name: str, scheme: str) -> None:
    """The name of the header may have any case."""
    async with opened(api.graphql) as socket:
        await socket.send({"type": "connection_init", "payload": {"x": 1, name: scheme + api.token}})
        assert await socket.receive() == {"type": "connection_ack"}


@pytest.mark.parametrize("type_", ["connection_init", "ping"])
async def test_what_comes_before_the_token_is_short(api: ApiAtHand, type_: str) -> None:
    """64 KiB of JSON is decoded for those alone that have shown a token."""
    async with opened(api.graphql) as socket:
        await socket.send({"type": type_, "payload": {"token": api.token, "x": [[]] * OPENING_LENGTH_MAX}})
        assert (await socket.closed())[0] == 4400
    await until(lambda: api.services.sockets.open == 0)


def with_year(world: World, year: object) -> Mapping[str, Any]:
    new_request = world.new_request()
    new_request["application"]["vehicle"]["year"] = year
    return new_request


@pytest.mark.parametrize(
    ("year", "status"), [(2021, 202), (2021.0, 202), (2021.5, 422), ("2021", 422), (True, 422), (1e300, 422)]
)
async def test_a_whole_number_may_have_a_point(world: World, api: ApiAtHand, year: object, status: int) -> None:
    """JSON Schema calls 2021.0 an integer, and GraphQL takes it."""
    headers = {"Authorization": f"Bearer {api.token}"}
    answer = await sent(f"{api.url}/osago/quotes", "POST", json=with_year(world, year), headers=headers)
    assert answer.status_code == status


async def test_the_page_is_compressed_once(api: ApiAtHand) -> None:
    """Its files are asked for without a token: the second answer is the first one's bytes."""
    url = f"{api.url}/graphql/static/graphiql.js"
    first, plain = await sent(url), await sent(url, headers={"Accept-Encoding": "identity"})
    assert first.headers["content-encoding"] == "gzip"
    assert first.content == plain.content
    assert "content-encoding" not in plain.headers
    assert first.headers["content-type"].startswith("text/javascript")
    again = await sent(url, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("nothing.js", "..%2f__init__.py", ".", "%2e%2e"):
        assert (await sent(f"{api.url}/graphql/static/{name}")).status_code == 404
