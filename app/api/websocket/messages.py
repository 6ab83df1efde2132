"""Frames of graphql-transport-ws, read strictly: what is not exactly one of these is refused."""

from typing import Any, Final

import msgspec

from app.api.graphql_request import Asked

ID_LENGTH_MOST: Final = 128


class ConnectionInit(msgspec.Struct, tag_field="type", tag="connection_init"):
    payload: dict[str, Any] | None = None


class Ping(msgspec.Struct, tag_field="type", tag="ping"):
    payload: dict[str, Any] | None = None


class Pong(msgspec.Struct, tag_field="type", tag="pong"):
    payload: dict[str, Any] | None = None


class Subscribe(msgspec.Struct, tag_field="type", tag="subscribe"):
    id: str
    payload: Asked


class Complete(msgspec.Struct, tag_field="type", tag="complete"):
    id: str


Frame = ConnectionInit | Ping | Pong | Subscribe | Complete

_decoder: Final = msgspec.json.Decoder(Frame)


class MalformedFrame(Exception):
    """A frame that is none of the protocol's."""


def decode_frame(text: str) -> Frame:
    """One frame.

    Raises:
        MalformedFrame: it is none of the protocol's, or has no usable id.
    """
    try:
        frame = _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise MalformedFrame from None
    if isinstance(frame, Subscribe | Complete) and not 1 <= len(frame.id) <= ID_LENGTH_MOST:
        raise MalformedFrame
    if isinstance(frame, Subscribe) and not frame.payload.names_a_document:
        raise MalformedFrame
    return frame
