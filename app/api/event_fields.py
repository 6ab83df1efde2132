"""Every field of the event types as it is read off a domain value: what `app.api.types` makes of it, without making it.

Tests hold both to each other over generated selections. A field that is not here has to be asked of graphql-core.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final

from app.api.plans.selections import Info
from app.domain.insurer import Insurer
from app.domain.quote import NoOffer, Offer, Quote, best_quote
from app.domain.stub import Stub, stub_for
from app.following import Completed, Received

CLASSES: Final[Mapping[str, type]] = MappingProxyType({"QuoteReceived": Received, "QuotesCompleted": Completed})
"""Members of the schema's union, by name."""


def _offer(quote: Quote, _info: Info) -> Offer | None:
    return quote.answer if isinstance(quote.answer, Offer) else None


def _reason(quote: Quote, _info: Info) -> Any:
    return quote.answer.reason if isinstance(quote.answer, NoOffer) else None


def _insurer(quote: Quote, info: Any) -> Insurer:
    return info.context.services.availabilities.insurer(quote.insurer_id)


def _best(event: Completed, info: Any) -> Quote | None:
    return best_quote(event.request.quotes.values(), now=info.context.services.clock.now())


def _stub(event: Completed, _info: Info) -> Stub | None:
    return stub_for(event.request.quotes.values())


_EVENT: Final[Mapping[str, Callable[..., Any]]] = {
    "cursor": lambda event, _: event.cursor.encode(),
    "requestId": lambda event, _: str(event.cursor.request_id),
    "progress": attrgetter("cursor"),
}
FIELDS: Final[Mapping[str, Mapping[str, Callable[..., Any]]]] = MappingProxyType(
    {
        "QuoteReceived": {**_EVENT, "quote": attrgetter("quote")},
        "QuotesCompleted": {**_EVENT, "outcome": attrgetter("ending.outcome"), "bestQuote": _best, "stub": _stub},
        "Progress": {"answered": attrgetter("answered"), "total": lambda cursor, _: len(cursor.insurers)},
        "Quote": {
            "id": lambda quote, _: f"{quote.request_id}:{quote.insurer_id}",
            "insurer": _insurer,
            "status": attrgetter("status"),
            "offer": _offer,
            "reason": _reason,
            "receivedAt": attrgetter("received_at"),
        },
        "Insurer": {"id": attrgetter("id"), "name": attrgetter("name")},
        "Offer": {
            "number": attrgetter("number"),
            "premium": attrgetter("premium"),
            "coefficients": attrgetter("coefficients"),
            "validUntil": attrgetter("valid_until"),
            "purchaseUrl": attrgetter("purchase_url"),
        },
        "Money": {"amount": attrgetter("amount"), "currency": attrgetter("currency")},
        "Coefficients": {
            "baseRate": attrgetter("base_rate"),
            "territory": attrgetter("territory"),
            "bonusMalus": attrgetter("bonus_malus"),
            "ageExperience": attrgetter("age_experience"),
            "driverRestriction": attrgetter("driver_restriction"),
            "power": attrgetter("power"),
            "season": attrgetter("season"),
        },
        "Reason": {
            "code": attrgetter("code.value"),
            "message": attrgetter("message"),
            "insurerCode": attrgetter("insurer_code"),
        },
        "Stub": {
            "title": attrgetter("title"),
            "message": attrgetter("message"),
            "retryAfterSeconds": attrgetter("retry_after_s"),
        },
    }
)
"""By type and field: one that needs the value alone is an `attrgetter`, the others take the value and `Info`."""
