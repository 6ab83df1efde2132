"""The span of a request to the API: within the caller's trace where it sent one, by the conventions for GraphQL and for HTTP servers.

A caller chooses both the sampled flag and the number of its trace; so what it asks for beyond the sampler's own share has a limit,
and a browser's wish does not count at all. What is refused before its token is known has no span.
"""

from typing import Final

import msgspec
from graphql import OperationType
from starlette.requests import HTTPConnection

from app.config.quantities import Rate
from app.domain.caller import Caller, Service
from app.observability.tracing.spans import Attributes, Span, SpanRole
from app.observability.tracing.trace_context import CallerContext, read_headers
from app.observability.tracing.tracing import Tracing
from app.runtime.clock import Clock
from app.use_cases.caller_shares import TokenBucket

OPERATION_NAME_LENGTH_MAX: Final = 64
"""Of a GraphQL operation, in a span: it is the caller's word."""


class TraceHeaders(msgspec.Struct, frozen=True, gc=False):
    """What a caller sent of its trace, as it came."""

    traceparent: str
    tracestate: str


def trace_headers(request: HTTPConnection) -> TraceHeaders | None:
    """Of a request that comes by ASGI; None without a `traceparent`."""
    headers = request.headers
    traceparent = headers.get("traceparent")
    return TraceHeaders(traceparent, headers.get("tracestate", "")) if traceparent else None


class RequestSpans:
    """Of one process. `limit`: the sampled traces that callers may have it follow beyond the sampler's share; None: any number."""

    def __init__(self, tracing: Tracing, clock: Clock, *, limit: Rate | None) -> None:
        self._tracer = tracing.tracer
        self._sampler = tracing.sampler
        self._clock = clock
        self._wishes = None if limit is None else TokenBucket(limit, limit.count)

    def begin_operation(
        self, kind: OperationType, name: str | None, caller: Caller, headers: TraceHeaders | None
    ) -> Span | None:
        """The span of a GraphQL operation; None where it is not sampled."""
        sent = _sent(caller, headers)
        if not self._is_sampled(sent):
            return None
        named = {"graphql.operation.name": name} if name and len(name) <= OPERATION_NAME_LENGTH_MAX else {}
        attributes = {"graphql.operation.type": kind.value, "http.route": "/graphql", **named}
        return self._start(" ".join([kind.value, *named.values()]), sent, attributes)

    def begin(self, name: str, caller: Caller, headers: TraceHeaders | None, attributes: Attributes) -> Span | None:
        """The span of any other request; None where it is not sampled."""
        sent = _sent(caller, headers)
        return self._start(name, sent, attributes) if self._is_sampled(sent) else None

    def _start(self, name: str, sent: CallerContext | None, attributes: Attributes) -> Span:
        parent, state = (sent.context, sent.state) if sent else (None, "")
        return self._tracer.start(name, SpanRole.SERVER, parent, attributes, state=state)

    def _is_sampled(self, sent: CallerContext | None) -> bool:
        sampler = self._sampler
        if sent is None:
            return sampler.takes_new()
        if not sampler.takes(sent):
            return False
        # As many as the sampler takes of traces that callers have no hand in, and those that the limit leaves.
        return self._wishes is None or sampler.takes_new() or not self._wishes.take(self._clock.monotonic())


def _sent(caller: Caller, headers: TraceHeaders | None) -> CallerContext | None:
    """Of a service, where it has sent a trace; a browser's does not count."""
    if headers is None or not isinstance(caller, Service):
        return None
    return read_headers(headers.traceparent, headers.tracestate)
