"""The formula of the premium: `T = ТБ × КТ × КБМ × КВС × КО × КМ × КС × КПр`, by one edition of the tariff.

The insurer's own are the base rate, within its corridor, and the class of КБМ, which it looks up. The edition fixes every other factor,
or does not know it: then it is None here, never 1.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from app.domain.application import VehicleCategory
from app.domain.money import Money, roubles
from app.domain.offers.coefficients import Coefficients, DriverCoefficients
from app.domain.tariff.edition import Corridor, Edition, RateClass, TariffPlace, TrailerClass
from app.domain.tariff.risk import OwnerKind, RatedDriver, Risk, VehicleUse

MASS_OF_LIGHT_LORRY_KG_MAX: Final = 16_000
SEATS_OF_SMALL_BUS_MAX: Final = 16

_ONE: Final = Decimal(1)
_BY_CATEGORY: Final = MappingProxyType(
    {
        VehicleCategory.A: RateClass.MOTORCYCLE,
        VehicleCategory.TROLLEYBUS: RateClass.TROLLEYBUS,
        VehicleCategory.TRAM: RateClass.TRAM,
        VehicleCategory.TRACTOR: RateClass.TRACTOR,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedFactors:
    """The factors that the edition fixes; None for one that it does not know."""

    territory: Decimal | None
    age_experience: Decimal | None
    driver_restriction: Decimal
    power: Decimal
    season: Decimal | None
    trailer: Decimal | None


def premium(coefficients: Coefficients, edition: Edition) -> Money:
    """The product, rounded half up to kopecks; no more than the law's cap where it holds."""
    found = product(coefficients)
    if edition.cap is not None:
        found = min(found, edition.cap.value * coefficients.base_rate * coefficients.territory)
    return roubles(found)


def product(coefficients: Coefficients) -> Decimal:
    """The exact product of all factors."""
    c = coefficients
    ground = c.base_rate * c.territory * c.bonus_malus * c.age_experience
    return ground * c.driver_restriction * c.power * c.season * c.trailer


def corridor(risk: Risk, edition: Edition) -> Corridor | None:
    """The least and the largest base rate; None where mass or seats, on which it depends, are not given."""
    rate_class = _rate_class(risk)
    return None if rate_class is None else edition.corridors[rate_class]


def fixed_factors(risk: Risk, edition: Edition) -> FixedFactors:
    """Every factor that is the same with all insurers."""
    has_own_term = risk.is_abroad or risk.is_in_transit
    return FixedFactors(
        territory=territory(risk, edition),
        age_experience=_age_experience(risk, edition),
        driver_restriction=_driver_restriction(risk, edition),
        power=_power(risk, edition),
        season=None if has_own_term else edition.season[risk.months].value,
        trailer=_trailer(risk, edition),
    )


def coefficients_for(
    risk: Risk, edition: Edition, *, base_rate: Decimal, classes: Sequence[str], territory: Decimal | None = None
) -> Coefficients | None:
    """The factors of an insurer with this base rate; None where the edition does not know one of them.

    `classes` are those of КБМ, one for each listed driver. `territory` takes the place of a КТ that the edition does not know.
    """
    fixed = fixed_factors(risk, edition)
    found = fixed.territory or territory
    if found is None or fixed.age_experience is None or fixed.season is None or fixed.trailer is None:
        return None
    return Coefficients(
        base_rate=base_rate,
        territory=found,
        bonus_malus=_bonus_malus(risk, classes, edition),
        age_experience=fixed.age_experience,
        driver_restriction=fixed.driver_restriction,
        power=fixed.power,
        season=fixed.season,
        trailer=fixed.trailer,
        drivers=_driver_coefficients(risk, classes, edition),
    )


def territory(risk: Risk, edition: Edition) -> Decimal | None:
    """КТ of the owner's place, or of a vehicle that is registered elsewhere; None where it is not known."""
    elsewhere = edition.territory
    if risk.is_abroad and risk.category is VehicleCategory.C:
        return None  # it depends on the state, by a list that is not known
    if risk.is_abroad or risk.is_in_transit:
        return elsewhere.abroad_or_in_transit.value
    return territory_at(elsewhere.find(risk.kladr), risk.category)


def assumed_territory(risk: Risk, edition: Edition) -> Decimal | None:
    """КТ of the capital of the owner's region, for places without a row; None where no row has that either."""
    if risk.is_abroad or risk.is_in_transit:
        return None
    return territory_at(edition.territory.capital(risk.kladr), risk.category)


def territory_at(place: TariffPlace | None, category: VehicleCategory) -> Decimal | None:
    """КТ of a place: self-propelled machines have their own."""
    if place is None:
        return None
    if category is not VehicleCategory.TRACTOR:
        return place.factor.value
    return place.tractor.value if place.tractor else None


