"""Spans of messages by OpenTelemetry's conventions for messaging: what sends one is its context, what processes it is linked with it.

A message is a job of a stream, or an event of a request. It carries the context of the span that sent it in its short form.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from app.observability.tracing.spans import Span, SpanRole
from app.observability.tracing.trace_context import TraceContext, read_wire

if TYPE_CHECKING:
    from app.observability.tracing.otlp_tracer import OtlpTracer


class MessageChannel(NamedTuple):
    """Where messages go: a word for it, and its keys in Redis."""

    name: str
    template: str


JOBS: Final = MessageChannel("jobs", "{osago-NN}:jobs:<insurer id>")
EVENTS: Final = MessageChannel("events", "{osago-NN}:events:<request id>")


class Outgoing(NamedTuple):
    """One sending: what it is about, and how many messages it is."""

    request_id: UUID
    messages: int = 1
    insurer_id: str = ""


class Sending:
    """The sending of a batch: what the messages of each of it are to carry."""

    __slots__ = ("spans", "traces")

    def __init__(self, traces: Sequence[str], spans: Sequence[Span] = ()) -> None:
        self.traces = traces
        self.spans = spans

    def forget(self) -> None:
        """Nothing was sent: all of it had been sent before."""
        self.spans = ()


@contextmanager
def sending(
    tracer: "OtlpTracer | None",
    channel: MessageChannel,
    traces: Sequence[str],
    describe: Callable[[int], Outgoing],
    *,
    via: str = "",
) -> Generator[Sending, None, None]:
    """Around the sending of a batch: the trace of each of it, empty where it has none, and by its place what it is about.

    `via`: what sends it, where it is not the usual way. Where this process has no traces, what came with it is passed on.
    """
    if tracer is None or not any(traces):
        yield Sending(traces)
        return
    spans = [_begin_send(tracer, channel, trace, describe(place), via) for place, trace in enumerate(traces)]
    sent = Sending(["" if span is None else span.context.wire for span in spans], [one for one in spans if one])
    try:
        yield sent
    except Exception as error:
        for span in sent.spans:
            span.fail(type(error).__name__)
        raise
    finally:
        for span in sent.spans:
            span.end()


def _begin_send(tracer: "OtlpTracer", channel: MessageChannel, trace: str, one: Outgoing, via: str) -> Span | None:
    parent = read_wire(trace)
    if parent is None:
        return None
    attributes = {
        **_attributes(channel, "send", "send", str(one.request_id), one.insurer_id),
        "messaging.batch.message_count": one.messages,
        **({"osago.via": via} if via else {}),
    }
    return tracer.start(f"send {channel.name}", SpanRole.PRODUCER, parent, attributes)


def begin_process(
    tracer: "OtlpTracer",
    channel: MessageChannel,
    sent: TraceContext,
    *,
    request_id: str,
    insurer_id: str,
    verb: str = "process",
    began_ns: int | None = None,
) -> Span:
    """What becomes of a message: within the trace of what sent it, and linked with that."""
    attributes = _attributes(channel, verb, "process", request_id, insurer_id)
    return tracer.start(f"{verb} {channel.name}", SpanRole.CONSUMER, sent, attributes, links=[sent], began_ns=began_ns)


def _attributes(
    channel: MessageChannel, verb: str, kind: str, request_id: str, insurer_id: str
) -> dict[str, str | int | bool]:
    return {
        "messaging.system": "redis",
        "messaging.operation.name": verb,
        "messaging.operation.type": kind,
        "messaging.destination.template": channel.template,
        "osago.request_id": request_id,
        **({"osago.insurer": insurer_id} if insurer_id else {}),
    }
