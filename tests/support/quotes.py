"""Requests and quotes to test with."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from app.domain.ids import uuid7
from app.domain.money import roubles
from app.domain.offers.coefficients import Coefficients, DriverCoefficients
from app.domain.offers.extras import Extra
from app.domain.quote import Answer, Ending, Offer, Outcome, Quote, QuoteRequest, declined
from app.redis.authenticity import EventAuthenticator

AUTHENTICATOR = EventAuthenticator({"k1": bytes(range(32))})
NOW = datetime.now(UTC).replace(microsecond=123456)

COEFFICIENTS = Coefficients(
    base_rate=Decimal(8665),
    territory=Decimal("1.80"),
    bonus_malus=Decimal("0.46"),
    age_experience=Decimal("0.93"),
    driver_restriction=Decimal(1),
    power=Decimal("1.4"),
    season=Decimal(1),
    trailer=Decimal("1.16"),
    drivers=(
        DriverCoefficients(bonus_malus=Decimal("0.46"), age_experience=Decimal("0.93")),
        DriverCoefficients(bonus_malus=Decimal("0.46"), age_experience=Decimal("0.83")),
    ),
)
TOWING = Extra(code="TOWING", name="Эвакуатор", price=Decimal("900.00"))


def a_request(*insurers: str, **changes: Any) -> QuoteRequest:
    """A request that has just been accepted."""
    fields: dict[str, Any] = {
        "id": uuid7(NOW),
        "tenant": "core-app",
        "customer_id": "customer-1",
        "client_reference": None,
        "insurers": insurers or ("sever",),
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=1),
    }
    return QuoteRequest(**{**fields, **changes})


def an_offer(premium: str = "5432.10", **changes: Any) -> Offer:
    """An offer with everything in it."""
    fields: dict[str, Any] = {
        "number": "N-1",
        "premium": roubles(premium),
        "coefficients": COEFFICIENTS,
        "extras": (TOWING,),
        "starts_on": date(2026, 12, 8),
        "valid_until": NOW + timedelta(days=3),
        "purchase_url": "https://sever.example/buy/N-1",
    }
    return Offer(**{**fields, **changes})


def a_quote(request: QuoteRequest, insurer_id: str, answer: Answer | None = None, *, after_s: float = 1) -> Quote:
    """A quote; by default an offer."""
    return Quote(request.id, insurer_id, answer or an_offer(), request.created_at + timedelta(seconds=after_s))


def a_refusal() -> Answer:
    return declined("KBM_TOO_HIGH")


def an_end(outcome: Outcome) -> Ending:
    return Ending(outcome, NOW + timedelta(seconds=60))
