"""Reads an edition of the tariff from its TOML file. A wrong file is one line that names the place.

A file that `amends` another edition has the tables that it changes; of the territories it has the rows that it changes. A figure is
written with its mark (`"1.80 S1"`), or has the mark of its table; each table names its source. Without either no figure is read.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import msgspec

from app.domain.errors import WrongSetting
from app.domain.tariff.edition import (
    AgeBand,
    AgeExperience,
    Corridor,
    Edition,
    Figure,
    Mark,
    PowerSteps,
    RateClass,
    TariffPlace,
    Territory,
    TrailerClass,
)
from app.domain.tariff.edition_rules import first_fault
from app.domain.tariff.edition_tables import (
    AgeExperienceTables,
    AgeTable,
    BaseRatesTable,
    BonusMalusTable,
    CapTable,
    CorridorEnds,
    DriverRestrictionTable,
    EditionFile,
    FigureTable,
    PowerStepsTable,
    PowerTables,
    SeasonTable,
    TerritoryTable,
    TrailerTable,
)

_FIGURE: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,4})?)(?: (S|S1|M))?")
_KLADR: Final = re.compile(r"[0-9]{2,19}")


def read_edition(text: str, earlier: Mapping[str, Edition]) -> Edition:
    """The edition of a file's text. `earlier` are those that it may amend, by name.

    Raises:
        WrongSetting: it cannot be read, or its figures cannot be those of a tariff; the text names the place, without the file.
    """
    try:
        file = msgspec.convert(tomllib.loads(text), EditionFile, str_keys=True)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise WrongSetting(str(error)) from None
    amended = _amended(file, earlier)
    given = _given(file, amended)
    if amended and file.in_force_from <= amended.in_force_from:
        raise WrongSetting(f"in_force_from: no later than the edition that it amends, {amended.in_force_from}")
    edition = Edition(**given) if amended is None else replace(amended, **given)
    if fault := first_fault(edition):
        raise WrongSetting(fault)
    return edition


def _amended(file: EditionFile, earlier: Mapping[str, Edition]) -> Edition | None:
    if file.name in earlier:
        raise WrongSetting(f"name: {file.name} is another edition's too")
    if file.amends is None:
        return None
    amended = earlier.get(file.amends)
    if amended is None:
        raise WrongSetting(f"amends: {file.amends} is no edition before this one")
    return amended


def _given(file: EditionFile, amended: Edition | None) -> dict[str, Any]:
    given: dict[str, Any] = {"name": file.name, "in_force_from": file.in_force_from, "amends": file.amends}
    for name, read in _TABLES.items():
        table = getattr(file, name)
        if table is not None:
            given |= read(table)
        elif amended is None:
            raise WrongSetting(f"{name}: required, for the file amends no other")
    if file.territory:
        given["territory"] = _territory(file.territory, amended)
    elif amended is None:
        raise WrongSetting("territory: required, for the file amends no other")
    return given


def _cap(table: CapTable) -> dict[str, Any]:
    return {"cap": _figure(table, table.times, "cap.times") if table.applies else None}


def _base_rates(table: BaseRatesTable) -> dict[str, Any]:
    return {"corridors": MappingProxyType({kind: _corridor(table, kind) for kind in RateClass})}


def _driver_restriction(table: DriverRestrictionTable) -> dict[str, Any]:
    names = ("listed", "unlimited_person", "unlimited_organisation")
    return {name: _figure(table, getattr(table, name), f"driver_restriction.{name}") for name in names}


def _power(tables: PowerTables) -> dict[str, Any]:
    return {f"power_{name}": _steps(getattr(tables, name), name) for name in ("car", "motorcycle")}


def _season(table: SeasonTable) -> dict[str, Any]:
    months = {n: _figure(table, text, f"season.months.{n}") for n, text in table.months.items()}
    return {"season": MappingProxyType(months)}


def _trailer(table: TrailerTable) -> dict[str, Any]:
    kinds = {kind: _figure(table, getattr(table, kind.value), f"trailer.{kind}") for kind in TrailerClass}
    return {"trailer": MappingProxyType(kinds)}


def _corridor(table: BaseRatesTable, kind: RateClass) -> Corridor:
    ends: CorridorEnds = getattr(table, kind.value)
    place = f"base_rates.{kind}"
    return Corridor(_figure(table, ends.floor, f"{place}.floor"), _figure(table, ends.ceiling, f"{place}.ceiling"))


def _bonus_malus(table: BonusMalusTable) -> dict[str, Any]:
    classes = {name: _figure(table, text, f"bonus_malus.classes.{name}") for name, text in table.classes.items()}
    return {
        "bonus_malus": MappingProxyType(classes),
        "unlimited_bonus_malus": _figure(table, table.unlimited, "bonus_malus.unlimited"),
    }


def _age_experience(tables: AgeExperienceTables) -> dict[str, Any]:
    organisation = tables.organisation
    return {
        "age_experience_motorcycle": _ages(tables.motorcycle, "age_experience.motorcycle"),
        "age_experience_other": _ages(tables.other, "age_experience.other"),
        "organisation_age_experience": _figure(organisation, organisation.times, "age_experience.organisation.times"),
    }


def _ages(table: AgeTable, place: str) -> AgeExperience:
    bands = (
        AgeBand(*band.ages, tuple(_figure(table, text, f"{place}, age {band.ages[0]}") for text in band.factors))
        for band in table.bands
    )
    return AgeExperience(table.experience_from, tuple(bands))


def _steps(table: PowerStepsTable, name: str) -> PowerSteps:
    factors = tuple(_figure(table, text, f"power.{name}") for text in table.factors)
    return PowerSteps(tuple(map(Decimal, table.up_to_hp)), factors)


def _territory(table: TerritoryTable, amended: Edition | None) -> Territory:
    places = dict(amended.territory.places) if amended else {}
    given = list(_places(table))
    if len({place.kladr for place in given}) < len(given):
        raise WrongSetting("territory: a КЛАДР code stands twice")
    elsewhere: Any = amended and amended.territory
    if found := table.elsewhere:
        elsewhere = {
            name: _figure(found, getattr(found, name), f"territory.elsewhere.{name}")
            for name in ("abroad_or_in_transit", "lorry_of_unfriendly_state")
        }
        return Territory(_by_kladr(places, given), **elsewhere)
    if elsewhere is None:
        raise WrongSetting("territory.elsewhere: required, for the file amends no other")
    return replace(elsewhere, places=_by_kladr(places, given))


def _by_kladr(amended: dict[str, TariffPlace], given: list[TariffPlace]) -> Mapping[str, TariffPlace]:
    return MappingProxyType(amended | {place.kladr: place for place in given})


def _places(table: TerritoryTable) -> Iterator[TariffPlace]:
    for rows, is_capital in ((table.capitals, True), (table.towns, False)):
        for row in rows:
            place = f"territory, {row.kladr} {row.place}"
            if not _KLADR.fullmatch(row.kladr):
                raise WrongSetting(f"{place}: a code begins with 2 to 19 digits")
            tractor = _figure(table, row.tractor, place) if row.tractor else None
            yield TariffPlace(row.kladr, row.region, row.place, _figure(table, row.factor, place), tractor, is_capital)


def _figure(table: FigureTable, text: str, place: str) -> Figure:
    found = _FIGURE.fullmatch(text)
    if found is None:
        raise WrongSetting(f'{place}: expected a figure and its mark, e.g. "1.80 S1"')
    mark = Mark(found[2]) if found[2] else table.mark
    if mark is None:
        raise WrongSetting(f"{place}: a figure without a mark (S, S1 or M)")
    if not table.source:
        raise WrongSetting(f"{place}: a figure without a source")
    return Figure(Decimal(found[1]), mark, table.source)


_TABLES: Final[Mapping[str, Callable[[Any], dict[str, Any]]]] = MappingProxyType(
    {
        "cap": _cap,
        "base_rates": _base_rates,
        "bonus_malus": _bonus_malus,
        "age_experience": _age_experience,
        "driver_restriction": _driver_restriction,
        "power": _power,
        "season": _season,
        "trailer": _trailer,
    }
)
