"""Frames of graphql-transport-ws, read strictly: what is not exactly one of these is refused."""

from typing import Any, Final

import msgspec

from app.api.graphql_errors import TooComplex
from app.api.graphql_request import GraphQLRequest, check_values

ID_LENGTH_MAX: Final = 128
MALFORMED: Final = "Malformed message"
BYTE_ORDER_MARK: Final = "Malformed message: a byte order mark (U+FEFF) before the JSON"


class ConnectionInit(msgspec.Struct, tag_field="type", tag="connection_init"):
    payload: dict[str, Any] | None = None


class Ping(msgspec.Struct, tag_field="type", tag="ping"):
    payload: dict[str, Any] | None = None


class Pong(msgspec.Struct, tag_field="type", tag="pong"):
    payload: dict[str, Any] | None = None


class Subscribe(msgspec.Struct, tag_field="type", tag="subscribe"):
    id: str
    payload: GraphQLRequest


class Complete(msgspec.Struct, tag_field="type", tag="complete"):
    id: str


Frame = ConnectionInit | Ping | Pong | Subscribe | Complete

_decoder: Final = msgspec.json.Decoder(Frame)


class MalformedFrame(Exception):
    """A frame that is none of the protocol's; its text is why, for the close frame."""


class OverfullFrame(Exception):
    """The operation `id` has more values than it may; the socket goes on."""

    def __init__(self, id_: str, cause: TooComplex) -> None:
        super().__init__(id_)
        self.id = id_
        self.cause = cause


def decode_frame(text: str) -> Frame:
    """Reads one frame.

    Raises:
        MalformedFrame: it is none of the protocol's, or has no usable id.
        OverfullFrame: it begins an operation that is too complex.
    """
    try:
        frame = _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise MalformedFrame(BYTE_ORDER_MARK if text.startswith("\ufeff") else MALFORMED) from None
    if isinstance(frame, Subscribe | Complete) and not 1 <= len(frame.id) <= ID_LENGTH_MAX:
        raise MalformedFrame(MALFORMED)
    if isinstance(frame, Subscribe):
        if not frame.payload.names_a_document:
            raise MalformedFrame(MALFORMED)
        try:
            check_values(text)
        except TooComplex as error:
            raise OverfullFrame(frame.id, error) from None
    return frame
