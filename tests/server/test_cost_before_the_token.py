"""Requests without a token: the server parses no cookies, queries, documents or lists of headers before it refuses them."""

import asyncio
import logging
import time
from typing import Any, NoReturn
from uuid import uuid4

import pytest
from starlette.requests import cookie_parser
from support.console import LOOK, browser, own_page, sign_in
from support.plain_http import plain_http
from support.raw_http import CLOSE, TEXT, frame, raw_connection
from support.world import ApiAtHand, World
from websockets.headers import parse_connection, parse_upgrade

from app.api.console.operator_access import COOKIE
from app.server.http1.admitted_http import OFFER_BYTES_MAX
from app.server.http1.cookies import cookie_of
from app.server.http1.http_limits import PATH_BYTES_MAX

QUERY = 'subscription{quotes(requestId:"x"){__typename}}'


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers("sever")
    return await world.api()


def never(*_: object, **__: object) -> NoReturn:
    raise AssertionError("it was read")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("osago=1", "1"),
        ("a=2; osago=1; b=3", "1"),
        ("a=2;osago=1;b=3", "1"),
        ("osago=1=2", "1=2"),
        ("osago=1; osago=2", "1"),
        ("osago=; osago=2", "2"),
        ("a=2\nosago=1", "1"),
        ("  osago=1", "1"),
        ("a=2;\tosago = 1 ; b=3", "1"),
        ('osago="1"; a=2', "1"),
        ("; " * 60_000 + "osago=1", "1"),
        (" " * 60_000 + "osago=1", "1"),
        ("osago" * 20_000, ""),
        ("xosago=1", ""),
        ("osagox=1", ""),
        ("a=osago=1", ""),
        ("osago", ""),
        ("", ""),
        ('a="' + '\\"' * 60_000 + '"; osago=1', "1"),
        (";=" * 60_000, ""),
    ],
    ids=lambda value: value[:20],
)
def test_of_all_cookies_the_one_is_read(header: str, value: str) -> None:
    """The rest takes no longer than it takes to look through it: Python's own reader would take half a minute."""
    began_at = time.process_time()
    assert cookie_of(header.split("\n"), "osago") == value
    assert time.process_time() - began_at < 1


async def test_no_door_reads_all_cookies(world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream's, the console's, core-app's."""
    core_app, read = await world.core_app(api), list[str]()

    def noted(header: str) -> dict[str, str]:
        read.append(header)
        return cookie_parser(header)

    monkeypatch.setattr("starlette.requests.cookie_parser", noted)
    headers = {"Cookie": f'a="\\""; {COOKIE}=x', "Accept": "text/event-stream"}
    async with plain_http() as http:
        for url in (
            f"{api.url}/osago/quotes/{uuid4()}/events?ticket=x",
            f"{api.graphql}?query={QUERY}&ticket=x",
            f"{api.url}/operator/api/session",
        ):
            assert (await http.get(url, headers=headers)).status_code in {401, 403}, url
        assert (await http.get(f"{core_app}/applications/7", headers=headers)).status_code in {404, 422}
        for name in ("osago_customer", "osago_customers"):
            long = {"Cookie": f'{name}="{"x" * 3000}"'}
            assert (await http.get(f"{core_app}/applications/7", headers=long)).status_code in {404, 422}
    async with browser(api) as http:
        await sign_in(http, api, world.token("night-shift", LOOK))
        assert (await http.get("api/session", headers=own_page(api))).status_code == 200
    assert read == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_document_is_decoded_for_nobody(api: ApiAtHand, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Neither the query of the URL nor the JSON of the body is decoded before 401, for streams and for plain answers."""
    for module in ("subscription_answer", "view"):
        monkeypatch.setattr(f"app.api.http.{module}.request_from_url", never)
        monkeypatch.setattr(f"app.api.http.{module}.decode_request", never)
    body, params = ({"query": QUERY}, None) if method == "POST" else (None, {"query": QUERY})
    async with plain_http() as http:
        for accept in ("text/event-stream", "application/json"):
            answer = await http.request(method, api.graphql, headers={"Accept": accept}, json=body, params=params)
            assert answer.status_code == 401


async def test_a_handshakes_lists_are_not_read(api: ApiAtHand, monkeypatch: pytest.MonkeyPatch) -> None:
    """30 KB of `Connection` would take the WebSocket's own parser 20 ms. It still becomes a WebSocket."""
    read: list[str] = []

    def noted(value: str) -> Any:
        read.append(value)
        return parse_connection(value)

    def noted_upgrade(value: str) -> Any:
        read.append(value)
        return parse_upgrade(value)

    monkeypatch.setattr("websockets.server.parse_connection", noted)
    monkeypatch.setattr("websockets.server.parse_upgrade", noted_upgrade)
    async with raw_connection(api.url) as connection:
        connection.write(handshake(b"Connection: %b\r\n" % (b"a," * 3500) * 4))
        assert (await connection.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    assert read == ["Upgrade", "websocket"]


@pytest.mark.parametrize("header", [b"Sec-WebSocket-Protocol", b"Sec-WebSocket-Extensions", b"Sec-WebSocket-Whatever"])
async def test_what_a_websocket_offers_is_short(api: ApiAtHand, header: bytes) -> None:
    """Lists of some hundred bytes are read; longer ones are answered with what is wrong."""
    for size, status in ((OFFER_BYTES_MAX - 300, b"101"), (OFFER_BYTES_MAX, b"431")):
        async with raw_connection(api.url) as connection:
            connection.write(handshake(b"%b: %b\r\n" % (header, b"a" + b",a" * (size // 2))))
            assert (await connection.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 %b " % status)


def handshake(more: bytes) -> bytes:
    return (
        b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%b\r\n" % more
    )


async def test_a_path_has_a_limit_and_a_query_none_of_its_own(api: ApiAtHand) -> None:
    """It is decoded before anything looks at it. Documents may be long, in an URL too."""
    for target, status in (
        ("/" + "%" * (PATH_BYTES_MAX - 1), 404),
        ("/" + "%" * PATH_BYTES_MAX, 414),
        ("/graphql?query=" + "a" * 4 * PATH_BYTES_MAX, 401),
    ):
        async with raw_connection(api.url) as connection:
            connection.write(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert (await connection.answer())[0] == status


async def test_a_preflight_names_few_headers(world: World) -> None:
    """As a page does; what it names is looked up one by one."""
    world.write_insurers("sever")
    world.set(origins="https://shop.example")
    api = await world.api()
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    async with plain_http() as http:
        for names, status in (("authorization, content-type", 200), ("," * 1025, 400)):
            answer = await http.options(api.graphql, headers={**headers, "Access-Control-Request-Headers": names})
            assert answer.status_code == status


@pytest.mark.parametrize("is_in_parts", [False, True])
async def test_a_text_that_is_none_closes_without_a_line(
    api: ApiAtHand,
    caplog: pytest.LogCaptureFixture,
    is_in_parts: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """RFC 6455, 8.1: 1007. A peer without a token writes no traceback into the log, frame by frame."""
    with caplog.at_level(logging.INFO):
        async with raw_connection(api.url) as connection:
            await connection.shake_hands()
            connection.write(frame(TEXT, b"\xff", fin=not is_in_parts))
            if is_in_parts:
                connection.write(frame(0, b""))
            async with asyncio.timeout(20):
                first, length = await connection.reader.readexactly(2)
                assert (first & 0xF, (await connection.reader.readexactly(length))[:2]) == (CLOSE, b"\x03\xef")
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []
