"""W3C Trace Context as callers send it, and the short form that rows and messages carry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.observability.tracing.trace_context import CallerContext, TraceContext, read_headers, read_wire

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
CONTEXT = TraceContext(int(TRACE, 16), int(SPAN, 16))


@pytest.mark.parametrize(
    ("header", "is_sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),  # the random flag of level 2
        (f"cc-{TRACE}-{SPAN}-01", True),  # a later version is read as far as it is known
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", True),
    ],
)
def test_a_traceparent_is_read(header: str, is_sampled: bool) -> None:  # noqa: FBT001
    """Of this version, and of later ones."""
    assert read_headers(header, "vendor=1") == CallerContext(CONTEXT, is_sampled, "vendor=1")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01-",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01-" + "x" * 10_000,
        "00-" + "٣" * 32 + f"-{SPAN}-01",
    ],
)
def test_what_is_no_traceparent_is_no_trace(header: str) -> None:
    """Malformed, too long, or of zeros."""
    assert read_headers(header) is None


def test_a_tracestate_has_a_length() -> None:
    """One that is too long is left out, and the trace goes on."""
    assert read_headers(f"00-{TRACE}-{SPAN}-01", "v=" + "x" * 511) == CallerContext(CONTEXT, is_sampled=True, state="")


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1))
def test_the_short_form_is_read_back(trace_id: int, span_id: int) -> None:
    """In 32 characters of ASCII."""
    context = TraceContext(trace_id, span_id)
    assert len(context.wire.encode()) == 32
    assert read_wire(context.wire) == context
    assert read_headers(context.traceparent) == CallerContext(context, is_sampled=True, state="")


@given(st.text(max_size=40) | st.none())
def test_another_form_is_no_context(text: str | None) -> None:
    """A later release may write more; no text raises an error."""
    found = read_wire(text)
    assert found is None or found.wire == text
