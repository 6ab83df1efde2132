"""Where a trace goes on: the `traceparent` and `tracestate` of W3C Trace Context, and the short form that rows and messages carry.

Only sampled traces are carried: a job without a context belongs to none.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final, NamedTuple

TRACEPARENT_LENGTH_MAX: Final = 256
"""Version 00 has 55 characters; a later one may add to them."""
TRACESTATE_LENGTH_MAX: Final = 512
WIRE_LENGTH: Final = 32
_VERSION_00_LENGTH: Final = 55
_TRACEPARENT: Final = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?"
)
_WIRE: Final = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
_TRACE_BYTES: Final = 16
_SAMPLED: Final = 1


class TraceContext(NamedTuple):
    """A span by its numbers: the trace's of 128 bits, its own of 64. Neither is 0."""

    trace_id: int
    span_id: int

    @property
    def wire(self) -> str:
        """The short form: 24 bytes as base64url, 32 characters."""
        return urlsafe_b64encode(self.trace_id.to_bytes(16, "big") + self.span_id.to_bytes(8, "big")).decode()

    @property
    def traceparent(self) -> str:
        """As a header of HTTP; sampled, as everything that is carried."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-01"

    @property
    def trace_hex(self) -> str:
        """The trace as people look it up."""
        return f"{self.trace_id:032x}"


class CallerContext(NamedTuple):
    """What a caller sent: its span, whether it samples the trace, and its `tracestate`, empty where it is missing or too long."""

    context: TraceContext
    is_sampled: bool
    state: str


def read_wire(text: str | None) -> TraceContext | None:
    """A context in its short form; None where there is none, or where another release wrote it in another form."""
    if not text or not _WIRE.fullmatch(text):
        return None
    both = urlsafe_b64decode(text)
    context = TraceContext(int.from_bytes(both[:_TRACE_BYTES], "big"), int.from_bytes(both[_TRACE_BYTES:], "big"))
    return context if all(context) else None


def read_headers(traceparent: str, tracestate: str = "") -> CallerContext | None:
    """What the headers say; None where `traceparent` is missing, too long or malformed: the caller has no trace then."""
    if not traceparent or len(traceparent) > TRACEPARENT_LENGTH_MAX:
        return None
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None or (match[1] == "00" and len(traceparent) != _VERSION_00_LENGTH):
        return None
    context = TraceContext(int(match[2], 16), int(match[3], 16))
    state = tracestate if len(tracestate) <= TRACESTATE_LENGTH_MAX else ""
    return CallerContext(context, bool(int(match[4], 16) & _SAMPLED), state)
