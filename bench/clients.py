"""The same job through bare HTTP clients: create, then poll until the offer is there. What the choice of client rests on.

`aiohttp` is the yardstick of `bench.calls`. The others are measured when they are installed:
`uv run --with httpx-aiohttp --with pyreqwest python -m bench.calls --clients`.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

Send = Callable[[str, str, bytes | None], Awaitable[bytes]]
"""Method, path and body; the body of the answer."""
Client = Callable[[str, int], Any]
"""Base URL and how many calls at once; opens a `Send`."""

HEADERS: Final = {
    "Authorization": "Bearer a-token-of-some-length-as-insurers-give-them",
    "Content-Type": "application/json",
    "Idempotency-Key": "01936d2f-6a5e-7c3b-9d41-2f8e5b7a9c10:sever",
}


@asynccontextmanager
async def aiohttp_bare(url: str, concurrent: int) -> AsyncGenerator[Send, None]:
    """Aiohttp as its documentation shows it."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrent)) as session:

        async def send(method: str, path: str, content: bytes | None) -> bytes:
            async with session.request(method, f"{url}/{path}", headers=HEADERS, data=content) as response:
                return await response.read()

        yield send


@asynccontextmanager
async def httpx_own(url: str, concurrent: int) -> AsyncGenerator[Send, None]:
    """Httpx over its own transport."""
    import httpx

    limits = httpx.Limits(max_connections=concurrent, max_keepalive_connections=concurrent)
    async with httpx.AsyncClient(limits=limits) as client:

        async def send(method: str, path: str, content: bytes | None) -> bytes:
            return (await client.request(method, f"{url}/{path}", headers=HEADERS, content=content)).content

        yield send


@asynccontextmanager
async def httpx_over_aiohttp(url: str, concurrent: int) -> AsyncGenerator[Send, None]:
    """Httpx over httpx-aiohttp's transport."""
    import httpx

    transport: Any = import_module("httpx_aiohttp").AiohttpTransport(limits=httpx.Limits(max_connections=concurrent))
    async with httpx.AsyncClient(transport=transport) as client:

        async def send(method: str, path: str, content: bytes | None) -> bytes:
            return (await client.request(method, f"{url}/{path}", headers=HEADERS, content=content)).content

        yield send


@asynccontextmanager
async def pyreqwest_bare(url: str, concurrent: int) -> AsyncGenerator[Send, None]:
    """pyreqwest, reqwest's Rust client."""
    builder: Any = import_module("pyreqwest.client").ClientBuilder()
    client: Any
    async with builder.max_connections(concurrent).build() as client:

        async def send(method: str, path: str, content: bytes | None) -> bytes:
            request: Any = client.request(method, f"{url}/{path}").headers(HEADERS)
            if content is not None:
                request = request.body_bytes(content)
            response = await request.build().send()
            return bytes(await response.bytes())

        yield send


_CLIENTS: Final[Mapping[str, tuple[Client, str]]] = {
    "httpx": (httpx_own, "httpx"),
    "httpx over aiohttp": (httpx_over_aiohttp, "httpx_aiohttp"),
    "pyreqwest": (pyreqwest_bare, "pyreqwest"),
}


def installed() -> Mapping[str, Client]:
    """Those clients that are there."""
    return {name: client for name, (client, module) in _CLIENTS.items() if find_spec(module)}
