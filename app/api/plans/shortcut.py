"""Before routing and middleware, which cost as much as a whole echo: a known mutation is answered here.

It decides nothing that the view behind it (`app.api.http`) decides: whatever is unusual, from a token that does not hold
to variables that do not fit, is left to it, with the body that was read. Whatever else comes to PATH (pages, other origins) takes the usual way.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec
import structlog
from graphql import ExecutionResult
from graphql.error import located_error
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.context import Context, Services
from app.api.http import BODY_BYTES_MOST, REQUEST_ID, encode, new_id, written
from app.api.http import answer as view
from app.api.mutations import created
from app.api.negotiation import negotiated
from app.api.plans.plan import Plan
from app.api.plans.selections import Info
from app.domain.caller import Caller
from app.domain.errors import NotAuthenticated

Asgi = tuple[Scope, Receive, Send]

Respond = Callable[[bytes, bytes], bool]
"""Takes the written headers and the body of an answer; tells whether it has sent them."""

_WRITTEN: Final = (
    b"content-length: %d\r\ncontent-type: %s; charset=utf-8\r\nx-request-id: %s\r\ncache-control: no-store\r\n"
)
_JSON: Final = b"application/json"
_OK: Final = 200


class _Sent(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    query: str
    variables: msgspec.Raw
    operation_name: str | None = None


_decode: Final = msgspec.json.Decoder(_Sent).decode


class _Head(NamedTuple):
    token: str
    media_type: str
    request_id: str


async def answer(app: ASGIApp, services: Services, asgi: Asgi) -> None:
    """Answers an HTTP request to PATH, or lets `app` do it."""
    scope, receive, send = asgi
    head = _head(scope)
    if head is None:
        await app(scope, receive, send)
        return
    body, messages = _whole(scope) or await _received(receive)
    planned = _planned(services, head, body)
    if planned is None:
        response = await view(Request(scope, _again(messages, receive)), services)
        if response.status_code != _OK or not _responded(scope, response):
            await response(scope, receive, send)
        return
    plan, wish, context = planned
    try:
        found = await created(context, wish)
        content = encode({"data": {plan.key: plan.write(found, Info(context))}})
    except Exception as error:  # noqa: BLE001 - one request is isolated from the next
        await _failed(error, plan, head, asgi)
        return
    await _answer(scope, send, head, content)


def _head(scope: Scope) -> _Head | None:
    """What the head of a request says that may be ours. Pages of other origins need headers that are set elsewhere."""
    if scope["method"] != "POST":
        return None
    headers: dict[bytes, bytes] = dict(scope["headers"])
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    type_ = headers.get(b"content-type", b"")
    accept = headers.get(b"accept")
    media_type = negotiated(accept.decode("latin-1") if accept is not None else None)
    if len(headers) != len(scope["headers"]) or b"origin" in headers or scheme.lower() != b"bearer":
        return None
    if media_type is None or (type_ != _JSON and not type_.startswith(_JSON + b";")):
        return None
    told = headers.get(b"x-request-id", b"").decode("latin-1")
    request_id = told if told and REQUEST_ID.fullmatch(told) else new_id()
    return _Head(token.decode("latin-1").strip(), media_type, request_id)


def _whole(scope: Scope) -> tuple[bytes, Sequence[Message]] | None:
    """The body, if it is there already: our own server tells; see `cli.protocol`."""
    whole: Callable[[], bytes | None] | None = scope.get("osago.body")
    body = whole and whole()
    return None if body is None else (body, [{"type": "http.request", "body": body, "more_body": False}])


async def _received(receive: Receive) -> tuple[bytes, Sequence[Message]]:
    """The body, as far as it may be ours, and the messages that it came in."""
    message = await receive()
    body, messages = message.get("body", b""), [message]
    while message.get("more_body") and len(body) <= BODY_BYTES_MOST:
        message = await receive()
        body += message.get("body", b"")
        messages.append(message)
    return body, messages


def _again(messages: Sequence[Message], receive: Receive) -> Receive:
    """Receives once more what was received already, then what follows."""
    left = iter(messages)

    async def received() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return received


def _planned(services: Services, head: _Head, body: bytes) -> tuple[Plan, msgspec.Struct, Context] | None:
    """How to run what is asked, if it is known well and its variables fit."""
    try:
        sent = _decode(body)
        plan = services.plans.known(sent.query, sent.operation_name)
        if plan is None:
            return None
        caller: Caller = services.tokens.caller(head.token)
        return plan, plan.input_of(plan.decode(sent.variables)), Context(services, caller)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, NotAuthenticated):
        return None


def _responded(scope: Scope, response: Response) -> bool:
    respond: Respond | None = scope.get("osago.respond")
    head = b"".join([name + b": " + value + b"\r\n" for name, value in response.raw_headers])
    return respond is not None and respond(head, bytes(response.body))


async def _answer(scope: Scope, send: Send, head: _Head, content: bytes) -> None:
    respond: Respond | None = scope.get("osago.respond")  # our own server's; see `cli.protocol`
    if respond and respond(_WRITTEN % (len(content), head.media_type.encode(), head.request_id.encode()), content):
        return
    headers = [
        (b"content-length", str(len(content)).encode()),
        (b"content-type", f"{head.media_type}; charset=utf-8".encode()),
        (b"x-request-id", head.request_id.encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _failed(error: Exception, plan: Plan, head: _Head, asgi: Asgi) -> None:
    """Tells of it as graphql-core would: the mutation's result is never null, so there is no data."""
    result = ExecutionResult(None, [located_error(error, [plan.node], [plan.key])])
    with structlog.contextvars.bound_contextvars(request_id=head.request_id):
        response = written(result, head.media_type)
    response.headers["X-Request-Id"] = head.request_id
    response.headers["Cache-Control"] = "no-store"
    await response(*asgi)
