"""Known mutations, answered between the HTTP parser and the socket: routing, middleware and ASGI itself cost as much again.

It decides nothing that the view (`app.api.http.view`) decides: whatever is unusual, from a token that does not hold to variables that
do not fit, is left to it. Pages of other origins go the usual way, for they need headers that are set there.
"""

from collections.abc import Coroutine, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import structlog
from graphql import ExecutionResult
from graphql.error import located_error

from app.api.compiled.mutation_plan import MutationPlan
from app.api.compiled.selections import Info
from app.api.context import Context, Services
from app.api.execution.operation import run
from app.api.graphql_request import GraphQLRequest
from app.api.http.negotiation import negotiated
from app.api.http.view import PATH, REQUEST_ID, encode, new_id, written
from app.api.schema.mutations import created
from app.domain.caller import Service
from app.domain.intake.formats import Broken
from app.intake.new_request import NewRequestInput, read_plain

Header = tuple[bytes, bytes]
"""A name in lower case, and a value."""
Answer = tuple[bytes, bytes]
"""Headers, each ended by CRLF, and the body that they describe. The status is 200."""

_HEADERS: Final = (
    b"content-length: %d\r\ncontent-type: %s; charset=utf-8\r\nx-request-id: %s\r\ncache-control: no-store\r\n"
)
_JSON: Final = b"application/json"


class _Sent(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    query: str
    variables: msgspec.Raw
    operation_name: str | None = None


_decode: Final = msgspec.json.Decoder(_Sent).decode


class _Head(NamedTuple):
    token: str
    media_type: str
    request_id: str


class DirectView:
    """What `app.server.http1.direct_http` asks about each POST to `path` before anybody else."""

    path: Final = PATH.encode()

    def __init__(self, services: Services) -> None:
        self._services = services

    def begin(self, headers: Sequence[Header], body: bytes) -> Coroutine[Any, Any, Answer] | None:
        """What will be the answer, if the mutation is known well and its variables fit; None: the usual way."""
        head = _head(headers)
        if head is None:
            return None
        services, sent, plan = self._services, None, None
        try:
            caller = services.tokens.caller(head.token)  # before anything is decoded for it
            if not isinstance(caller, Service):
                return None
            sent = _decode(body)
            plan = services.plans.known(sent.query, sent.operation_name)
            if plan is None:
                return None
            wanted = read_plain(
                plan.decode(sent.variables), now=services.clock.now(), configured=services.availabilities.ids
            )
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Broken):
            return None
        except Exception as error:  # noqa: BLE001 - a fault of a plan costs the plan alone
            if sent is not None:
                services.plans.give_up(sent.query, sent.operation_name, error)
            return None
        return _answer(plan, wanted, sent, Context(services, caller), head)


def _head(headers: Sequence[Header]) -> _Head | None:
    """What the head of a request says that may be ours."""
    named = dict(headers)
    scheme, _, token = named.get(b"authorization", b"").partition(b" ")
    type_ = named.get(b"content-type", b"")
    accept = named.get(b"accept")
    media_type = negotiated(accept.decode("latin-1") if accept is not None else None)
    if len(named) != len(headers) or b"origin" in named or scheme.lower() != b"bearer":
        return None
    if media_type is None or (type_ != _JSON and not type_.startswith(_JSON + b";")):
        return None
    told = named.get(b"x-request-id", b"").decode("latin-1")
    request_id = told if told and REQUEST_ID.fullmatch(told) else new_id()
    return _Head(token.decode("latin-1").strip(), media_type, request_id)


async def _answer(plan: MutationPlan, wanted: NewRequestInput, sent: _Sent, context: Context, head: _Head) -> Answer:
    try:
        found = await created(context, lambda: wanted)
        body = _written(plan, found, sent, context) or await _completed(found, sent, context, head)
    except Exception as error:  # noqa: BLE001 - one request is isolated from the next
        body = _failure(error, plan, head)
    return _HEADERS % (len(body), head.media_type.encode(), head.request_id.encode()), body


def _written(plan: MutationPlan, found: object, sent: _Sent, context: Context) -> bytes | None:
    """The body, by the plan; None where that fails: the request is accepted by now, and has its answer all the same."""
    try:
        return encode({"data": {plan.key: plan.write(found, Info(context))}})
    except Exception as error:  # noqa: BLE001 - a fault of a plan costs the plan alone
        context.services.plans.give_up(sent.query, sent.operation_name, error)
        return None


async def _completed(found: object, sent: _Sent, context: Context, head: _Head) -> bytes:
    """The body, by graphql-core, of what has been created already."""
    asked = GraphQLRequest(sent.query, msgspec.json.decode(sent.variables), sent.operation_name)
    operation = context.services.operations.prepare(asked)
    result = await run(operation, asked, Context(context.services, context.caller, created=found))
    return bytes(written(result, head.media_type).body)


def _failure(error: Exception, plan: MutationPlan, head: _Head) -> bytes:
    """Tells of it as graphql-core would: the mutation's result is never null, so there is no data."""
    result = ExecutionResult(None, [located_error(error, [plan.node], [plan.key])])
    with structlog.contextvars.bound_contextvars(request_id=head.request_id):
        return bytes(written(result, head.media_type).body)
