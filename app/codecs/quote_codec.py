"""JSON documents of quotes and endings: what PostgreSQL keeps and what Redis carries are the same bytes.

They are read by other services too (docs/feed.md): fields may be added, none may change its meaning.
"""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
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
"""The most bytes of one quote in PostgreSQL, Redis and the feed. The bounds of the fields keep it far below."""
_COEFFICIENTS_BYTES_MAX: Final = 8 * 1024
_NO_NUMBER: Final = "—"
_NO_EXTRAS: Final[tuple[Extra, ...]] = ()


class _OfferFields(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """Fields of an offer that are the same in rows, events and the domain: such a new field is added here alone."""

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
    offer: msgspec.Raw | None = None
    reason: Reason | None = None


_TERMS: Final = tuple((name, read) for name, read, optional in OFFER_BOUNDS if optional and name != "coefficients")
"""The fields of an offer that are the same in the domain, in documents and in events, with the bound of each."""
_SHOWN_TERMS: Final = tuple(term for term in _TERMS if term[0] != "sealed_url")
"""A sealed link is opened first: the link itself has the bound of links."""
_terms_of: Final = attrgetter(*_OfferFields.__struct_fields__[4:-2])
"""The attributes between the total and the links, in the order of `_OfferFields`."""


class OfferEvent(_OfferFields):
    """An offer as an event has it, within the bounds of `Offer`. The coefficients are decoded for those that read them."""

    encoded_coefficients: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="coefficients")

    def __post_init__(self) -> None:
        if self.currency != RUB:
            raise InsurerProtocol("premium: not an amount of roubles and kopecks")
        self.number = _stored_number(self.number)
        self.premium = premium_amount(self.premium)
        for name, bounded in _SHOWN_TERMS:
            value = getattr(self, name)
            if value is not None and value is not _NO_EXTRAS and (kept := bounded(value)) is not value:
                setattr(self, name, kept)
        if len(self.encoded_coefficients) > _COEFFICIENTS_BYTES_MAX:
            self.encoded_coefficients = msgspec.Raw()

    @property
    def total(self) -> Decimal:
        """The amount that the customer pays."""
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
        """The amount that the customer pays; None without an offer."""
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


class EncodedQuote(msgspec.Struct, frozen=True, gc=False):
    """A quote as it is stored and published: the columns of `osago_quotes`, of which `offer` or `reason` is None, and its events."""

    request_id: UUID
    insurer_id: str
    received_at: datetime
    status: QuoteStatus
    offer: str | None
    reason: str | None
    event: bytes
    """For subscribers; the request is named by the key that it stands under."""
    feed_event: bytes
    """For other services: the same without the link, which is the customer's alone."""


def encoded(quote: Quote | EncodedQuote) -> EncodedQuote:
    """A quote with its offer written once; its substitute where the answer cannot be written, or is too long.

    Links are written as the offer has them: an insurer's go through `app.postgres.link_cipher`. What is encoded already is returned.
    """
    if isinstance(quote, EncodedQuote):
        return quote
    answer = quote.answer
    return _encoded(quote, answer.purchase_url, answer.sealed_url) if isinstance(answer, Offer) else _refusal(quote)


def encoded_with_link(quote: Quote, sealed_url: str | None) -> EncodedQuote:
    """The same with this link, or none, in place of the offer's own."""
    return _encoded(quote, None, sealed_url) if isinstance(quote.answer, Offer) else _refusal(quote)


def encode_answer(quote: Quote) -> tuple[str, str | None, str | None]:
    """The columns of a quote's answer: status, offer, reason."""
    written = encoded(quote)
    return written.status.value, written.offer, written.reason


def encode_quote(quote: Quote) -> bytes:
    """The event of a quote."""
    return encoded(quote).event


def decode_answer(status: str, offer: str | None, reason: str | None) -> Answer:
    """An answer out of its columns, also of an older release.

    Raises:
        Exception: it cannot be read; `app.postgres.request_rows` knows what is shown then.
    """
    if offer is not None:
        return _offer(_offer_decoder.decode(offer))
    return NoOffer(QuoteStatus(status), _reason_decoder.decode(reason or ""))


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


def _encoded(quote: Quote, purchase_url: str | None, sealed_url: str | None) -> EncodedQuote:
    try:
        return _offered(quote, cast("Offer", quote.answer), purchase_url, sealed_url)
    except Exception:  # noqa: BLE001 - one quote is isolated from the others of its batch
        return _refusal(replace(quote, answer=substitute_for(quote.request_id, quote.insurer_id)))


def _offered(quote: Quote, offer: Offer, purchase_url: str | None, sealed_url: str | None) -> EncodedQuote:
    """Links are the last fields of an offer: it is written once, and they are appended."""
    terms = _terms_of(offer)
    premium, total = offer.premium, offer.total.amount
    fields = _OfferDocument(
        offer.number, premium.amount, premium.currency, total, *terms, coefficients=offer.coefficients
    )
    without = whole = _encoder.encode(fields)
    if purchase_url is not None:
        whole = b'%b,"purchaseUrl":%b}' % (whole[:-1], _encoder.encode(purchase_url))
    if sealed_url is not None:
        whole = b'%b,"sealedUrl":%b}' % (whole[:-1], _encoder.encode(sealed_url))
    event = _event_of(quote, whole)
    if len(event) > EVENT_BYTES_MAX:
        raise ValueError("an answer is too long")
    feed_event = event if whole is without else _event_of(quote, without)
    return _with_ids(quote, QuoteStatus.OFFERED, whole.decode(), None, event, feed_event)


def _event_of(quote: Quote, offer: bytes) -> bytes:
    return _encoder.encode(_QuoteDocument(quote.insurer_id, QuoteStatus.OFFERED, quote.received_at, msgspec.Raw(offer)))


def _refusal(quote: Quote) -> EncodedQuote:
    answer = cast("NoOffer", quote.answer)
    event = _encoder.encode(_QuoteDocument(quote.insurer_id, answer.status, quote.received_at, None, answer.reason))
    return _with_ids(quote, answer.status, None, _encoder.encode(answer.reason).decode(), event, event)


def _with_ids(quote: Quote, status: QuoteStatus, *parts: Any) -> EncodedQuote:
    return EncodedQuote(quote.request_id, quote.insurer_id, quote.received_at, status, *parts)


def _terms(offer: _OfferDocument | OfferEvent) -> dict[str, Any]:
    return {name: getattr(offer, name) for name, _ in _TERMS}


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
