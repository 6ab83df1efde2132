"""Answers that last begin at the pace at which a process admits connects (`app.server.connect_admission`), WebSockets and streams together."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from app.api.http.stream_formats import EVENT_STREAM
from app.runtime.cancellation import race
from app.server.connect_admission import CONNECTS, ConnectAdmission, try_again_text

_COMES_BACK: Final = "retry: %d\n: %s\n\n"
"""An EventSource takes any other status for the end, and comes back to a stream that ends, after as many milliseconds."""


class StreamTurn:
    """One answer's place in the admission (`app.server.connect_admission.Upgrade`)."""

    def __init__(self) -> None:
        self._decided: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()

    @property
    def is_open(self) -> bool:
        return not self._decided.done()

    def admit(self) -> None:
        self._decided.set_result(None)

    def refuse_for(self, retry_after_s: float) -> None:
        self._decided.set_result(retry_after_s)

    async def decided(self) -> float | None:
        """The seconds of a refusal; None: admitted."""
        return await self._decided


async def refusal_of(state: Mapping[str, Any], left: Callable[[], Awaitable[object]]) -> float | None:
    """Waits for the turn of an answer. Returns the seconds after which its client may come again; None: it may begin.

    `left` returns when the client has gone, which gives its place to the next one.

    Raises:
        ClientDisconnect: it has gone.
    """
    admission: ConnectAdmission | None = state.get(CONNECTS)
    if admission is None:
        return None
    turn = StreamTurn()
    admission.enter(turn, asyncio.get_running_loop().time())
    if not turn.is_open:
        return await turn.decided()

    async def gone() -> float | None:
        await left()
        raise ClientDisconnect

    return await race(turn.decided(), gone())


def come_again(method: str, content_type: str, retry_after_s: float, headers: Mapping[str, str]) -> Response:
    """The refusal, in the way that its client reads; `headers` are those of the answer that it would have had."""
    text = try_again_text(retry_after_s)
    if method == "GET" and content_type.startswith(EVENT_STREAM):
        return Response(_COMES_BACK % (math.ceil(retry_after_s * 1000), text), headers=dict(headers))
    kept = {name: value for name, value in headers.items() if name != "content-type"}
    more = {"Retry-After": str(math.ceil(retry_after_s))}
    return Response(f"{text}\n", 503, headers={**kept, **more}, media_type="text/plain")
