"""An inquiry: all processes are asked over Redis what they have in memory about one request.

The question goes out on a channel of the request's shard, and each process puts its reply into a list that lasts for seconds.
Both have a MAC by the keys of events: another writer's question is not answered, and its reply not shown. A question is bound to
its moment, and each process answers a bounded number of them.
"""

from typing import Final
from uuid import UUID

import msgspec

from app.domain.ids import text_of
from app.redis.authenticity import EventAuthenticator
from app.story.request_story import ProcessKind, StepKind, WaitKind

REPLY_FORM: Final = 1
REPLIES_MAX: Final = 1000
REPLY_BYTES_MAX: Final = 256 * 1024
REPLIES_KEPT_MS: Final = 5000
AGE_S_MAX: Final = 10.0
"""An older question is not answered: its sender waits no more."""


class HeldJob(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A job that a worker has. `trail` is encoded; moments are milliseconds since 1970 of PostgreSQL's clock."""

    insurer_id: str
    trail: str
    waits_for: WaitKind
    since_ms: int
    until_ms: int | None = None
    step: str = ""
    is_lost: bool = False
    """Another worker may have taken it over."""


class SentFrame(msgspec.Struct, frozen=True, array_like=True):
    """A frame that was written. `insurer_id` is empty for the end."""

    at_ms: int
    socket: str
    insurer_id: str


class PlaceTaken(msgspec.Struct, frozen=True, array_like=True):
    """A subscription that began, went on or ended. `count`: answers that it had; `result`: how it ended."""

    at_ms: int
    socket: str
    kind: StepKind
    count: int
    result: str


class ProcessReply(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The knowledge of one process. `frames_since_ms`: frames before that are dropped, 0 where none are."""

    form: int
    name: str
    kind: ProcessKind
    jobs: tuple[HeldJob, ...] = ()
    late_trails: dict[str, str] = {}
    frames: tuple[SentFrame, ...] = ()
    places: tuple[PlaceTaken, ...] = ()
    frames_since_ms: int = 0


class Inquiry(msgspec.Struct, frozen=True):
    """A question, and the moment at which it was asked, milliseconds since 1970."""

    id: str
    request_id: UUID
    at_ms: int

    def encode(self, authenticator: EventAuthenticator) -> str:
        """As it goes over the channel."""
        request_id, rest = text_of(self.request_id), f"{self.id} {self.at_ms}"
        return f"{request_id} {rest} {authenticator.mac('inquiry', request_id, rest.encode())}"


def decode_inquiry(message: str, authenticator: EventAuthenticator) -> Inquiry:
    """Reads a question.

    Raises:
        ValueError: it is no inquiry, or its MAC does not hold.
    """
    request_id, id_, at_ms, mac = message.split(" ")
    if not authenticator.holds(mac, "inquiry", request_id, f"{id_} {at_ms}"):
        raise ValueError("another writer's")
    return Inquiry(id_, UUID(request_id), int(at_ms))


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(ProcessReply).decode


def encode_reply(reply: ProcessReply, inquiry: Inquiry, authenticator: EventAuthenticator) -> bytes:
    """With its MAC before it. A reply that is too long goes without its frames, and then without its jobs."""
    for shorter in (reply, _without_frames(reply), ProcessReply(reply.form, reply.name, reply.kind)):
        document = _encode(shorter)
        if len(document) <= REPLY_BYTES_MAX:
            break
    mac = authenticator.mac("reply", text_of(inquiry.request_id), f"{inquiry.id} ".encode() + document)
    return f"{mac} ".encode() + document


def decode_reply(text: str, inquiry: Inquiry, authenticator: EventAuthenticator) -> ProcessReply | None:
    """None: it is no reply, its MAC does not hold, or another release wrote it."""
    mac, _, document = text.partition(" ")
    if not authenticator.holds(mac, "reply", text_of(inquiry.request_id), f"{inquiry.id} {document}"):
        return None
    try:
        reply = _decode(document)
    except msgspec.MsgspecError:
        return None
    return reply if reply.form == REPLY_FORM else None


def _without_frames(reply: ProcessReply) -> ProcessReply:
    return msgspec.structs.replace(reply, frames=(), places=())
