"""A collector of traces: what processes send by OTLP over HTTP, as spans by name."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from app.server.serve import listen, serve_here

KINDS = {1: "INTERNAL", 2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}


@dataclass(frozen=True)
class SeenSpan:
    """A span as it was received; ids are hexadecimal, `parent` is empty for the first one of a trace."""

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    attributes: Mapping[str, Any]
    links: tuple[tuple[str, str], ...]
    failed: bool
    began_ns: int
    ended_ns: int
    state: str


@dataclass
class Receiver:
    """`spans` in the order in which they came."""

    url: str = ""
    spans: list[SeenSpan] = field(default_factory=list[SeenSpan])
    bodies: list[bytes] = field(default_factory=list[bytes])

    def environment(self, **more: str) -> dict[str, str]:
        """What a process needs to send its spans here at once."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "50", **more}

    def named(self, name: str) -> list[SeenSpan]:
        return [span for span in self.spans if span.name == name]

    def below(self, span: SeenSpan) -> list[SeenSpan]:
        """Its children."""
        return [one for one in self.spans if (one.trace, one.parent) == (span.trace, span.id)]


@asynccontextmanager
async def otlp_receiver() -> AsyncGenerator[Receiver, None]:
    receiver = Receiver()

    async def take(request: Request) -> Response:
        body = await request.body()
        receiver.bodies.append(body)
        receiver.spans += _spans(ExportTraceServiceRequest.FromString(body))
        return Response(b"", media_type="application/x-protobuf")

    app = Starlette()
    app.add_route("/v1/traces", take, methods=["POST"])
    listening = listen("127.0.0.1", 0)
    async with serve_here(app, listening):
        receiver.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        yield receiver


def _spans(sent: ExportTraceServiceRequest) -> list[SeenSpan]:
    return [
        SeenSpan(
            service=_attributes(of_process.resource.attributes)["service.name"],
            name=span.name,
            kind=KINDS[span.kind],
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            attributes=_attributes(span.attributes),
            links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
            failed=span.status.code == span.status.STATUS_CODE_ERROR,
            began_ns=span.start_time_unix_nano,
            ended_ns=span.end_time_unix_nano,
            state=span.trace_state,
        )
        for of_process in sent.resource_spans
        for of_library in of_process.scope_spans
        for span in of_library.spans
    ]


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
