"""JSON documents of quotes and endings: what PostgreSQL keeps and what Redis carries are the same bytes.

They are read by other services too (docs/feed.md): fields may be added, none may change its meaning.
"""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, cast
from uuid import UUID

import msgspec

from app.codecs.substitutes import substitute_for
from app.domain.errors import InsurerProtocol
from app.domain.money import RUB, Money
from app.domain.offers.coefficients import Coefficients
from app.domain.offers.extras import Extra, mandatory_price
from app.domain.offers.offer_bounds import (
    NUMBER_LENGTH_MAX,
    offer_coefficients,
    offer_number,
    premium_amount,
    visible_text,
)
from app.domain.quote import OFFER_BOUNDS, Answer, Ending, NoOffer, Offer, Outcome, Quote, QuoteStatus, Reason

EVENT_BYTES_MAX: Final = 64 * 1024
"""One quote, as PostgreSQL, Redis and the feed have it. The bounds of the fields keep it far below."""
_COEFFICIENTS_BYTES_MAX: Final = 8 * 1024
_NO_NUMBER: Final = "—"


class _OfferFields(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """What rows and events have alike: a field of an offer that is the same in JSON as in the domain is added here alone."""

    number: str
    premium: Decimal
    currency: str
    stated_total: Decimal | None = msgspec.field(default=None, name="total")
    """Always written; rows and events of older releases have none."""
    extras: tuple[Extra, ...] = ()
    starts_on: date | None = None
    valid_until: datetime | None = None
    purchase_url: str | None = None
    sealed_url: str | None = None


class _OfferDocument(_OfferFields):
    coefficients: Coefficients | None = None


class _QuoteDocument(msgspec.Struct, rename="camel", omit_defaults=True):
    insurer: str
    status: QuoteStatus
    received_at: datetime
    offer: _OfferDocument | None = None
    reason: Reason | None = None


_TERMS: Final = tuple(
    (name, read) for name, read, is_optional in OFFER_BOUNDS if is_optional and name != "coefficients"
)
"""The fields of an offer that are the same in the domain, in documents and in events, with the bound of each."""


class OfferEvent(_OfferFields):
    """An offer as an event has it, within the bounds of `Offer`. The coefficients are decoded for those that read them."""

    encoded_coefficients: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="coefficients")

    def __post_init__(self) -> None:
        if self.currency != RUB:
            raise InsurerProtocol("premium: not an amount of roubles and kopecks")
        self.number = _stored_number(self.number)
        self.premium = premium_amount(self.premium)
        for name, bounded in _TERMS:
            value = getattr(self, name)
            if value is not None and value != ():
                setattr(self, name, bounded(value))
        if len(self.encoded_coefficients) > _COEFFICIENTS_BYTES_MAX:
            self.encoded_coefficients = msgspec.Raw()

    @property
    def total(self) -> Decimal:
        """What the customer pays."""
        return self.premium + mandatory_price(self.extras) if self.stated_total is None else self.stated_total

    @property
    def coefficients(self) -> Coefficients | None:
        read = _coefficients_decoder.decode(self.encoded_coefficients) if self.encoded_coefficients else None
        return offer_coefficients(read) if read else None


class QuoteEvent(msgspec.Struct, rename="camel", gc=False):
    """A quote as its event has it and as subscribers receive it: making it a domain value first costs twice as much.

    It has an offer or a reason.
    """

    insurer_id: str = msgspec.field(name="insurer")
    status: QuoteStatus
    received_at: Annotated[datetime, msgspec.Meta(tz=True)]
    offer: OfferEvent | None = None
    reason: Reason | None = None

    @property
    def premium(self) -> Decimal | None:
        """The amount, None without an offer."""
        return self.offer.premium if self.offer else None

    @property
    def total(self) -> Decimal | None:
        """What the customer pays, None without an offer."""
        return self.offer.total if self.offer else None

    @property
    def valid_until(self) -> datetime | None:
        return self.offer.valid_until if self.offer else None

    def quote(self, request_id: UUID) -> Quote:
        """The domain's value; a substitute where it cannot be made."""
        try:
            answer = self._answer()
        except Exception:  # noqa: BLE001 - one quote is isolated from the others of its request
            answer = substitute_for(request_id, self.insurer_id)
        return Quote(request_id, self.insurer_id, answer, self.received_at)

    def _answer(self) -> Answer:
        offer = self.offer
        if offer is None:
            return NoOffer(self.status, cast("Reason", self.reason))
        return Offer(
            number=offer.number,
            premium=Money(offer.premium, offer.currency),
            coefficients=offer.coefficients,
            **_terms(offer),
        )


class _EndingDocument(msgspec.Struct, rename="camel"):
    outcome: Outcome
    completed_at: datetime


