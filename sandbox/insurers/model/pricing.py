"""What an insurer asks for an application. The factors are the same for all; only the base rate is its own."""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from hashlib import blake2b
from itertools import accumulate
from typing import Final

from app.domain.application import Application, Driver
from app.domain.money import Money
from app.domain.offers.coefficients import Coefficients
from app.domain.tariff.edition import Corridor, Edition
from app.domain.tariff.formula import assumed_territory, coefficients_for, corridor, premium, territory
from app.domain.tariff.risk_of_application import risk_of

_ROUBLE: Final = Decimal(1)

# How many drivers of a hundred have which КБМ class: mostly good ones, as in life.
_CLASSES: Final[Sequence[tuple[str, int]]] = (
    ("М", 1),
    ("0", 1),
    ("1", 1),
    ("2", 2),
    ("3", 20),
    ("4", 8),
    ("5", 6),
    ("6", 5),
    ("7", 5),
    ("8", 5),
    ("9", 5),
    ("10", 5),
    ("11", 5),
    ("12", 6),
    ("13", 25),
)
_UP_TO: Final = tuple(accumulate(share for _, share in _CLASSES))


@dataclass(frozen=True, slots=True)
class Price:
    """A premium and what it is made of."""

    premium: Money
    coefficients: Coefficients
    is_territory_assumed: bool
    """КТ is that of the region's capital, for the place's own is not known."""


def price(application: Application, rate_position: Decimal, edition: Edition | None) -> Price | None:
    """None where the edition does not know a factor, or there is no edition of the day.

    A КТ that is not known is that of the region's capital. Ages and experience are those of the first insured day.
    """
    risk = risk_of(application)
    bounds = edition and corridor(risk, edition)
    if edition is None or bounds is None:
        return None
    known = territory(risk, edition)
    coefficients = coefficients_for(
        risk,
        edition,
        base_rate=base_rate(bounds, rate_position),
        classes=[bonus_malus_class(driver) for driver in application.drivers or ()],
        territory=known or assumed_territory(risk, edition),
    )
    if coefficients is None:
        return None
    return Price(premium(coefficients, edition), coefficients, is_territory_assumed=known is None)


def base_rate(bounds: Corridor, position: Decimal) -> Decimal:
    """Whole roubles at this position of the corridor."""
    floor, ceiling = bounds.floor.value, bounds.ceiling.value
    return (floor + position * (ceiling - floor)).quantize(_ROUBLE, rounding=ROUND_HALF_UP)


def bonus_malus_class(driver: Driver) -> str:
    """Stands in for the look-up in the national system: the same licence has the same class with every insurer.

    The claims history of a driver with another licence is kept under the previous one.
    """
    digest = blake2b((driver.previous_license or driver.license).number.encode(), digest_size=8).digest()
    return _CLASSES[bisect(_UP_TO, int.from_bytes(digest) % _UP_TO[-1])][0]
