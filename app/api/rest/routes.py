"""The routes of the REST face. Each reads what HTTP says, calls a use case, and writes what came of it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from app.api.auth.tokens import TICKET_TTL
from app.api.context import Context
from app.api.encoding import encode
from app.api.graphql_errors import BadHttpRequest
from app.api.http.request_head import bearer, id_of, json_body
from app.api.http.stream_credentials import stream_grant
from app.api.request_spans import trace_headers
from app.api.rest import stream_socket
from app.api.rest.openapi import openapi
from app.api.rest.problem_details import problem
from app.api.rest.representations import accepted_document, request_document
from app.api.rest.sse import EventStream
from app.api.schema.mutations import create_request, read_input
from app.api.schema.queries import request_id_of
from app.api.services import Services
from app.domain.caller import Watcher
from app.domain.errors import NotAllowed, NotFound
from app.domain.intake.plausibility import warnings_of
from app.domain.quote import QuoteRequest
from app.observability.logs import REQUEST_ID
from app.observability.tracing.spans import NO_SPAN, Attributes, working_in
from app.postgres.database import reading
from app.postgres.request_rows import read_requests

PATH: Final = "/osago/quotes"
TICKETS: Final = "/osago/tickets"
_POST: Final[Attributes] = {"http.request.method": "POST", "http.route": PATH}
_JSON: Final = "application/json"
_decoder: Final = msgspec.json.Decoder(dict[str, Any])
_Handler = Callable[[Request, Services], Awaitable[Response]]


def routes(services: Callable[[], Services]) -> list[BaseRoute]:
    """All of them; `services` gives the use cases once they are there."""

    def handled(handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            return await _answer(request, services(), handler)

        return handle

    async def serve(websocket: WebSocket) -> None:
        await stream_socket.serve(websocket, services())

    return [
        Route(PATH, handled(_create), methods=["POST"]),
        Route(PATH + "/{request_id}", handled(_read), methods=["GET"]),
        Route(PATH + "/{request_id}/events", handled(_events), methods=["GET"]),
        WebSocketRoute(PATH + "/{request_id}/stream", serve),
        Route(TICKETS, handled(_ticket), methods=["POST"]),
        Route("/osago/openapi.json", _openapi, methods=["GET"]),
    ]


async def _answer(request: Request, services: Services, handler: _Handler) -> Response:
    request_id = id_of(request)
    bound = REQUEST_ID.set(request_id)
    try:
        response = await handler(request, services)
    except Exception as error:  # noqa: BLE001 - one request is isolated from the next
        response = problem(error)
    finally:
        REQUEST_ID.reset(bound)
    response.headers["X-Request-Id"] = request_id
    return response


async def _create(request: Request, services: Services) -> Response:
    context = _context(request, services)
    body = _body(await json_body(request))
    spans = services.spans
    span = spans.begin(f"POST {PATH}", context.caller, trace_headers(request), _POST) if spans else None
    with NO_SPAN if span is None else working_in(span):
        wanted = read_input(context, body)
        warnings = warnings_of(wanted.application)
        accepted = await create_request(context, wanted)
    location = {"Location": f"{PATH}/{accepted.id}"}
    return _json(accepted_document(accepted, warnings, context), 202, location)


async def _read(request: Request, services: Services) -> Response:
    context, request_id = _context(request, services), _request_id(request)
    context.share.take_query()
    return _json(request_document(await _found(context, services, request_id), context))


async def _found(context: Context, services: Services, request_id: UUID) -> QuoteRequest:
    async with reading(services.pool) as connection:
        found = (await read_requests(connection, [request_id])).get(request_id)
    if found is None or not context.may_see(found):
        raise NotFound
    await services.pool.confirm()
    return found


async def _events(request: Request, services: Services) -> Response:
    request_id = _request_id(request)
    grant, headers = await stream_grant(request, services)
    stream = EventStream(request, services, grant, request_id)
    stream.headers.update(headers)
    return stream


async def _ticket(request: Request, services: Services) -> Response:
    """A ticket for the request of a watch token: its stream's cookie lasts until `expiresAt`."""
    context = _context(request, services)
    if not isinstance(context.caller, Watcher):
        raise NotAllowed
    context.share.take_query()
    found = await _found(context, services, context.caller.request_id)
    until = max(found.expires_at, services.clock.now() + TICKET_TTL)
    ticket = services.tokens.ticket(found.id, until)
    return _json({"ticket": ticket, "expiresInSeconds": TICKET_TTL.total_seconds()}, 201)


async def _openapi(_request: Request) -> Response:
    return _json(openapi())


def _context(request: Request, services: Services) -> Context:
    return Context(services, services.tokens.caller(bearer(request)))


def _request_id(request: Request) -> UUID:
    request_id = request_id_of(request.path_params["request_id"])
    if request_id is None:
        raise NotFound
    return request_id


def _body(body: bytes) -> Mapping[str, Any]:
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadHttpRequest(400, "Ожидается объект JSON, как CreateQuoteRequestInput.") from None


def _json(document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        encode(document), status, headers={"Cache-Control": "no-store", **(headers or {})}, media_type=_JSON
    )
