"""The stream over a WebSocket without GraphQL: one JSON document for each event, then closed with 1000."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import UUID

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from app.api.auth.tokens import Grant
from app.api.context import Context
from app.api.encoding import encode
from app.api.error_codes import BAD_REQUEST
from app.api.http.lasting_answer import Stopping
from app.api.http.request_head import bearer
from app.api.rest.problem_details import document_of
from app.api.rest.representations import event_document
from app.api.schema.queries import request_id_of
from app.api.schema.unwritable_quotes import written
from app.api.services import Services
from app.domain.errors import NotAuthenticated, NotFound, OsagoError, SlowConsumer
from app.runtime.cancellation import raise_if_cancelled
from app.server.peer import address_of, budget_of, peer_of
from app.server.peer_budget import FLOOD, FLOOD_REASON, LATE, PeerCost
from app.story import frame_book
from app.watch.events import Event, Follower
from app.watch.news_waiter import NewsWaiter, watching

OPENING_S_MAX: Final = 5.0
DONE: Final = 1000
TRY_AGAIN_LATER: Final = 1013
WRONG_OPENING: Final = 4400
FORBIDDEN: Final = 4403
NOT_THERE: Final = 4404
_CODES: Final = {
    BAD_REQUEST: WRONG_OPENING,
    "INVALID_CURSOR": WRONG_OPENING,
    "UNAUTHENTICATED": FORBIDDEN,
    "FORBIDDEN": FORBIDDEN,
    "NOT_FOUND": NOT_THERE,
}


class Opening(msgspec.Struct):
    """The first frame of a client that cannot send headers, as browsers cannot; `after` may stand in the URL, too."""

    token: str
    after: str | None = None


class _Stalled(Exception):
    """The client reads nothing any more."""


class _WrongOpening(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


_decoder: Final = msgspec.json.Decoder(Opening)


async def serve(websocket: WebSocket, services: Services) -> None:
    """Serves one stream until its end, or until either side closes it."""
    await websocket.accept()
    try:
        await _serve(websocket, services)
        await _close(websocket, DONE, "")
    except WebSocketDisconnect:
        return
    except _WrongOpening as wrong:
        await _close(websocket, wrong.code, wrong.reason)
    except OsagoError as error:
        document = document_of(error)
        with suppress(WebSocketDisconnect):  # it has gone meanwhile, or was cut off
            await websocket.send_text(encode(document).decode())
            await _close(websocket, _CODES.get(document["code"], TRY_AGAIN_LATER), document["code"])


async def _serve(websocket: WebSocket, services: Services) -> None:
    budget = budget_of(websocket.scope)
    budget.expect_authentication(asyncio.get_running_loop().time() + OPENING_S_MAX)
    opening = await _opening(websocket)
    grant = services.tokens.grant(opening.token)
    budget.authenticated()
    request_id = request_id_of(websocket.path_params["request_id"])
    if request_id is None:
        raise NotFound
    with services.sockets.of_caller(services.shares.of(grant.caller)):
        await _follow(websocket, services, grant, request_id, opening.after or websocket.query_params.get("after"))


async def _opening(websocket: WebSocket) -> Opening:
    try:
        return Opening(bearer(websocket))
    except NotAuthenticated:
        pass  # a browser: its first frame has the token
    try:
        async with asyncio.timeout(OPENING_S_MAX):
            message = await websocket.receive()
    except TimeoutError:
        raise _WrongOpening(LATE, "Token timeout") from None
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    try:
        return _decoder.decode(message.get("text") or "")
    except (msgspec.MsgspecError, RecursionError):
        raise _WrongOpening(WRONG_OPENING, "Expected a token") from None


async def _follow(websocket: WebSocket, services: Services, grant: Grant, request_id: UUID, after: str | None) -> None:
    waiter, label = NewsWaiter(), frame_book.socket_label("rest")
    stopping = Stopping(waiter.notify)
    sent = after

    async def send_event(event: Event) -> None:
        nonlocal sent
        await websocket.send_text(encode(written(event_document, event, services)).decode())
        services.frames.sent(request_id, label, event)
        sent = event.cursor.encode()

    context = Context(services, grant.caller)
    watch = watching(services.live, waiter, request_id, context.may_see, after, context.share)
    failure: OsagoError | None = None
    async with watch as follower, asyncio.TaskGroup() as tasks:
        services.frames.began(request_id, label, resumed=after is not None, answered=follower.cursor.answered)
        stops = [
            tasks.create_task(stopping.when_left(lambda: _left(websocket))),
            tasks.create_task(stopping.when_expired(grant, services)),
        ]
        try:
            async with _until_stalled(websocket):
                await _push(services, follower, waiter, stopping, send_event)
        except _Stalled:
            place = address_of(websocket.scope)
            services.slow_consumers.report(place, grant.caller, [request_id], socket=label, operations=1)
            failure = SlowConsumer(sent)
        except OsagoError as error:
            failure = error
        finally:
            services.frames.ended(
                request_id, label, frame_book.DONE if follower.is_over and not failure else frame_book.GONE
            )
            for task in stops:
                task.cancel()
    if stopping.has_left:
        raise WebSocketDisconnect
    if failure or stopping.reason:
        raise failure or NotAuthenticated


@asynccontextmanager
async def _until_stalled(websocket: WebSocket) -> AsyncGenerator[None, None]:
    """Breaks the block off, also in the middle of a message, when the client takes nothing any more.

    Raises:
        _Stalled: it does not.
    """
    peer = peer_of(websocket.scope)
    if peer is None:
        yield
        return
    pushing = asyncio.timeout(None)

    def stall() -> None:
        peer.on_stalled = None
        pushing.reschedule(asyncio.get_running_loop().time())

    peer.on_stalled = stall
    try:
        async with pushing:
            yield
    except TimeoutError:
        if not pushing.expired():
            raise
        raise _Stalled from None
    finally:
        peer.on_stalled = None


async def _push(
    services: Services,
    follower: Follower,
    waiter: NewsWaiter,
    stopping: Stopping,
    send: Callable[[Event], Awaitable[None]],
) -> None:
    """Sends the news of a follower until the request has ended, or the stream is to stop."""
    while not stopping.reason:
        raise_if_cancelled()
        for event in follower.news():
            await send(event)
            services.pushed.measure(event)
        if follower.is_over or stopping.reason:
            return
        await waiter.wait()


async def _left(websocket: WebSocket) -> None:
    """Reads until the client has left. It has nothing to say any more, and is closed when it says much."""
    budget, loop = budget_of(websocket.scope), asyncio.get_running_loop()
    while (await websocket.receive())["type"] != "websocket.disconnect":
        if not budget.grants(PeerCost.IDLE_MESSAGE, now_s=loop.time()):
            await _close(websocket, FLOOD, FLOOD_REASON)
            return


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    if websocket.application_state is WebSocketState.CONNECTED:
        await websocket.close(code, reason)