_encoder: Final = msgspec.json.Encoder(decimal_format="string")
_offer_decoder: Final = msgspec.json.Decoder(_OfferDocument)
_reason_decoder: Final = msgspec.json.Decoder(Reason)
_event_decoder: Final = msgspec.json.Decoder(QuoteEvent)
_coefficients_decoder: Final = msgspec.json.Decoder(Coefficients | None)
_ending_decoder: Final = msgspec.json.Decoder(_EndingDocument)


Columns = tuple[str, str | None, str | None]
"""An answer as `osago_quotes` has it: status, offer, reason. Of the last two one is None."""


def encode_answer(quote: Quote) -> Columns:
    """The columns of a quote's answer; of its substitute where the answer cannot be written, or is too long."""
    match quote.answer:
        case Offer() as offer:
            try:
                document = _encoder.encode(_offer_document(offer))
                _check_length(document)
            except Exception:  # noqa: BLE001 - one answer is isolated from the others of its batch
                answer = substitute_for(quote.request_id, quote.insurer_id)
            else:
                return QuoteStatus.OFFERED.value, document.decode(), None
        case NoOffer() as answer:
            pass
    return answer.status.value, None, _encoder.encode(answer.reason).decode()


def decode_answer(status: str, offer: str | None, reason: str | None) -> Answer:
    """An answer out of its columns, also of an older release.

    Raises:
        Exception: it cannot be read; `app.postgres.request_rows` knows what is shown then.
    """
    if offer is not None:
        return _offer(_offer_decoder.decode(offer))
    return NoOffer(QuoteStatus(status), _reason_decoder.decode(reason or ""))


def encode_quote(quote: Quote) -> bytes:
    """The event of a quote; the request is named by the key that it stands under. As `encode_answer` otherwise."""
    if isinstance(quote.answer, Offer):
        try:
            event = _encoder.encode(_quote_document(quote, _offer_document(quote.answer)))
            _check_length(event)
        except Exception:  # noqa: BLE001 - one quote is isolated from the others of its batch
            quote = replace(quote, answer=substitute_for(quote.request_id, quote.insurer_id))
        else:
            return event
    return _encoder.encode(_quote_document(quote, None))


def without_link(quote: Quote, event: bytes) -> bytes:
    """The event of a quote for other services: the link is the customer's alone. The same bytes where there is none.

    The sealed link is cut out of what is written already: no text inside can look like it, for its quotes would be escaped.
    """
    match quote.answer:
        case Offer(purchase_url=None, sealed_url=str(sealed)):
            return event.replace(b',"sealedUrl":%b' % _encoder.encode(sealed), b"", 1)
        case Offer(purchase_url=str()) as offer:
            return encode_quote(Quote(quote.request_id, quote.insurer_id, offer.with_links(), quote.received_at))
        case _:
            return event


def decode_event(document: str | bytes) -> QuoteEvent:
    """Reads the event of a quote, also of an older release.

    Raises:
        ValueError, InsurerProtocol: it is none.
    """
    event = _event_decoder.decode(document)
    if event.offer is None and event.reason is None:
        raise ValueError("a quote has an offer or a reason")
    return event


def to_event(quote: Quote) -> QuoteEvent:
    """As if it had come by its event."""
    return decode_event(encode_quote(quote))


def decode_quote(request_id: UUID, document: str | bytes) -> Quote:
    """The quote of an event; raises as `decode_event`."""
    return decode_event(document).quote(request_id)


def encode_ending(ending: Ending) -> bytes:
    return _encoder.encode(_EndingDocument(ending.outcome, ending.completed_at))


def decode_ending(document: str | bytes) -> Ending:
    read = _ending_decoder.decode(document)
    return Ending(read.outcome, read.completed_at)


def _offer_document(offer: Offer) -> _OfferDocument:
    terms: dict[str, Any] = _terms(offer) | {"stated_total": offer.total.amount}
    return _OfferDocument(
        number=offer.number,
        premium=offer.premium.amount,
        currency=offer.premium.currency,
        coefficients=offer.coefficients,
        **terms,
    )


def _terms(offer: Offer | _OfferDocument | OfferEvent) -> dict[str, Any]:
    return {name: getattr(offer, name) for name, _ in _TERMS}


def _quote_document(quote: Quote, offer: _OfferDocument | None) -> _QuoteDocument:
    reason = None if isinstance(quote.answer, Offer) else quote.answer.reason
    return _QuoteDocument(quote.insurer_id, quote.status, quote.received_at, offer, reason)


def _check_length(document: bytes) -> None:
    if len(document) > EVENT_BYTES_MAX:
        raise ValueError("an answer is too long")


def _stored_number(number: str) -> str:
    """Older releases kept numbers that are out of bounds now: what can be seen of them is shown."""
    try:
        return offer_number(number)
    except InsurerProtocol:
        return ((visible_text(number) or "")[:NUMBER_LENGTH_MAX]).strip() or _NO_NUMBER


def _offer(read: _OfferDocument) -> Offer:
    return Offer(
        number=_stored_number(read.number),
        premium=Money(read.premium, read.currency),
        coefficients=read.coefficients,
        **_terms(read),
    )
