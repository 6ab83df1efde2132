"""JSON documents of domain values: what PostgreSQL keeps and what Redis carries are the same bytes.

Quotes and endings are read by other services too (docs/feed.md): fields may be added, none may change its meaning.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final, TypeVar, cast
from uuid import UUID

import msgspec

from app.domain.application import Application
from app.domain.links import is_https_url
from app.domain.money import Money
from app.domain.quote import Answer, Ending, NoOffer, Offer, Outcome, Quote, QuoteStatus, Reason, ReasonCode
from app.domain.tariff.formula import Coefficients


class _CoefficientsDocument(msgspec.Struct, rename="camel"):
    base_rate: Decimal
    territory: Decimal
    bonus_malus: Decimal
    age_experience: Decimal
    driver_restriction: Decimal
    power: Decimal
    season: Decimal


class _OfferDocument(msgspec.Struct, rename="camel", omit_defaults=True):
    number: str
    premium: Decimal
    currency: str
    coefficients: _CoefficientsDocument | None = None
    valid_until: datetime | None = None
    purchase_url: str | None = None


class _ReasonDocument(msgspec.Struct, rename="camel", omit_defaults=True):
    code: ReasonCode
    insurer_code: str | None = None


class _QuoteDocument(msgspec.Struct, rename="camel", omit_defaults=True):
    insurer: str
    status: QuoteStatus
    received_at: datetime
    offer: _OfferDocument | None = None
    reason: _ReasonDocument | None = None


class ToldOffer(msgspec.Struct, rename="camel", gc=False):
    """An offer as an event has it. The coefficients are decoded for those who want them."""

    number: str
    premium: Decimal
    currency: str
    coefficients: msgspec.Raw = msgspec.Raw()
    valid_until: datetime | None = None
    purchase_url: str | None = None

    def __post_init__(self) -> None:
        if self.purchase_url is not None and not is_https_url(self.purchase_url):
            raise ValueError("an offer is bought over https")

    @property
    def factors(self) -> Coefficients | None:
        read = _coefficients_decoder.decode(self.coefficients) if self.coefficients else None
        return _copy(read, Coefficients) if read else None


class Told(msgspec.Struct, rename="camel", gc=False):
    """A quote as its event tells of it and as subscribers are told of it: making it a domain value first costs twice as much.

    It has an offer or a reason.
    """

    insurer_id: str = msgspec.field(name="insurer")
    status: QuoteStatus
    received_at: datetime
    offer: ToldOffer | None = None
    reason: _ReasonDocument | None = None

    @property
    def why(self) -> Reason | None:
        """The reason as the domain has it."""
        return _reason(self.reason) if self.reason else None

    def quote(self, request_id: UUID) -> Quote:
        """The domain's value."""
        told = self.offer
        if told is not None:
            answer: Answer = Offer(
                number=told.number,
                premium=Money(told.premium, told.currency),
                coefficients=told.factors,
                valid_until=told.valid_until,
                purchase_url=told.purchase_url,
            )
        else:
            answer = NoOffer(self.status, cast("Reason", self.why))
        return Quote(request_id, self.insurer_id, answer, self.received_at)


class _EndingDocument(msgspec.Struct, rename="camel"):
    outcome: Outcome
    completed_at: datetime


Factors = TypeVar("Factors", Coefficients, _CoefficientsDocument)

_encoder: Final = msgspec.json.Encoder(decimal_format="string")
_offer_decoder: Final = msgspec.json.Decoder(_OfferDocument)
_reason_decoder: Final = msgspec.json.Decoder(_ReasonDocument)
_told_decoder: Final = msgspec.json.Decoder(Told)
_coefficients_decoder: Final = msgspec.json.Decoder(_CoefficientsDocument | None)
_ending_decoder: Final = msgspec.json.Decoder(_EndingDocument)
_application_decoder: Final = msgspec.json.Decoder(Application)


def encode_application(application: Application) -> bytes:
    return _encoder.encode(application)


def decode_application(document: bytes) -> Application:
    return _application_decoder.decode(document)


def encode_offer(offer: Offer) -> str:
    return _encoder.encode(_offer_document(offer)).decode()


def encode_reason(reason: Reason) -> str:
    return _encoder.encode(_ReasonDocument(reason.code, reason.insurer_code)).decode()


def decode_answer(status: str, offer: str | None, reason: str | None) -> Answer:
    """An answer out of its columns, of which `offer` and `reason` exclude each other."""
    if offer is not None:
        return _offer(_offer_decoder.decode(offer))
    return NoOffer(QuoteStatus(status), _reason(_reason_decoder.decode(reason or "")))


def encode_quote(quote: Quote) -> bytes:
    """The event of a quote; the request is named by the key that it stands under."""
    offer, reason = None, None
    match quote.answer:
        case Offer() as answer:
            offer = _offer_document(answer)
        case NoOffer() as answer:
            reason = _ReasonDocument(answer.reason.code, answer.reason.insurer_code)
    return _encoder.encode(_QuoteDocument(quote.insurer_id, quote.status, quote.received_at, offer, reason))


def decode_told(document: str | bytes) -> Told:
    """Reads the event of a quote."""
    told = _told_decoder.decode(document)
    if told.offer is None and told.reason is None:
        raise ValueError("a quote has an offer or a reason")
    return told


def told_of(quote: Quote) -> Told:
    """As if it had come by its event."""
    return decode_told(encode_quote(quote))


def decode_quote(request_id: UUID, document: str | bytes) -> Quote:
    """The quote that an event tells of."""
    return decode_told(document).quote(request_id)


def encode_ending(ending: Ending) -> bytes:
    return _encoder.encode(_EndingDocument(ending.outcome, ending.completed_at))


def decode_ending(document: str | bytes) -> Ending:
    read = _ending_decoder.decode(document)
    return Ending(read.outcome, read.completed_at)


def _offer_document(offer: Offer) -> _OfferDocument:
    return _OfferDocument(
        offer.number,
        offer.premium.amount,
        offer.premium.currency,
        _copy(offer.coefficients, _CoefficientsDocument) if offer.coefficients else None,
        offer.valid_until,
        offer.purchase_url,
    )


def _offer(read: _OfferDocument) -> Offer:
    return Offer(
        number=read.number,
        premium=Money(read.premium, read.currency),
        coefficients=_copy(read.coefficients, Coefficients) if read.coefficients else None,
        valid_until=read.valid_until,
        purchase_url=read.purchase_url,
    )


def _reason(read: _ReasonDocument) -> Reason:
    return Reason(read.code, read.insurer_code)


def _copy(factors: Coefficients | _CoefficientsDocument, kind: type[Factors]) -> Factors:
    return kind(
        base_rate=factors.base_rate,
        territory=factors.territory,
        bonus_malus=factors.bonus_malus,
        age_experience=factors.age_experience,
        driver_restriction=factors.driver_restriction,
        power=factors.power,
        season=factors.season,
    )
