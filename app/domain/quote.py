"""Quotes: one insurer's slot in a quote request, what can be in it, and how a request ends.

PENDING is never stored: a slot without a quote is pending. A settled quote never changes.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Protocol, TypeVar
from uuid import UUID

import msgspec

from app.domain.errors import InsurerProtocol
from app.domain.money import Money
from app.domain.offers import refusals
from app.domain.offers.coefficients import Coefficients
from app.domain.offers.extras import Extra, mandatory_price, offer_extras
from app.domain.offers.links import https_url, is_at
from app.domain.offers.offer_bounds import (
    Bound,
    field_bounds,
    offer_coefficients,
    offer_moment,
    offer_number,
    offer_premium,
    offer_start,
    offer_total,
    sealed_link,
)
from app.domain.offers.reasons import Reason, ReasonCode
from app.domain.offers.refusals import MENDABLE, MendableProblem


class QuoteStatus(StrEnum):
    """The state of one insurer's slot. A refusal is DECLINED, a breakdown FAILED."""

    PENDING = "PENDING"
    OFFERED = "OFFERED"
    DECLINED = "DECLINED"
    FAILED = "FAILED"
    UNAVAILABLE = "UNAVAILABLE"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An insurer's offer, each field within the bound that its annotation declares.

    A field that may be left out is None where its value is out of bounds. `sealed_url` stands in place of `purchase_url` wherever
    the offer is stored or published: insurers write personal data into links.

    Raises:
        InsurerProtocol: the number or the premium is out of bounds, or the total less than its parts.
    """

    number: Annotated[str, Bound(offer_number)]
    premium: Annotated[Money, Bound(offer_premium)]
    coefficients: Annotated[Coefficients | None, Bound(offer_coefficients)] = None
    stated_total: Annotated[Decimal | None, Bound(offer_total)] = None
    """The insurer's, where it is more than the premium and every mandatory extra."""
    extras: Annotated[tuple[Extra, ...], Bound(offer_extras)] = ()
    starts_on: Annotated[date | None, Bound(offer_start)] = None
    """The start, where the insurer moves it; None: as asked."""
    valid_until: Annotated[datetime | None, Bound(offer_moment)] = None
    purchase_url: Annotated[str | None, Bound(https_url)] = None
    sealed_url: Annotated[str | None, Bound(sealed_link)] = None

    def __post_init__(self) -> None:
        for name, read, is_optional in OFFER_BOUNDS:
            value = getattr(self, name)
            if is_optional and (value is None or value == ()):
                continue
            bounded = read(value)
            if bounded is not value:
                object.__setattr__(self, name, bounded)
        if self.stated_total is not None:
            self._hold_total(self.stated_total)

    def with_links(self, *, purchase_url: str | None = None, sealed_url: str | None = None) -> "Offer":
        """The same offer with these links, which are within their bounds, as its other fields are: none is read again."""
        made, put = object.__new__(Offer), object.__setattr__
        for name in _BESIDE_LINKS:
            put(made, name, getattr(self, name))
        put(made, "purchase_url", purchase_url)
        put(made, "sealed_url", sealed_url)
        return made

    def _hold_total(self, stated: Decimal) -> None:
        least = self.premium.amount + mandatory_price(self.extras)
        if stated < least:
            raise InsurerProtocol("total: less than the premium and every mandatory extra")
        if stated == least:
            object.__setattr__(self, "stated_total", None)

    @property
    def total(self) -> Money:
        """The amount that the customer pays: the insurer's total, or the premium and every mandatory extra."""
        if self.stated_total is not None:
            return Money(self.stated_total, self.premium.currency)
        if not self.extras:
            return self.premium
        return Money(self.premium.amount + mandatory_price(self.extras), self.premium.currency)


OFFER_BOUNDS: Final = field_bounds(Offer)
_BESIDE_LINKS: Final = tuple(one.name for one in fields(Offer) if one.name not in {"purchase_url", "sealed_url"})


@dataclass(frozen=True, slots=True)
class NoOffer:
    """A slot that ended without an offer; `status` is neither PENDING nor OFFERED."""

    status: QuoteStatus
    reason: Reason


Answer = Offer | NoOffer


def declined(insurer_code: str | None = None, problems: tuple[MendableProblem, ...] = ()) -> NoOffer:
    """A refusal: an answer, not an error. The first of its codes that names what a customer can mend is the reason's."""
    codes = (insurer_code, *(problem.code for problem in problems))
    named = next((code for code in codes if code in MENDABLE), None)
    own = None if insurer_code in MENDABLE else insurer_code
    return NoOffer(QuoteStatus.DECLINED, Reason(ReasonCode(named or ReasonCode.INSURER_DECLINED), own, problems))


def sold_at(answer: Answer, hosts: Collection[str]) -> Answer:
    """The answer, its link only if it leads to one of these hosts; without any, wherever it leads."""
    if not hosts or not isinstance(answer, Offer) or answer.purchase_url is None or is_at(answer.purchase_url, hosts):
        return answer
    return answer.with_links(sealed_url=answer.sealed_url)


def failed(code: ReasonCode) -> NoOffer:
    """A breakdown, retries included."""
    return NoOffer(QuoteStatus.FAILED, Reason(code))


