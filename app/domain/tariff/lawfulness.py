"""An offer held against the tariff. What is found is counted and shown to operators; customers are shown the offer all the same.

Only the base rate and КБМ are the insurer's own. Where the edition does not know a figure, nothing that depends on it is judged.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from app.domain.money import KOPECK, to_kopecks
from app.domain.offers.coefficients import Coefficients, DriverCoefficients
from app.domain.quote import Offer
from app.domain.tariff.edition import Corridor, Edition
from app.domain.tariff.formula import FixedFactors, age_experience_of_drivers, corridor, fixed_factors, premium
from app.domain.tariff.risk import OwnerKind, Risk


class Unlawful(StrEnum):
    """A premium that no base rate of the corridor and no class of КБМ can make."""

    TOO_LOW = "too_low"
    TOO_HIGH = "too_high"
    UNREACHABLE = "unreachable"
    """Between two that can be made."""


class Inconsistent(StrEnum):
    """A factor, as the insurer reports it, that cannot be; or factors that do not make the premium."""

    PRODUCT = "product"
    BASE_RATE = "base_rate"
    TERRITORY = "territory"
    BONUS_MALUS = "bonus_malus"
    AGE_EXPERIENCE = "age_experience"
    DRIVER_RESTRICTION = "driver_restriction"
    POWER = "power"
    SEASON = "season"
    TRAILER = "trailer"


@dataclass(frozen=True, slots=True)
class Findings:
    """The faults of an offer."""

    unlawful: Unlawful | None = None
    inconsistent: frozenset[Inconsistent] = frozenset()


NOTHING_FOUND: Final = Findings()
_FIXED: Final = (
    (Inconsistent.TERRITORY, "territory"),
    (Inconsistent.AGE_EXPERIENCE, "age_experience"),
    (Inconsistent.DRIVER_RESTRICTION, "driver_restriction"),
    (Inconsistent.POWER, "power"),
    (Inconsistent.SEASON, "season"),
    (Inconsistent.TRAILER, "trailer"),
)


def examine(offer: Offer, risk: Risk, edition: Edition | None) -> Findings:
    """Holds an offer for this risk against the edition; nothing is found where there is none, or none for such vehicles."""
    if edition is None or risk.is_abroad or risk.is_in_transit:
        return NOTHING_FOUND
    fixed, rates = fixed_factors(risk, edition), corridor(risk, edition)
    inconsistent = frozenset(_inconsistent(offer, risk, fixed, rates, edition))
    unlawful = _unlawful(offer.premium.amount, risk, fixed, rates, edition)
    return Findings(unlawful, inconsistent) if unlawful or inconsistent else NOTHING_FOUND


def _unlawful(
    amount: Decimal, risk: Risk, fixed: FixedFactors, rates: Corridor | None, edition: Edition
) -> Unlawful | None:
    ground, rest = fixed.territory, _rest(fixed)
    if rates is None or ground is None or rest is None:
        return None
    is_low = is_high = False
    for class_factor in _bonus_malus_possible(risk, edition):
        factor = class_factor * rest
        if edition.cap is not None:
            factor = min(factor, edition.cap.value)
        if amount < to_kopecks(rates.floor.value * ground * factor):
            is_low = True
        elif amount > to_kopecks(rates.ceiling.value * ground * factor):
            is_high = True
        else:
            return None
    if is_low and is_high:
        return Unlawful.UNREACHABLE
    return Unlawful.TOO_LOW if is_low else Unlawful.TOO_HIGH


def _rest(fixed: FixedFactors) -> Decimal | None:
    """The product of what is fixed besides the territory; None where a factor is not known."""
    if fixed.age_experience is None or fixed.season is None or fixed.trailer is None:
        return None
    return fixed.age_experience * fixed.driver_restriction * fixed.power * fixed.season * fixed.trailer


def _bonus_malus_possible(risk: Risk, edition: Edition) -> list[Decimal]:
    """Any class, or the one factor of a person's vehicle that anyone may drive. An organisation's has a class of its own."""
    if risk.drivers is None and risk.owner is OwnerKind.PERSON:
        return [edition.unlimited_bonus_malus.value]
    return [figure.value for figure in edition.bonus_malus.values()]


def _inconsistent(
    offer: Offer,
    risk: Risk,
    fixed: FixedFactors,
    rates: Corridor | None,
    edition: Edition,
) -> Iterator[Inconsistent]:
    reported = offer.coefficients
    if reported is None:
        return
    if abs(premium(reported, edition).amount - offer.premium.amount) > KOPECK:
        yield Inconsistent.PRODUCT
    if rates is not None and reported.base_rate not in rates:
        yield Inconsistent.BASE_RATE
    if reported.bonus_malus not in _bonus_malus_possible(risk, edition):
        yield Inconsistent.BONUS_MALUS
    for kind, name in _FIXED:
        ours: Decimal | None = getattr(fixed, name)
        if ours is not None and getattr(reported, name) != ours:
            yield kind
    if reported.drivers is not None:
        yield from _drivers_inconsistent(reported, reported.drivers, risk, edition)


def _drivers_inconsistent(
    reported: Coefficients, drivers: tuple[DriverCoefficients, ...], risk: Risk, edition: Edition
) -> Iterator[Inconsistent]:
    """Each driver's КВС is the table's, and the largest КБМ of them is the premium's."""
    ours = age_experience_of_drivers(risk, edition) or ()
    pairs = zip(drivers, ours, strict=False)
    if len(drivers) != len(ours) or any(age is not None and one.age_experience != age for one, age in pairs):
        yield Inconsistent.AGE_EXPERIENCE
    if drivers and max(one.bonus_malus for one in drivers) != reported.bonus_malus:
        yield Inconsistent.BONUS_MALUS
