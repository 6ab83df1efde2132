"""The routes of the console. Each checks the session, calls what does the work, and writes JSON."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from app.api.auth.tokens import OperatorSession
from app.api.console import console_page
from app.api.console.console_actions import change_control, drop_letters, retry_letters
from app.api.console.console_answers import as_json, json_text
from app.api.console.console_parts import Console
from app.api.console.console_refusals import refusal
from app.api.console.console_views import controls, dead_letters, request_story
from app.api.console.operator_access import PATH
from app.api.graphql_errors import BadHttpRequest
from app.api.http.request_head import id_of, json_body
from app.observability.logs import REQUEST_ID
from app.server.direct_application import DRAINING
from app.server.http1.static_files import static_files

API: Final = f"{PATH}/api"
_OPENING: Final = b"retry: 2000\n\n"
_SIGNED_OUT: Final = b"event: signed-out\ndata:\n\n"


class _SignIn(msgspec.Struct):
    token: str


_read_sign_in: Final = msgspec.json.Decoder(_SignIn).decode


Handler = Callable[[Request, Console], Awaitable[Response]]


def routes(console: Callable[[], Console]) -> list[BaseRoute]:
    """All of them; `console` gives what they use once it is there."""

    def handled(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            return await _answer(request, console(), handler)

        return handle

    return [
        Route(PATH, console_page.page, methods=["GET"]),
        Route(f"{PATH}/", console_page.page, methods=["GET"]),
        Route(f"{PATH}/static/{{name}}", static_files(console_page.STATIC), methods=["GET"]),
        Route(f"{API}/session", handled(_session), methods=["GET"]),
        Route(f"{API}/session", handled(_sign_in), methods=["POST"]),
        Route(f"{API}/session", handled(_sign_out), methods=["DELETE"]),
        Route(f"{API}/snapshot", handled(_snapshot), methods=["GET"]),
        Route(f"{API}/events", handled(_events), methods=["GET"]),
        Route(f"{API}/request", handled(request_story), methods=["GET"]),
        Route(f"{API}/dead-letters", handled(dead_letters), methods=["GET"]),
        Route(f"{API}/dead-letters/drop", handled(drop_letters), methods=["POST"]),
        Route(f"{API}/dead-letters/retry", handled(retry_letters), methods=["POST"]),
        Route(f"{API}/controls", handled(controls), methods=["GET"]),
        Route(f"{API}/controls", handled(change_control), methods=["POST"]),
    ]


async def _answer(request: Request, console: Console, handler: Handler) -> Response:
    request_id = id_of(request)
    bound = REQUEST_ID.set(request_id)
    try:
        response = await handler(request, console)
    except Exception as error:  # noqa: BLE001 - one request is isolated from the next
        response = refusal(error)
    finally:
        REQUEST_ID.reset(bound)
    response.headers["X-Request-Id"] = request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


async def _session(request: Request, console: Console) -> Response:
    return as_json(_session_document(console.access.looking(request)))


async def _sign_in(request: Request, console: Console) -> Response:
    session, cookie = console.access.sign_in(request, _read_token(await json_body(request)))
    return as_json(_session_document(session), {"Set-Cookie": cookie})


async def _sign_out(request: Request, console: Console) -> Response:
    return as_json({}, {"Set-Cookie": console.access.sign_out(request)})


async def _snapshot(request: Request, console: Console) -> Response:
    console.access.looking(request)
    return json_text(await console.feed.latest())


async def _events(request: Request, console: Console) -> Response:
    session = console.access.looking(request)
    if request.method == "HEAD":  # it would have no body, and last as long
        return Response(status_code=405, headers={"Allow": "GET"})
    draining: asyncio.Event = request.scope.get("state", {}).get(DRAINING) or asyncio.Event()
    headers = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
    events = _snapshots(console, session, draining)
    first = await anext(events)  # what is refused is refused before the answer begins
    return StreamingResponse(_beginning_with(first, events), headers=headers, media_type="text/event-stream")


async def _snapshots(
    console: Console, session: OperatorSession, draining: asyncio.Event
) -> AsyncGenerator[bytes, None]:
    async def is_over(wait_s: float) -> bool:
        try:
            async with asyncio.timeout(wait_s):
                await draining.wait()
        except TimeoutError:
            return console.access.left_s(session) <= 0
        return True

    async for snapshot in console.feed.follow(is_over):
        yield b"event: snapshot\ndata: %b\n\n" % snapshot
    if not draining.is_set():
        yield _SIGNED_OUT


async def _beginning_with(first: bytes, more: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    try:
        yield _OPENING + first
        async for event in more:
            yield event
    finally:
        await more.aclose()


def _session_document(session: OperatorSession) -> Mapping[str, Any]:
    expires_at = datetime.fromtimestamp(session.expires_at_s, UTC)
    return {"subject": session.subject, "scopes": sorted(session.scopes), "expiresAt": expires_at.isoformat()}


def _read_token(body: bytes) -> str:
    try:
        return _read_sign_in(body).token.strip()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadHttpRequest(400, 'Expected {"token": "…"}') from None
