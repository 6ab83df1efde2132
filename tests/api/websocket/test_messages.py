"""Frames of graphql-transport-ws."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.graphql_errors import TooComplex
from app.api.graphql_request import VALUES_MAX, decode_request, request_from_url
from app.api.websocket.messages import (
    Complete,
    ConnectionInit,
    MalformedFrame,
    OverfullFrame,
    Ping,
    Subscribe,
    decode_frame,
)


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
    """A malformed frame raises `MalformedFrame` and nothing else."""
    with pytest.raises(MalformedFrame):
        decode_frame(text)


@given(st.text(max_size=200))
def test_no_text_raises_anything_else(text: str) -> None:
    """Lone surrogates are malformed, too."""
    with contextlib.suppress(MalformedFrame):
        decode_frame(text)


def test_a_frame_with_too_many_values_is_its_operations_fault() -> None:
    """It names the operation, so that the socket and the others on it go on."""
    drivers = [{}] * 12_000
    with pytest.raises(OverfullFrame) as overfull:
        decode_frame(
            json.dumps({"id": "7", "type": "subscribe", "payload": {"query": "{a}", "variables": {"a": drivers}}})
        )
    assert overfull.value.id == "7"


@pytest.mark.parametrize("value", ["{}", "[]", "1", "null", '""', "[[]]", '{"a":1}'])
def test_json_has_so_many_values(value: str) -> None:
    """The limit counts values of every type, in bodies, URLs and frames. A long text is one value."""
    many = '{"query":"{a}","variables":{"a":[' + ",".join([value] * (VALUES_MAX + 1)) + "]}}"
    for check in (lambda: decode_request(many.encode()), lambda: request_from_url({"query": "{a}", "variables": many})):
        with pytest.raises(TooComplex):
            check()
    assert decode_request(json.dumps({"query": "{a}", "variables": {"a": "x" * 60_000}}).encode())


def test_a_byte_order_mark_is_named() -> None:
    """A developer sees no such mark in the text."""
    with pytest.raises(MalformedFrame, match="byte order mark"):
        decode_frame('\ufeff{"type": "ping"}')
    with pytest.raises(MalformedFrame, match=r"^Malformed message$"):
        decode_frame('{"type": "pong"')
