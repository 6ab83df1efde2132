"""The coefficients of a premium: what an offer states, and what the tariff computes."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficients:
    """The factors of a premium."""

    base_rate: Decimal
    territory: Decimal
    bonus_malus: Decimal
    age_experience: Decimal
    driver_restriction: Decimal
    power: Decimal
    season: Decimal
    trailer: Decimal = Decimal(1)
