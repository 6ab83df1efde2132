"""Events as other companies get them: CloudEvents 1.0 in JSON, of what the feed says. They hold no link and nothing of the application.

The id is made of what an event says, so that a repeat has the same one: `<request>:<insurer>`, `<request>:end`.
"""

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

import msgspec

from app.codecs.quote_codec import encode_ending, encoded
from app.domain.quote import Ending, Quote, QuoteRequest

QUOTE_TYPE: Final = "osago.quote.v1"
END_TYPE: Final = "osago.end.v1"
"""The number after `v` is raised by a change that a reader of the one before could not understand."""
CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
DEFAULT_SOURCE: Final = "urn:osago:aggregator"
_END: Final = "end"
_LINKS: Final = ("purchaseUrl", "sealedUrl")


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One event, ready to be sent. `document` is the whole of it as JSON."""

    id: str
    request_id: str
    document: bytes


class _Document(msgspec.Struct):
    """In the order in which it is written."""

    id: str
    source: str
    type: str
    subject: str
    time: str
    data: msgspec.Raw
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


class _Said(msgspec.Struct, rename="camel"):
    """The fields of a feed's document that the envelope takes."""

    insurer: str = ""
    received_at: str = ""
    completed_at: str = ""


_encoder: Final = msgspec.json.Encoder()
_said_decoder: Final = msgspec.json.Decoder(_Said)


class CloudEventMaker:
    """Makes events of one `source`, a URI that names this aggregator."""

    def __init__(self, source: str = DEFAULT_SOURCE) -> None:
        self._source = source

    def of_entry(self, request_id: str, kind: Literal["quote", "end"], document: str) -> CloudEvent:
        """Makes the event of an entry of the feed.

        Raises:
            ValueError: it is none; the text holds nothing of it.
        """
        try:
            said = _said_decoder.decode(document)
            written = _without_links(document)
        except msgspec.MsgspecError:
            raise ValueError("no document of the feed") from None
        if kind == "quote":
            return self._made(request_id, said.insurer, QUOTE_TYPE, said.received_at, written)
        return self._made(request_id, _END, END_TYPE, said.completed_at, written)

    def of_request(self, request: QuoteRequest) -> list[CloudEvent]:
        """All events of a request so far: its quotes as they came, the end last."""
        quotes = sorted(request.quotes.values(), key=lambda quote: (quote.received_at, quote.insurer_id))
        events = [self._of_quote(quote) for quote in quotes]
        if request.ending:
            events.append(self._of_ending(request.id, request.ending))
        return events

    def _of_quote(self, quote: Quote) -> CloudEvent:
        document = encoded(quote).feed_event.decode()
        return self.of_entry(str(quote.request_id), "quote", document)

    def _of_ending(self, request_id: UUID, ending: Ending) -> CloudEvent:
        return self.of_entry(str(request_id), "end", encode_ending(ending).decode())

    def _made(self, request_id: str, name: str, type_: str, time: str, data: bytes) -> CloudEvent:
        id_ = f"{request_id}:{name}"
        document = _Document(id_, self._source, type_, request_id, time, msgspec.Raw(data))
        return CloudEvent(id_, request_id, _encoder.encode(document))


def _without_links(document: str) -> bytes:
    """The feed's first version had the link to buy in its offers: it is the customer's alone."""
    if not any(f'"{name}"' in document for name in _LINKS):
        return document.encode()
    read = msgspec.json.decode(document)
    for name in _LINKS:
        read.get("offer", {}).pop(name, None)
    return msgspec.json.encode(read)
