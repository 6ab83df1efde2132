"""Frames of graphql-transport-ws."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.websocket.messages import Complete, ConnectionInit, MalformedFrame, Ping, Subscribe, decode_frame


def test_frames_of_the_protocol_are_read() -> None:
    """With and without their optional parts."""
    assert isinstance(decode_frame('{"type":"connection_init"}'), ConnectionInit)
    assert decode_frame('{"type":"ping","payload":{"a":1}}') == Ping({"a": 1})
    assert decode_frame('{"type":"complete","id":"1"}') == Complete("1")
    frame = decode_frame('{"type":"subscribe","id":"1","payload":{"query":"{a}","operationName":null,"extensions":{}}}')
    assert isinstance(frame, Subscribe)
    assert frame.payload.query == "{a}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '"x"',
        "1",
        "{}",
        '{"type":"data"}',
        '{"type":null}',
        '{"type":"subscribe"}',
        '{"type":"subscribe","id":[],"payload":{"query":"{a}"}}',
        '{"type":"subscribe","id":"","payload":{"query":"{a}"}}',
        '{"type":"subscribe","id":"' + "x" * 129 + '","payload":{"query":"{a}"}}',
        '{"type":"subscribe","id":"1","payload":{"query":1}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":[]}}',
        '{"type":"connection_init","payload":"token"}',
        "[" * 100_000,
        '{"type":"ping","payload":' + '{"a":' * 50_000,
    ],
)
def test_everything_else_is_malformed(text: str) -> None:
    """Never a traceback, whatever is sent."""
    with pytest.raises(MalformedFrame):
        decode_frame(text)


@given(st.text(max_size=200))
def test_no_text_whatever_raises_anything_else(text: str) -> None:
    """Lone surrogates included."""
    with contextlib.suppress(MalformedFrame):
        decode_frame(text)
