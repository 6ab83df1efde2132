"""One edition of the tariff: every figure with its mark and its source. Files of data have them (`app.domain.tariff.edition_file`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

SEASON_MONTHS: Final = range(3, 13)
BONUS_MALUS_CLASSES: Final = ("М", *(str(number) for number in range(14)))
"""From the worst to the best; the first one is the Russian letter М."""
DRIVING_AGE_MIN: Final = 16
"""The least age at which experience begins, in any category."""
DRIVER_AGE_MAX: Final = 100
_REGION_DIGITS: Final = 2


class Mark(StrEnum):
    """How well a figure is known."""

    AGREED = "S"
    TRANSCRIBED = "S1"
    REMEMBERED = "M"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the tariff; `source` names the act that it stands in, as far as that is known."""

    value: Decimal
    mark: Mark
    source: str


class RateClass(StrEnum):
    """The key of a corridor of base rates."""

    MOTORCYCLE = "motorcycle"
    CAR_OF_ORGANISATION = "car_of_organisation"
    CAR = "car"
    TAXI = "taxi"
    LIGHT_LORRY = "light_lorry"
    HEAVY_LORRY = "heavy_lorry"
    SMALL_BUS = "small_bus"
    LARGE_BUS = "large_bus"
    REGULAR_ROUTE_BUS = "regular_route_bus"
    TROLLEYBUS = "trolleybus"
    TRAM = "tram"
    TRACTOR = "tractor"


class TrailerClass(StrEnum):
    """The key of a trailer's factor: the vehicle before it."""

    CAR_OF_ORGANISATION = "car_of_organisation"
    MOTORCYCLE = "motorcycle"
    LIGHT_LORRY = "light_lorry"
    HEAVY_LORRY = "heavy_lorry"
    TRACTOR = "tractor"
    OTHERWISE = "otherwise"


@dataclass(frozen=True, slots=True)
class Corridor:
    """The least and the largest base rate, in roubles."""

    floor: Figure
    ceiling: Figure

    def __contains__(self, rate: Decimal) -> bool:
        return self.floor.value <= rate <= self.ceiling.value


@dataclass(frozen=True, slots=True)
class AgeBand:
    """Drivers of these full years of age, both included; a factor for each column of experience that they can reach."""

    first: int
    last: int
    factors: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class AgeExperience:
    """КВС of one kind of vehicle; `experience_from` are the full years from which the columns hold."""

    experience_from: tuple[int, ...]
    bands: tuple[AgeBand, ...]

    def find(self, age: int, experience: int) -> Figure | None:
        """None where the table has no such driver."""
        band = next((band for band in self.bands if band.first <= age <= band.last), None)
        column = sum(experience >= first for first in self.experience_from) - 1
        return band.factors[column] if band and 0 <= column < len(band.factors) else None


@dataclass(frozen=True, slots=True)
class PowerSteps:
    """КМ of one kind of vehicle: a factor up to each bound in horsepower, included, and one beyond the last."""

    up_to_hp: tuple[Decimal, ...]
    factors: tuple[Figure, ...]

    def find(self, horsepower: Decimal) -> Figure:
        return self.factors[sum(horsepower > bound for bound in self.up_to_hp)]


@dataclass(frozen=True, slots=True)
class TariffPlace:
    """A row of КТ. `kladr` is the beginning of a КЛАДР code; `tractor` the factor of self-propelled machines."""

    kladr: str
    region: str
    name: str
    factor: Figure
    tractor: Figure | None
    is_capital: bool
    """A region's capital, or the region as a whole: what stands in for its other places where one has to be assumed."""

    @property
    def is_region(self) -> bool:
        """Whether it holds for every code of its region."""
        return len(self.kladr) == _REGION_DIGITS


@dataclass(frozen=True, slots=True)
class Territory:
    """КТ by place, and of vehicles that have none here."""

    places: Mapping[str, TariffPlace]
    """By `TariffPlace.kladr`."""
    abroad_or_in_transit: Figure
    lorry_of_unfriendly_state: Figure
    """The list of states is not known."""

    def find(self, kladr: str) -> TariffPlace | None:
        """The place of the longest beginning of this code; None where no row holds for it."""
        lengths = range(len(kladr), _REGION_DIGITS - 1, -1)
        return next((place for length in lengths if (place := self.places.get(kladr[:length]))), None)

    def capital(self, kladr: str) -> TariffPlace | None:
        """The capital of the code's region, or the region as a whole; None if no row has it."""
        region = kladr[:_REGION_DIGITS]
        capitals = (place for place in self.places.values() if place.is_capital)
        return next((place for place in capitals if place.kladr[:_REGION_DIGITS] == region), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """All figures that hold from one day on, until the next edition's."""

    name: str
    in_force_from: date
    amends: str | None
    """The edition that all other figures are of, where this one changes but a part."""
    cap: Figure | None
    """The law's: a premium is at most so many times base rate × territory; None: no cap."""
    corridors: Mapping[RateClass, Corridor]
    bonus_malus: Mapping[str, Figure]
    """КБМ by class."""
    unlimited_bonus_malus: Figure
    age_experience_motorcycle: AgeExperience
    age_experience_other: AgeExperience
    organisation_age_experience: Figure
    """Multiplies КВС of the listed drivers of an organisation's vehicle."""
    listed: Figure
    unlimited_person: Figure
    unlimited_organisation: Figure
    power_car: PowerSteps
    power_motorcycle: PowerSteps
    season: Mapping[int, Figure]
    """КС by months of use."""
    trailer: Mapping[TrailerClass, Figure]
    territory: Territory


@dataclass(frozen=True, slots=True)
class Editions:
    """The editions that are known, by the day from which they hold."""

    known: tuple[Edition, ...]
    """In order; at least one."""

    def on(self, day: date) -> Edition | None:
        """The edition in force on a day of Moscow's calendar; None before the first that is known."""
        return next((edition for edition in reversed(self.known) if edition.in_force_from <= day), None)
