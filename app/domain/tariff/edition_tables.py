"""The tables of an edition's TOML file, as they are written: figures are texts here, with or without a mark."""

from datetime import date

import msgspec

from app.domain.tariff.edition import Mark


class FigureTable(msgspec.Struct, forbid_unknown_fields=True):
    """A table of figures: what its rows do not say themselves."""

    source: str
    mark: Mark | None = None


class CapTable(FigureTable, kw_only=True):
    applies: bool
    times: str


class CorridorEnds(msgspec.Struct, forbid_unknown_fields=True):
    floor: str
    ceiling: str


class BaseRatesTable(FigureTable, kw_only=True):
    motorcycle: CorridorEnds
    car_of_organisation: CorridorEnds
    car: CorridorEnds
    taxi: CorridorEnds
    light_lorry: CorridorEnds
    heavy_lorry: CorridorEnds
    small_bus: CorridorEnds
    large_bus: CorridorEnds
    regular_route_bus: CorridorEnds
    trolleybus: CorridorEnds
    tram: CorridorEnds
    tractor: CorridorEnds


class BonusMalusTable(FigureTable, kw_only=True):
    classes: dict[str, str]
    unlimited: str


class AgeBandRow(msgspec.Struct, forbid_unknown_fields=True):
    ages: tuple[int, int]
    factors: tuple[str, ...]


class AgeTable(FigureTable, kw_only=True):
    experience_from: tuple[int, ...]
    bands: tuple[AgeBandRow, ...]


class TimesTable(FigureTable, kw_only=True):
    times: str


class AgeExperienceTables(msgspec.Struct, forbid_unknown_fields=True):
    motorcycle: AgeTable
    other: AgeTable
    organisation: TimesTable


class DriverRestrictionTable(FigureTable, kw_only=True):
    listed: str
    unlimited_person: str
    unlimited_organisation: str


class PowerStepsTable(FigureTable, kw_only=True):
    up_to_hp: tuple[int, ...]
    factors: tuple[str, ...]


class PowerTables(msgspec.Struct, forbid_unknown_fields=True):
    car: PowerStepsTable
    motorcycle: PowerStepsTable


class SeasonTable(FigureTable, kw_only=True):
    months: dict[int, str]


class TrailerTable(FigureTable, kw_only=True):
    car_of_organisation: str
    motorcycle: str
    light_lorry: str
    heavy_lorry: str
    tractor: str
    otherwise: str


class PlaceRow(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    kladr: str
    region: str
    place: str
    factor: str
    tractor: str


class ElsewhereTable(FigureTable, kw_only=True):
    abroad_or_in_transit: str
    lorry_of_unfriendly_state: str


class TerritoryTable(FigureTable, kw_only=True):
    capitals: tuple[PlaceRow, ...] = ()
    towns: tuple[PlaceRow, ...] = ()
    elsewhere: ElsewhereTable | None = None


class EditionFile(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    in_force_from: date
    amends: str | None = None
    cap: CapTable | None = None
    base_rates: BaseRatesTable | None = None
    bonus_malus: BonusMalusTable | None = None
    age_experience: AgeExperienceTables | None = None
    driver_restriction: DriverRestrictionTable | None = None
    power: PowerTables | None = None
    season: SeasonTable | None = None
    trailer: TrailerTable | None = None
    territory: TerritoryTable | None = None