NOT_SUITED: Final = NoOffer(QuoteStatus.DECLINED, Reason(ReasonCode.INSURER_NOT_SUITED))
STARTS_TOO_SOON: Final = NoOffer(
    QuoteStatus.DECLINED,
    Reason(
        ReasonCode.INSURER_NOT_SUITED,
        problems=(MendableProblem(("application", "startsOn"), refusals.STARTS_TOO_SOON),),
    ),
)
"""Not asked: this insurer does not take so early a start."""
UNAVAILABLE: Final = NoOffer(QuoteStatus.UNAVAILABLE, Reason(ReasonCode.CIRCUIT_OPEN))
PAUSED: Final = NoOffer(QuoteStatus.UNAVAILABLE, Reason(ReasonCode.INSURER_PAUSED))
TIMED_OUT: Final = NoOffer(QuoteStatus.TIMED_OUT, Reason(ReasonCode.NO_ANSWER_IN_TIME))
CANCELLED: Final = NoOffer(QuoteStatus.CANCELLED, Reason(ReasonCode.CANCELLED))


@dataclass(frozen=True, slots=True)
class Quote:
    """A settled quote."""

    request_id: UUID
    insurer_id: str
    answer: Answer
    received_at: datetime

    @property
    def status(self) -> QuoteStatus:
        return QuoteStatus.OFFERED if isinstance(self.answer, Offer) else self.answer.status

    @property
    def premium(self) -> Decimal | None:
        """The amount, None without an offer."""
        return self.answer.premium.amount if isinstance(self.answer, Offer) else None

    @property
    def total(self) -> Decimal | None:
        """The amount that the customer pays; None without an offer."""
        return self.answer.total.amount if isinstance(self.answer, Offer) else None

    @property
    def valid_until(self) -> datetime | None:
        """When its offer ends, None if it says nothing of it."""
        return self.answer.valid_until if isinstance(self.answer, Offer) else None


class RankedQuote(Protocol):
    """The attributes by which quotes are ranked: of a `Quote`, and of the event of one."""

    @property
    def insurer_id(self) -> str: ...
    @property
    def status(self) -> QuoteStatus: ...
    @property
    def premium(self) -> Decimal | None: ...
    @property
    def total(self) -> Decimal | None: ...
    @property
    def valid_until(self) -> datetime | None: ...
    @property
    def received_at(self) -> datetime: ...


Ranked = TypeVar("Ranked", bound=RankedQuote)


class Outcome(StrEnum):
    """How a request ended."""

    ALL_ANSWERED = "ALL_ANSWERED"
    DEADLINE = "DEADLINE"
    CANCELLED = "CANCELLED"


class QuoteRequestStatus(StrEnum):
    """The status of a request; derived, never stored."""

    COLLECTING = "COLLECTING"
    COMPLETED = "COMPLETED"
    NO_OFFERS = "NO_OFFERS"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a request: it is there once, and for ever."""

    outcome: Outcome
    completed_at: datetime


class QuoteRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request with what is known of it. `insurers` is fixed, and ordered, when the request is accepted."""

    id: UUID
    tenant: str
    customer_id: str
    client_reference: str | None
    insurers: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    ending: Ending | None = None
    quotes: Mapping[str, Quote] = msgspec.field(default_factory=dict[str, Quote])
    trace: str | None = None
    """Where its trace goes on; None where it has none."""

    @property
    def status(self) -> QuoteRequestStatus:
        if self.ending is None:
            return QuoteRequestStatus.COLLECTING
        if self.ending.outcome is Outcome.CANCELLED:
            return QuoteRequestStatus.CANCELLED
        offered = any(quote.status is QuoteStatus.OFFERED for quote in self.quotes.values())
        return QuoteRequestStatus.COMPLETED if offered else QuoteRequestStatus.NO_OFFERS

    def remaining_s(self, now: datetime) -> float:
        """Seconds until the deadline; 0 when the request has ended."""
        return 0.0 if self.ending else max(0.0, (self.expires_at - now).total_seconds())


def best_quote(quotes: Iterable[Ranked], *, now: datetime) -> Ranked | None:
    """The lowest total among the offers that still hold; the earlier of equals. None if there is none."""
    return min((q for q in quotes if _holds(q, now)), key=_by_total, default=None)


def by_arrival(quotes: Iterable[Quote]) -> list[Quote]:
    """In the order of arrival, the same on every instance."""
    return sorted(quotes, key=lambda q: (q.received_at, q.insurer_id))


def by_premium(quotes: Iterable[Quote], *, now: datetime) -> list[Quote]:
    """Valid offers from the lowest premium on; then expired ones in the same order; then the rest."""
    return sorted(quotes, key=lambda quote: (not _holds(quote, now), *_by_amount(quote, quote.premium)))


def by_total(quotes: Iterable[Quote], *, now: datetime) -> list[Quote]:
    """The same by what the customer pays, so that the best comes first."""
    return sorted(quotes, key=lambda quote: (not _holds(quote, now), *_by_total(quote)))


def _by_total(quote: RankedQuote) -> tuple[bool, Decimal, datetime, str]:
    return _by_amount(quote, quote.total)


def _by_amount(quote: RankedQuote, amount: Decimal | None) -> tuple[bool, Decimal, datetime, str]:
    return (amount is None, amount or Decimal(0), quote.received_at, quote.insurer_id)


def _holds(quote: RankedQuote, now: datetime) -> bool:
    if quote.status is not QuoteStatus.OFFERED:
        return False
    return quote.valid_until is None or quote.valid_until > now
