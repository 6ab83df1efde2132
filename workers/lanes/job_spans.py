"""The span of a job: from its delivery until its quote is out, within the trace of what enqueued it, and linked with that."""

from contextlib import AbstractContextManager

from app.observability.tracing.message_spans import JOBS, begin_process
from app.observability.tracing.spans import NO_SPAN, TRACE_ID, ago_ns, working_in
from app.observability.tracing.trace_context import read_wire
from app.redis.keys import GROUP
from app.resources import Resources
from workers.job import Holding


class JobSpans:
    """Of one lane. A job that is delivered again has another span, by another worker, in the same trace."""

    def __init__(self, resources: Resources, insurer_id: str, consumer: str) -> None:
        self._tracer = resources.tracing.tracer if resources.tracing else None
        self._clock = resources.clock
        self._insurer_id = insurer_id
        self._consumer = consumer

    def around(self, holding: Holding) -> AbstractContextManager[object]:
        """Around all that is done about a job; nothing where it is not traced, or in a form that this release does not know."""
        delivery = holding.delivery
        if self._tracer is None or not (sent := read_wire(delivery.trace)):
            return NO_SPAN
        span = begin_process(
            self._tracer,
            JOBS,
            sent,
            request_id=str(delivery.request_id),
            insurer_id=self._insurer_id,
            began_ns=ago_ns(self._clock.monotonic() - holding.trail.read_at_s),
        )
        span.set("messaging.consumer.group.name", GROUP)
        span.set("messaging.client.id", self._consumer)
        span.set("messaging.message.id", delivery.entry)
        span.set("osago.deliveries", delivery.deliveries)
        if delivery.taken_from:
            span.set("osago.taken_from", delivery.taken_from)
        TRACE_ID.set(span.context.trace_hex)  # until this task ends: what went wrong is logged after the span
        return working_in(span)
