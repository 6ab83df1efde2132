"""What is read of a request before its token is checked: each header within a limit, and nothing long is kept of it."""

import asyncio
from typing import Any

import pytest

from app.api.connections.origin_guard import is_welcome
from app.api.http import negotiation
from app.api.http.negotiation import ACCEPT_LENGTH_MAX, LEGACY, MODERN, RANGES_MAX, negotiated
from app.health import EXPOSITION_SHARE_MAX, Exposition
from app.server.http1.forwarded import FORWARDED_BYTES_MAX, ForwardedClients


@pytest.mark.parametrize(
    "accept",
    [
        "," * 31_500 + "x/1",
        f"{MODERN}," + "x/y;q=0.1," * 3000,
        "application/xml;" + ";" * ACCEPT_LENGTH_MAX,
        "x/y" + ",x/y" * RANGES_MAX,
        f"{MODERN}" + "," * RANGES_MAX,
    ],
    ids=["commas", "ranges", "parameters", "17 ranges", "empty ranges"],
)
def test_an_accept_beyond_the_limits_says_nothing(accept: str) -> None:
    """It is `*/*`; a long one is not kept either."""
    kept = negotiation._negotiated.cache_info().currsize
    assert negotiated(accept) == LEGACY
    assert len(accept) <= ACCEPT_LENGTH_MAX or negotiation._negotiated.cache_info().currsize == kept


def test_an_accept_within_the_limits_is_heeded() -> None:
    """The header is read to its last character and range."""
    ranges = ",".join(["x/y"] * (RANGES_MAX - 1) + [MODERN])
    assert negotiated(ranges) == MODERN
    assert negotiated(f"{MODERN};{'a' * (ACCEPT_LENGTH_MAX - len(MODERN) - 1)}") == MODERN


async def client_of(*forwarded: bytes, proxies: str = "127.0.0.1,10.0.0.0/8") -> tuple[str, int]:
    """The client's address as the application behind has it, and the bytes of X-Forwarded-For that were left."""
    seen: dict[str, Any] = {}

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.update(scope)

    headers = [(b"host", b"x"), *((b"x-forwarded-for", value) for value in forwarded)]
    scope = {"type": "http", "headers": headers, "client": ("127.0.0.1", 1), "scheme": "http"}
    await ForwardedClients(app, proxies)(scope, None, None)
    return seen["client"][0], sum(len(value) for name, value in seen["headers"] if name == b"x-forwarded-for")


@pytest.mark.parametrize(
    "forwarded",
    [(b"10.1.2.3," * 3000 + b"203.0.113.7, 10.0.0.1",), (b"10.1.2.3",) * 900 + (b"203.0.113.7",)],
    ids=["one header", "many headers"],
)
def test_the_end_of_x_forwarded_for_is_read_and_no_more(forwarded: tuple[bytes, ...]) -> None:
    """Proxies add to its end; a client that has written 30 KB before pays for them alone."""
    client, read = asyncio.run(client_of(*forwarded))
    assert client == "203.0.113.7"
    assert read <= FORWARDED_BYTES_MAX


def test_an_address_that_is_cut_in_two_is_none() -> None:
    """Half of an address would count for a whole one."""
    assert asyncio.run(client_of(b"203.0.113.7" * 100)) == ("127.0.0.1", 0)
    assert asyncio.run(client_of(b"203.0.113.7, 10.0.0.1"))[0] == "203.0.113.7"


@pytest.mark.parametrize(
    ("origin", "host", "welcome"),
    [
        ("https://shop.example", "shop.example:443", True),
        ("https://shop.example:443", "shop.example", True),
        ("http://shop.example", "shop.example:80", True),
        ("https://Shop.example", "SHOP.example:443", True),
        ("https://[::1]", "[::1]:443", True),
        ("https://shop.example:8443", "shop.example:8443", True),
        ("https://shop.example", "shop.example:80", False),
        ("http://shop.example", "shop.example:443", False),
        ("https://shop.example", "shop.example:8443", False),
        ("https://shop.example.evil", "shop.example:443", False),
        ("https://", ":443", False),
        ("http://[", "x", False),
        ("https://" + "a" * 30_000, "a" * 30_000, False),
        ("null", "null", False),
    ],
)
def test_the_port_that_a_browser_leaves_out_is_the_schemes_own(origin: str, host: str, *, welcome: bool) -> None:
    """A proxy that passes `$host:$server_port` on does not make a page foreign; another port does."""
    assert is_welcome({"origin": origin, "host": host}, frozenset()) is welcome


def test_metrics_are_written_as_often_as_their_cost_allows() -> None:
    """Ten thousand questions in a second, of 30 ms each if each were answered anew, take a fiftieth of a core."""
    now_s, written = 0.0, 0

    def write() -> bytes:
        nonlocal now_s, written
        now_s, written = now_s + 0.030, written + 1
        return b"%d" % written

    exposition = Exposition(write, lambda: now_s)
    for _ in range(100_000):
        exposition.read()
        now_s += 0.001
    assert 0.030 * written <= 100 * EXPOSITION_SHARE_MAX * 1.1
    assert exposition.read() == b"%d" % written
