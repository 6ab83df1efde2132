"""Thousands that connect at once take a few of a turn of the event loop each, and no answer waits for all of them."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from support.raw_http import RawConnection, raw_connection

from app.server.http1.arrivals import ARRIVALS_PER_TURN_MAX
from app.server.http1.direct_http import DirectProtocol
from app.server.serve import listen, serve_here

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CROWD = 10 * ARRIVALS_PER_TURN_MAX


async def served(stack: AsyncExitStack) -> str:
    async def answer(_: Request) -> PlainTextResponse:
        return PlainTextResponse("here")

    listening = listen("127.0.0.1", 0)
    await stack.enter_async_context(serve_here(Starlette(routes=[Route("/", answer)]), listening))
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


async def test_a_crowd_is_let_in_a_few_at_a_time_and_all_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that write before their turn are answered, too."""
    begun = [0]
    most = [0]

    class Counted(DirectProtocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            begun[0] += 1
            if begun[0] == 1:
                asyncio.get_running_loop().call_soon(turn_ends)
            super().connection_made(transport)

    def turn_ends() -> None:
        most[0], begun[0] = max(most[0], begun[0]), 0

    monkeypatch.setattr("app.server.serve.DirectProtocol", Counted)
    async with AsyncExitStack() as stack:
        url = await served(stack)

        async def asked() -> RawConnection:
            connection = await stack.enter_async_context(raw_connection(url))
            connection.write(GET)
            return connection

        crowd = await asyncio.gather(*(asked() for _ in range(CROWD)))
        assert [await connection.answer() for connection in crowd] == [(200, b"here")] * CROWD
    assert 0 < most[0] <= ARRIVALS_PER_TURN_MAX
