"""Whether this process has traces, and what makes them."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from app.domain.errors import WrongSetting
from app.observability.tracing.frame_spans import FrameSpans
from app.observability.tracing.head_sampler import HeadSampler

if TYPE_CHECKING:
    from app.observability.tracing.otlp_tracer import OtlpTracer

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PROTOCOL: Final = "http/protobuf"
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


@dataclass(frozen=True, slots=True)
class Tracing:
    """For the life of a process."""

    tracer: "OtlpTracer"
    frames: FrameSpans
    sampler: HeadSampler


@asynccontextmanager
async def open_tracing(kind: str, instance: str) -> AsyncGenerator[Tracing | None, None]:
    """What makes the traces of this process; None where it makes none. `kind` is `api` or `worker`.

    Raises:
        WrongSetting: as `check_tracing`.
    """
    if not is_on():
        yield None
        return
    check_tracing()
    from app.observability.tracing.otlp_tracer import OtlpTracer  # noqa: PLC0415 - OpenTelemetry, for those that want it

    tracer = OtlpTracer(f"osago-{kind}", instance)
    try:
        yield Tracing(tracer, FrameSpans(tracer), HeadSampler.from_environment())
    finally:
        await tracer.close()


def is_on() -> bool:
    """Whether spans go anywhere: there is an endpoint, and OpenTelemetry's own switches are not off."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    return bool(os.environ.get(ENDPOINT, "").strip()) and os.environ.get("OTEL_TRACES_EXPORTER", "otlp") != "none"


def check_tracing() -> None:
    """Whether what the environment asks for can be done.

    Raises:
        WrongSetting: OpenTelemetry is not installed, spans are to go another way than by HTTP, or the sampler is none.
    """
    if not is_on():
        return
    HeadSampler.from_environment()
    wanted = {name: value for name in _PROTOCOLS if (value := os.environ.get(name, "")) not in {"", _PROTOCOL}}
    for name in wanted:
        raise WrongSetting(f"{name}: traces are sent as {_PROTOCOL} alone")
    try:
        version("opentelemetry-exporter-otlp-proto-http")
    except PackageNotFoundError:
        raise WrongSetting(f"{ENDPOINT}: traces need the extra `otel`: pip install 'osago-aggregator[otel]'") from None
