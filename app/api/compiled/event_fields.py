"""Every field of the event types, as an expression that reads it off `app.watch.events`'s events.

Compiled subscriptions, REST's documents and graphql-core's resolvers are made of these. `v` is the value that the field is of,
`e` the event, `services` are the API's. What is selected from a call (an insurer) reads nothing but `v`. A field that is not
here is resolved by its strawberry type.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import msgspec

from app.codecs.quote_codec import OfferEvent, QuoteEvent
from app.domain.money import RUB, Money
from app.domain.offers.coefficients import Coefficients, DriverCoefficients
from app.domain.quote import best_quote
from app.domain.stub import Stub, stub_for
from app.watch.events import Completed, Received

CLASSES: Final[Mapping[str, type]] = MappingProxyType({"QuoteReceived": Received, "QuotesCompleted": Completed})
"""Members of the schema's union, by name."""


def _best(event: Completed, now: datetime) -> QuoteEvent | None:
    return best_quote(event.quotes.values(), now=now)


def _stub(event: Completed) -> Stub | None:
    return stub_for(event.quotes.values())


def _fields(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {field.encode_name: f"v.{field.name}" for field in msgspec.structs.fields(struct)}


NAMES: Final[Mapping[str, Any]] = MappingProxyType({"best": _best, "stub": _stub, "money": Money})
"""Functions that the expressions call."""

_EVENT: Final = {"cursor": "e.cursor.encode()", "requestId": "str(e.cursor.request_id)", "progress": "e.cursor"}
_OFFER: Final = {
    **{
        field.encode_name: f"v.{field.name}"
        for field in msgspec.structs.fields(OfferEvent)
        if field.name not in {"currency", "sealed_url"}
    },
    "premium": "money(v.premium, v.currency)",
    "total": "money(v.total, v.currency)",
    "coefficients": "v.coefficients",
}
"""Each field of an offer: its currency is one of the premium, its sealed link is not shown."""
FIELDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "QuoteReceived": {**_EVENT, "quote": "e.quote"},
        "QuotesCompleted": {
            **_EVENT,
            "outcome": "e.ending.outcome",
            "bestQuote": "best(e, services.clock.now())",
            "stub": "stub(e)",
        },
        "Progress": {"answered": "v.answered", "total": "len(v.insurers)"},
        "Quote": {
            "id": "f'{e.cursor.request_id}:{v.insurer_id}'",
            "insurer": "services.availabilities.insurer(v.insurer_id)",
            "status": "v.status",
            "offer": "v.offer",
            "reason": "v.reason",
            "receivedAt": "v.received_at",
        },
        "Insurer": {"id": "v.id", "name": "v.name"},
        "Offer": _OFFER,
        "Money": {"amount": "v.amount", "currency": "v.currency"},
        "Extra": {
            "code": "v.code",
            "name": "v.name",
            "price": f"money(v.price, {RUB!r})",
            "isMandatory": "v.is_mandatory",
        },
        "Coefficients": _fields(Coefficients),
        "DriverCoefficients": _fields(DriverCoefficients),
        "Reason": {
            "code": "v.code.value",
            "message": "v.message",
            "insurerCode": "v.insurer_code",
            "problems": "v.problems",
        },
        "Problem": {"path": "v.path", "code": "v.code", "message": "v.message"},
        "Stub": {"title": "v.title", "message": "v.message", "retryAfterSeconds": "v.retry_after_s"},
    }
)
