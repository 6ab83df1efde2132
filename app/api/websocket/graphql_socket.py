"""graphql-transport-ws: one connection, its operations, and the code that each misuse closes it with.

An operation's own fault never closes the socket: the other operations on it go on. Nothing is queued for a client that
reads slowly: its operations wait at their next message, and are ended with their cursors when it takes nothing any more.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, NoReturn

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from app.api.auth.tokens import Grant
from app.api.context import Context
from app.api.encoding import encode
from app.api.execution.operation import watched
from app.api.execution.subscriber import Subscriber
from app.api.graphql_errors import BadDocument, format_errors, from_exception, to_error
from app.api.http.request_head import request_id_from, token_of
from app.api.services import Services
from app.api.websocket.messages import (
    Complete,
    ConnectionInit,
    Frame,
    MalformedFrame,
    OverfullFrame,
    Ping,
    Pong,
    Subscribe,
    decode_frame,
)
from app.api.websocket.socket_channel import OperationTask, RunningOperation, SocketChannel, SocketWriter
from app.domain.caller import Caller
from app.domain.errors import NotAuthenticated, Overloaded, SlowConsumer
from app.observability.logs import REQUEST_ID
from app.server import closing_codes
from app.server.peer import address_of, budget_of, peer_of
from app.server.peer_budget import FLOOD, FLOOD_REASON, LATE, LATE_REASON, PeerCost

PROTOCOL: Final = "graphql-transport-ws"
INIT_S_MAX: Final = 5.0
OPERATIONS_MAX: Final = 100
OPENING_LENGTH_MAX: Final = 8192
"""Characters of a frame before the token is known: a token, and what else a client sends with it."""
EXPIRY_LOOKED_AT_EVERY_S: Final = 3600.0
"""A token may hold for years; a clock is set meanwhile."""


async def serve(websocket: WebSocket, services: Services) -> None:
    """Serves one connection until either side closes it."""
    if PROTOCOL not in websocket.scope["subprotocols"]:
        await websocket.accept()
        await websocket.close(closing_codes.SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable")
        return
    await websocket.accept(subprotocol=PROTOCOL)
    connection = _Connection(websocket, services)
    try:
        await connection.run()
    except WebSocketDisconnect:
        pass
    except closing_codes.SocketClosing as closing:
        if websocket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(WebSocketDisconnect):
                await websocket.close(closing.code, closing.reason)


class _Connection:
    def __init__(self, websocket: WebSocket, services: Services) -> None:
        self._websocket = websocket
        self._services = services
        self._running: dict[str, RunningOperation] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._peer = peer_of(websocket.scope)
        self._budget = budget_of(websocket.scope)
        self._line = SocketWriter(self._peer, self._running) if self._peer else None
        self._interrupted: Callable[[], Awaitable[NoReturn]] | None = None
        """Ends the connection although the client goes on."""
        self._reading: asyncio.Timeout | None = None
        self._expiring: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        grant = await self._initialised()
        try:
            with self._services.sockets.of_caller(self._services.shares.of(grant.caller)):
                await self._send({"type": "connection_ack"})
                await self._serve(grant)
        except Overloaded:
            raise closing_codes.SocketClosing(
                closing_codes.TRY_AGAIN_LATER, "Too many connections with this token"
            ) from None

    async def _serve(self, grant: Grant) -> None:
        """Reads until the client closes, the token expires, or the client reads too slowly."""
        try:
            async with asyncio.timeout(None) as self._reading:
                if self._peer:
                    self._peer.on_stalled = lambda: self._interrupt(partial(self._close_stalled, grant.caller))
                self._look_at_token(grant)
                while True:
                    await self._take_next(grant.caller)
        except TimeoutError:
            if self._interrupted is None:
                raise
            await self._interrupted()
        finally:
            self._let_go()
            if self._tasks:
                await asyncio.wait(self._tasks)

    def _let_go(self) -> None:
        self._cancel_operations()
        if self._expiring:
            self._expiring.cancel()
        if self._peer:
            self._peer.on_stalled = self._peer.on_writable = None

    def _interrupt(self, end: Callable[[], Awaitable[NoReturn]]) -> None:
        if self._interrupted is None and self._reading:
            self._interrupted = end
            self._reading.reschedule(asyncio.get_running_loop().time())

    def _look_at_token(self, grant: Grant) -> None:
        """Ends the connection when its token expires."""
        left_s = grant.expires_at_s - self._services.clock.now().timestamp()
        if left_s <= 0:
            self._interrupt(self._close_expired)
            return
        wait_s = min(left_s, EXPIRY_LOOKED_AT_EVERY_S)
        self._expiring = asyncio.get_running_loop().call_later(wait_s, self._look_at_token, grant)

    async def _close_expired(self) -> NoReturn:
        raise closing_codes.SocketClosing(closing_codes.FORBIDDEN, "Token expired")

    async def _close_stalled(self, caller: Caller) -> NoReturn:
        """Sends each operation the cursor to go on with. The client reads it if it wakes before it is cut off."""
        self._services.slow_consumers.report(
            address_of(self._websocket.scope),
            caller,
            [operation.request_id for operation in self._running.values()],
            socket=self._line.label if self._line else "ws",
            operations=len(self._running),
        )
        for operation_id, operation in self._cancel_operations().items():
            error = to_error(SlowConsumer(operation.place))
            await self._send({"id": operation_id, "type": "error", "payload": [error]})
        raise closing_codes.SocketClosing(closing_codes.TRY_AGAIN_LATER, "Slow consumer")

    async def _initialised(self) -> Grant:
        self._budget.expect_authentication(_now_s() + INIT_S_MAX)
        try:
            async with asyncio.timeout(INIT_S_MAX):
                frame = await self._frame(OPENING_LENGTH_MAX)
                while isinstance(frame, Ping | Pong):
                    await self._pong(frame)
                    frame = await self._frame(OPENING_LENGTH_MAX)
        except TimeoutError:
            raise closing_codes.SocketClosing(LATE, LATE_REASON) from None
        if not isinstance(frame, ConnectionInit):
            raise closing_codes.SocketClosing(closing_codes.UNAUTHORIZED, "Unauthorized")
        try:
            grant = self._services.tokens.grant(token_of(frame.payload or {}, self._websocket))
        except NotAuthenticated:
            raise closing_codes.SocketClosing(closing_codes.FORBIDDEN, "Forbidden") from None
        self._budget.authenticated()
        return grant

    async def _take_next(self, caller: Caller) -> None:
        try:
            await self._take(await self._frame(), caller)
        except OverfullFrame as overfull:
            await self._send({"id": overfull.id, "type": "error", "payload": [to_error(overfull.cause)]})

    async def _take(self, frame: Frame, caller: Caller) -> None:
        match frame:
            case Subscribe():
                await self._begin(frame, caller)
            case Complete(id=operation_id):
                if operation := self._running.pop(operation_id, None):
                    operation.cancel()
                    await asyncio.sleep(self._budget.delay_s(PeerCost.ABANDONED_OPERATION, now_s=_now_s()))
                else:  # it has ended by itself
                    self._spend_on_idle_message()
            case ConnectionInit():
                raise closing_codes.SocketClosing(closing_codes.TOO_MANY_INITS, "Too many initialisation requests")
            case Ping() | Pong():
                await self._pong(frame)

    async def _begin(self, frame: Subscribe, caller: Caller) -> None:
        if frame.id in self._running:
            raise closing_codes.SocketClosing(closing_codes.SUBSCRIBER_EXISTS, "Subscriber for this id already exists")
        if len(self._running) >= OPERATIONS_MAX:
            await self._send({"id": frame.id, "type": "error", "payload": [to_error(Overloaded("operations"))]})
            return
        context = Context(self._services, caller)
        task = asyncio.create_task(self._operate(frame, context))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._running[frame.id] = OperationTask(task, context)

    async def _operate(self, frame: Subscribe, context: Context) -> None:
        """An operation, or the beginning of one that a `Subscriber` goes on with."""
        REQUEST_ID.set(request_id_from(""))  # in the context of this operation's own task
        try:
            with structlog.contextvars.bound_contextvars(operation=frame.id):
                last = await self._stream(frame, context)
        except WebSocketDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - one operation is isolated from the others
            last = {"type": "error", "payload": [from_exception(error)]}
        # The id is free again before the client gets the message; an operation that it has completed meanwhile gets none.
        operation = self._running.get(frame.id)
        if last and isinstance(operation, OperationTask) and operation.context is context:
            del self._running[frame.id]
            with contextlib.suppress(WebSocketDisconnect):
                await self._send({"id": frame.id, **last})

    async def _stream(self, frame: Subscribe, context: Context) -> dict[str, Any] | None:
        """Sends every result of an operation; returns the message that ends it, None if a `Subscriber` sends that."""
        try:
            operation = self._services.operations.prepare(frame.payload, context.share)
        except BadDocument as error:
            return {"type": "error", "payload": format_errors(error.errors)}
        if self._line and operation.written and (source := await watched(operation, frame.payload, context)):
            await Subscriber(operation.written.encoded, context, SocketChannel(frame.id, self._line)).begin(source)
            return None
        async with contextlib.aclosing(self._services.runner.stream(operation, frame.payload, context)) as results:
            async for result in results:
                errors = format_errors(result.errors) if result.errors else None
                if errors and result.data is None:
                    return {"type": "error", "payload": errors}
                payload = {"data": result.data} | ({"errors": errors} if errors else {})
                await self._send({"id": frame.id, "type": "next", "payload": payload})
        return {"type": "complete"}

    def _cancel_operations(self) -> dict[str, RunningOperation]:
        cancelled = dict(self._running)
        self._running.clear()
        for operation in cancelled.values():
            operation.cancel()
        return cancelled

    async def _frame(self, length_max: int | None = None) -> Frame:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text = message.get("text") or ""
        if length_max is not None and len(text) > length_max:
            raise closing_codes.SocketClosing(closing_codes.BAD_REQUEST, "Message too long before the token")
        try:
            return decode_frame(text)
        except MalformedFrame as malformed:
            raise closing_codes.SocketClosing(closing_codes.BAD_REQUEST, str(malformed)) from None
        except OverfullFrame:
            if length_max is not None:
                raise closing_codes.SocketClosing(closing_codes.UNAUTHORIZED, "Unauthorized") from None
            raise

    def _spend_on_idle_message(self) -> None:
        if not self._budget.grants(PeerCost.IDLE_MESSAGE, now_s=_now_s()):
            raise closing_codes.SocketClosing(FLOOD, FLOOD_REASON)

    async def _pong(self, frame: Ping | Pong) -> None:
        self._spend_on_idle_message()
        if isinstance(frame, Ping):
            await self._send({"type": "pong"} | ({"payload": frame.payload} if frame.payload is not None else {}))

    async def _send(self, message: dict[str, Any]) -> None:
        text = encode(message).decode()
        # While the client takes nothing, one message waits before the socket, not one per operation.
        async with self._turn:
            if self._websocket.application_state is not WebSocketState.CONNECTED:  # it has ended while this one waited
                raise WebSocketDisconnect(closing_codes.ABNORMAL)
            await self._websocket.send_text(text)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
