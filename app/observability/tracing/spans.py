"""A span, and the one that this task works in. Nothing here imports OpenTelemetry: without traces there is no span, and all that is left is a look for one.

No attribute holds what a customer, a caller or an insurer wrote: ids that we made, names of insurers and processes, codes and counts.
"""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from enum import Enum
from typing import Any, Final, TypeAlias

import structlog

from app.observability.tracing.trace_context import TraceContext

Attributes: TypeAlias = Mapping[str, str | int | bool]


class SpanRole(Enum):
    """The kinds of spans, by the names that OpenTelemetry has for them."""

    INTERNAL = "INTERNAL"
    SERVER = "SERVER"
    CLIENT = "CLIENT"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"


class Span:
    """One sampled span, from its start to `end`."""

    __slots__ = ("_mark_failed", "_span", "_start", "context")

    def __init__(
        self, span: Any, context: TraceContext, start: Callable[..., "Span"], mark_failed: Callable[[Any, str], None]
    ) -> None:
        """`start` and `mark_failed` are those of the tracer that has begun it."""
        self._span = span
        self._start = start
        self._mark_failed = mark_failed
        self.context = context

    def child(
        self,
        name: str,
        role: SpanRole = SpanRole.INTERNAL,
        attributes: Attributes | None = None,
        links: Sequence[TraceContext] = (),
    ) -> "Span":
        """A span within this one, which begins now."""
        return self._start(name, role, self.context, attributes, links)

    def set(self, name: str, value: str | int | bool) -> None:  # noqa: FBT001 - an attribute's value
        self._span.set_attribute(name, value)

    def fail(self, why: str) -> None:
        """What it stands for has failed; `why` is a status, a code or the class of an error."""
        self._mark_failed(self._span, why)

    def end(self) -> None:
        self._span.end()


CURRENT: Final = ContextVar[Span | None]("osago_span", default=None)
"""The span that this task works in."""
TRACE_ID: Final = ContextVar[str](f"{structlog.contextvars.STRUCTLOG_KEY_PREFIX}trace_id")
"""Its trace, in every line that the task logs: structlog finds it by this name."""
NO_SPAN: Final[AbstractContextManager[None]] = nullcontext()


@contextmanager
def working_in(span: Span) -> Generator[Span, None, None]:
    """Makes it the current span, and ends it. An error marks it with its class; being cancelled is none."""
    current, logged = CURRENT.set(span), TRACE_ID.set(span.context.trace_hex)
    try:
        yield span
    except Exception as error:
        span.fail(type(error).__name__)
        raise
    finally:
        span.end()
        TRACE_ID.reset(logged)
        CURRENT.reset(current)


def child_span(
    name: str,
    role: SpanRole = SpanRole.INTERNAL,
    attributes: Attributes | None = None,
    links: Sequence[TraceContext] = (),
) -> AbstractContextManager[Span | None]:
    """Around one step of what the current span stands for; without a current span nothing."""
    current = CURRENT.get()
    return NO_SPAN if current is None else working_in(current.child(name, role, attributes, links))


def current_wire() -> str:
    """The current span in its short form; empty without one."""
    current = CURRENT.get()
    return "" if current is None else current.context.wire


def ago_ns(seconds: float) -> int:
    """The moment so long ago, as spans begin: nanoseconds since 1970 of this machine's clock."""
    return time.time_ns() - int(seconds * 1e9)