def driver_age_experience(driver: RatedDriver, category: VehicleCategory, edition: Edition) -> Decimal | None:
    """КВС of one driver; None where the table has no such driver."""
    is_motorcycle = category is VehicleCategory.A
    table = edition.age_experience_motorcycle if is_motorcycle else edition.age_experience_other
    found = table.find(driver.age, driver.experience)
    return found.value if found else None


def age_experience_of_drivers(risk: Risk, edition: Edition) -> tuple[Decimal | None, ...] | None:
    """КВС of each listed driver, as it counts for this owner; None where anyone may drive."""
    if risk.drivers is None:
        return None
    times = _ONE if risk.owner is OwnerKind.PERSON else edition.organisation_age_experience.value
    found = (driver_age_experience(driver, risk.category, edition) for driver in risk.drivers)
    return tuple(factor if factor is None or times == 1 else factor * times for factor in found)


def _driver_coefficients(risk: Risk, classes: Sequence[str], edition: Edition) -> tuple[DriverCoefficients, ...] | None:
    ages = age_experience_of_drivers(risk, edition)
    if ages is None:
        return None
    return tuple(
        DriverCoefficients(bonus_malus=edition.bonus_malus[name].value, age_experience=age)
        for name, age in zip(classes, ages, strict=False)
        if age is not None
    )


def _age_experience(risk: Risk, edition: Edition) -> Decimal | None:
    """The largest factor of the listed drivers, apart from КБМ; 1 for an unlimited number of drivers."""
    ages = age_experience_of_drivers(risk, edition)
    return _ONE if ages is None else _largest(ages)


def _bonus_malus(risk: Risk, classes: Sequence[str], edition: Edition) -> Decimal:
    """The largest class factor of the listed drivers, apart from КВС."""
    if risk.drivers is None:
        return edition.unlimited_bonus_malus.value
    return max(edition.bonus_malus[name].value for name in classes)


def _largest(factors: Iterable[Decimal | None]) -> Decimal | None:
    """None where one of them is not known: it may be the largest."""
    found = list(factors)
    known = [factor for factor in found if factor is not None]
    return max(known) if len(known) == len(found) else None


def _driver_restriction(risk: Risk, edition: Edition) -> Decimal:
    if risk.drivers is not None:
        return edition.listed.value
    is_person = risk.owner is OwnerKind.PERSON
    return (edition.unlimited_person if is_person else edition.unlimited_organisation).value


def _power(risk: Risk, edition: Edition) -> Decimal:
    match risk.category:
        case VehicleCategory.B:
            return edition.power_car.find(risk.power).value
        case VehicleCategory.A:
            return edition.power_motorcycle.find(risk.power).value
        case _:
            return _ONE


def _trailer(risk: Risk, edition: Edition) -> Decimal | None:
    if not risk.has_trailer:
        return _ONE
    if risk.category is VehicleCategory.B and risk.owner is OwnerKind.ORGANISATION:
        return edition.trailer[TrailerClass.CAR_OF_ORGANISATION].value
    match _rate_class(risk):
        case RateClass.MOTORCYCLE | RateClass.LIGHT_LORRY | RateClass.HEAVY_LORRY | RateClass.TRACTOR as kind:
            return edition.trailer[TrailerClass(kind.value)].value
        case None:
            return None
        case _:
            return edition.trailer[TrailerClass.OTHERWISE].value


def _rate_class(risk: Risk) -> RateClass | None:
    match risk.category:
        case VehicleCategory.B if risk.use is VehicleUse.TAXI:
            return RateClass.TAXI
        case VehicleCategory.B:
            return RateClass.CAR if risk.owner is OwnerKind.PERSON else RateClass.CAR_OF_ORGANISATION
        case VehicleCategory.C:
            return _by_size(risk.max_mass_kg, MASS_OF_LIGHT_LORRY_KG_MAX, RateClass.LIGHT_LORRY, RateClass.HEAVY_LORRY)
        case VehicleCategory.D if risk.use is VehicleUse.REGULAR_ROUTES:
            return RateClass.REGULAR_ROUTE_BUS
        case VehicleCategory.D:
            return _by_size(risk.seats, SEATS_OF_SMALL_BUS_MAX, RateClass.SMALL_BUS, RateClass.LARGE_BUS)
        case VehicleCategory.A | VehicleCategory.TROLLEYBUS | VehicleCategory.TRAM | VehicleCategory.TRACTOR as other:
            return _BY_CATEGORY[other]


def _by_size(size: int | None, small_max: int, small: RateClass, large: RateClass) -> RateClass | None:
    if size is None:
        return None
    return small if size <= small_max else large
