"""Money and its rounding: premiums are exact decimals, kopecks are never lost."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import msgspec

RUB: Final = "RUB"
"""The one currency of premiums."""
KOPECK: Final = Decimal("0.01")
PREMIUM_MAX: Final = Decimal(10_000_000)


class Money(msgspec.Struct, frozen=True, gc=False):
    """An amount with at most two decimals and its ISO 4217 currency."""

    amount: Decimal
    currency: str


def roubles(amount: str | int | Decimal) -> Money:
    """An amount of roubles, rounded half up to kopecks."""
    return Money(to_kopecks(Decimal(amount)), RUB)


def to_kopecks(amount: Decimal) -> Decimal:
    """Rounds half up to two decimals, as the tariff demands."""
    return amount.quantize(KOPECK, rounding=ROUND_HALF_UP)
