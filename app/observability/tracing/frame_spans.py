"""Spans of frames: the last step of a trace, an answer on its way to a subscriber."""

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.observability.tracing.message_spans import EVENTS, begin_process
from app.observability.tracing.spans import ago_ns
from app.observability.tracing.trace_context import TraceContext, read_wire

if TYPE_CHECKING:
    from app.observability.tracing.otlp_tracer import OtlpTracer

REQUESTS_MAX: Final = 1000
"""Sampled requests that are watched at once; of more than these the oldest have no more spans."""
FRAMES_MAX: Final = 256
"""Spans of one request and process: a client that subscribes again and again makes no more."""


class _Traced:
    """A sampled request: where its trace goes on, and when which answer came out of Redis."""

    __slots__ = ("arrived", "frames", "request")

    def __init__(self, request: TraceContext) -> None:
        self.request = request
        self.arrived: dict[str, tuple[TraceContext, float]] = {}
        self.frames = 0


class FrameSpans:
    """Of one process. A request that is not sampled costs a look into a mapping for each frame."""

    def __init__(self, tracer: "OtlpTracer") -> None:
        self._tracer = tracer
        self._traced: OrderedDict[UUID, _Traced] = OrderedDict()

    def watched(self, request_id: UUID, trace: str) -> None:
        """A subscription to it begins; `trace` is the context of its acceptance."""
        if request_id not in self._traced and (context := read_wire(trace)):
            self._keep(request_id, context)

    def arrived(self, request_id: UUID, insurer_id: str, trace: str) -> None:
        """An answer was read; the end has no insurer. `trace` is the context of what published it."""
        if context := read_wire(trace):
            known = self._traced.get(request_id) or self._keep(request_id, context)
            known.arrived[insurer_id] = (context, time.monotonic())

    def sent(self, request_id: UUID, socket: str, insurer_id: str) -> None:
        """A frame was written to the connection of this name."""
        known = self._traced.get(request_id)
        if known is None or known.frames >= FRAMES_MAX:
            return
        known.frames += 1
        published = known.arrived.get(insurer_id)
        # Without one the answer was read from PostgreSQL: what published it is not known.
        context, began_ns = (known.request, None) if published is None else (published[0], _since(published[1]))
        span = begin_process(
            self._tracer,
            EVENTS,
            context,
            request_id=str(request_id),
            insurer_id=insurer_id,
            verb="push",
            began_ns=began_ns,
        )
        span.set("osago.socket", socket)
        span.end()

    def _keep(self, request_id: UUID, context: TraceContext) -> _Traced:
        known = self._traced[request_id] = _Traced(context)
        if len(self._traced) > REQUESTS_MAX:
            self._traced.popitem(last=False)
        return known


def _since(moment_s: float) -> int:
    return ago_ns(time.monotonic() - moment_s)
