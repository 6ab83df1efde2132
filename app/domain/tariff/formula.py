"""What a premium is made of: `T = ТБ × КТ × КБМ × КВС × КО × КС × КМ`.

The figures are versioned data in modules of their own (`app.domain.tariff.edition_2025`); the base rate and the bonus-malus
class are arguments: an insurer picks the one within the corridor and looks up the other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from app.domain.age import full_years
from app.domain.application import Application, Driver, Vehicle, VehicleCategory, VehiclePurpose
from app.domain.coefficients import Coefficients
from app.domain.money import Money, roubles

MASS_OF_LIGHT_LORRY_KG_MAX: Final = 16_000
SEATS_OF_SMALL_BUS_MAX: Final = 16

_ONE: Final = Decimal(1)
_CAP: Final = Decimal(3)


class RateClass(StrEnum):
    """What the corridor of base rates depends on, for private persons."""

    CAR = "CAR"
    TAXI = "TAXI"
    LIGHT_LORRY = "LIGHT_LORRY"
    HEAVY_LORRY = "HEAVY_LORRY"
    SMALL_BUS = "SMALL_BUS"
    LARGE_BUS = "LARGE_BUS"
    TROLLEYBUS = "TROLLEYBUS"
    TRAM = "TRAM"


Corridor = tuple[Decimal, Decimal]
Row = tuple[int, Sequence[Decimal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """One edition of the tariff. A row holds from its age or figure up; its last cell goes on to the right."""

    version: str
    valid_from: date
    capped: bool
    """Whether the law holds a premium at three times base rate × territory."""
    corridors: Mapping[RateClass, Corridor] = field(repr=False)
    territories: Mapping[str, Decimal] = field(repr=False)
    """By the first 8 digits of the КЛАДР code (a city) or, where none fits, by its first 2 (a region)."""
    territory_elsewhere: Decimal
    bonus_malus: Mapping[str, Decimal] = field(repr=False)
    """By class; the first one is the Russian letter М."""
    experience_columns: Sequence[int] = field(repr=False)
    """The full years of experience from which each cell of a row holds."""
    age_experience: Sequence[Row] = field(repr=False)
    power: Sequence[tuple[Decimal | None, Decimal]] = field(repr=False)
    """(up to so many horsepower inclusive, factor); the last has no limit."""
    season: Mapping[int, Decimal] = field(repr=False)
    unlimited_drivers: Decimal
    unlimited_bonus_malus: Decimal


def premium(coefficients: Coefficients, *, capped: bool) -> Money:
    """The product, rounded half up to kopecks; no more than the law's cap where it holds."""
    c = coefficients
    ground = c.base_rate * c.territory
    product = ground * c.bonus_malus * c.age_experience * c.driver_restriction * c.season * c.power
    return roubles(min(product, _CAP * ground) if capped else product)


def corridor(application: Application, tariff: Tariff) -> Corridor | None:
    """The least and the largest base rate; None where this tariff is unknown, so that no premium can be computed."""
    rate_class = _rate_class(application.vehicle)
    return None if rate_class is None else tariff.corridors.get(rate_class)


def coefficients_for(
    application: Application,
    *,
    base_rate: Decimal,
    bonus_malus_class: Callable[[Driver], str],
    on: date,
    tariff: Tariff,
) -> Coefficients:
    """Every factor as it stands `on` that day. Only for vehicles with a corridor: the tables hold for no others."""
    vehicle = application.vehicle
    if _rate_class(vehicle) is None:
        message = f"the tariff of category {vehicle.category} is not known"
        raise ValueError(message)
    if application.drivers is None:
        bonus_malus, age_experience, restriction = tariff.unlimited_bonus_malus, _ONE, tariff.unlimited_drivers
    else:
        bonus_malus, age_experience = _decisive(application.drivers, bonus_malus_class, on, tariff)
        restriction = _ONE
    return Coefficients(
        base_rate=base_rate,
        territory=territory(application.owner.address.kladr, tariff),
        bonus_malus=bonus_malus,
        age_experience=age_experience,
        driver_restriction=restriction,
        power=_power(vehicle, tariff),
        season=tariff.season[application.usage_months],
    )


def territory(kladr: str, tariff: Tariff) -> Decimal:
    """КТ of a settlement: its city's, or else its region's, or else that of all other places."""
    regional = tariff.territories.get(kladr[:2], tariff.territory_elsewhere)
    return tariff.territories.get(kladr[:8], regional)


def age_experience(age: int, experience: int, tariff: Tariff) -> Decimal:
    """КВС. Impossible combinations (long experience, young age) have no figure in the table: the nearest to the left is used."""
    cells = _row(age, tariff.age_experience)
    column = sum(experience >= first for first in tariff.experience_columns) - 1
    return cells[min(column, len(cells) - 1)]


def _decisive(
    drivers: Sequence[Driver], bonus_malus_class: Callable[[Driver], str], on: date, tariff: Tariff
) -> tuple[Decimal, Decimal]:
    """КБМ and КВС of the driver with the largest product of the two."""
    factors = (
        (
            tariff.bonus_malus[bonus_malus_class(driver)],
            age_experience(full_years(driver.birth_date, on), full_years(driver.driving_since, on), tariff),
        )
        for driver in drivers
    )
    return max(factors, key=lambda pair: pair[0] * pair[1])


def _row(age: int, rows: Sequence[Row]) -> Sequence[Decimal]:
    """The row of that age; the first is also used for younger drivers, which no valid application has."""
    return next((cells for first, cells in reversed(rows) if age >= first), rows[0][1])


def _power(vehicle: Vehicle, tariff: Tariff) -> Decimal:
    if vehicle.category is not VehicleCategory.B:
        return _ONE
    return next(factor for most, factor in tariff.power if most is None or vehicle.engine_power <= most)


def _rate_class(vehicle: Vehicle) -> RateClass | None:
    match vehicle.category:
        case VehicleCategory.B:
            return RateClass.TAXI if vehicle.purpose is VehiclePurpose.TAXI else RateClass.CAR
        case VehicleCategory.C:
            heavy = (vehicle.max_mass_kg or 0) > MASS_OF_LIGHT_LORRY_KG_MAX
            return RateClass.HEAVY_LORRY if heavy else RateClass.LIGHT_LORRY
        case VehicleCategory.D:
            return RateClass.LARGE_BUS if (vehicle.seats or 0) > SEATS_OF_SMALL_BUS_MAX else RateClass.SMALL_BUS
        case VehicleCategory.TROLLEYBUS:
            return RateClass.TROLLEYBUS
        case VehicleCategory.TRAM:
            return RateClass.TRAM
        case VehicleCategory.A | VehicleCategory.TRACTOR:
            return None
