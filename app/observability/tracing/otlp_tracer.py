"""OpenTelemetry's SDK, with its own settings: `OTEL_SERVICE_NAME`, `OTEL_BSP_…`, `OTEL_EXPORTER_OTLP_…`.

Imported only where traces are on. The decision about a trace is made once, at its beginning; every span after that is sampled.
"""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from app.observability.tracing.spans import Attributes, Span, SpanRole
from app.observability.tracing.trace_context import TraceContext

CLOSE_S_MAX: Final = 2.0
"""A process that ends waits so long for its last spans to be taken."""
_PACKAGE: Final = "osago-aggregator"
_KINDS: Final = {role: SpanKind[role.name] for role in SpanRole}
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_EMPTY: Final = Context()


class OtlpTracer:
    """Begins spans, and has them sent in batches by a thread of the SDK; what the collector does not take is dropped there."""

    def __init__(self, service: str, instance: str, processor: SpanProcessor | None = None) -> None:
        """`service` is the name where `OTEL_SERVICE_NAME` has none; `processor`: where spans go instead of the collector."""
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=_resource(service, instance),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(_PACKAGE, version(_PACKAGE))

    def start(
        self,
        name: str,
        role: SpanRole,
        parent: TraceContext | None,
        attributes: Attributes | None = None,
        links: Sequence[TraceContext] = (),
        *,
        began_ns: int | None = None,
        state: str = "",
    ) -> Span:
        """A sampled span that has begun; without a parent the first one of a new trace."""
        span = self._tracer.start_span(
            name,
            _EMPTY if parent is None else _context(parent, _SAMPLED, state),
            kind=_KINDS[role],
            attributes=attributes,
            links=[Link(_span_context(one, _SAMPLED)) for one in links],
            start_time=began_ns,
        )
        made = span.get_span_context()
        return Span(span, TraceContext(made.trace_id, made.span_id), self.start, _mark_failed)

    async def close(self) -> None:
        """Sends what is left; a collector that is away keeps no process from ending."""
        done, loop = asyncio.Event(), asyncio.get_running_loop()

        def shut_down() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # the loop is closed by then
                loop.call_soon_threadsafe(done.set)

        # Not a thread of the loop's executor: the interpreter waits for those.
        threading.Thread(target=shut_down, daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S_MAX):
                await done.wait()


def _mark_failed(span: Any, why: str) -> None:
    span.set_attribute("error.type", why)
    span.set_status(Status(StatusCode.ERROR))


def _resource(service: str, instance: str) -> Resource:
    """What the environment says of this process counts before what is known here."""
    known = {
        "service.name": service,
        "service.namespace": "osago",
        "service.instance.id": instance,
        "service.version": version(_PACKAGE),
    }
    said = OTELResourceDetector().detect()
    return Resource.create({name: value for name, value in known.items() if name not in said.attributes})


def _context(context: TraceContext, flags: TraceFlags, state: str = "") -> Context:
    return set_span_in_context(NonRecordingSpan(_span_context(context, flags, state)), _EMPTY)


def _span_context(context: TraceContext, flags: TraceFlags, state: str = "") -> SpanContext:
    states = TraceState.from_header([state]) if state else None
    return SpanContext(context.trace_id, context.span_id, is_remote=True, trace_flags=flags, trace_state=states)
