"""Every figure of an edition of the tariff as rows of text, with its mark and its source: for `osago tariff` and docs/tariff.md."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from app.domain.tariff.edition import AgeExperience, Edition, Figure, PowerSteps, RateClass, TariffPlace, TrailerClass

UNKNOWN: Final = "not known"
OF_CLASS: Final[Mapping[str, str]] = MappingProxyType(
    {
        RateClass.MOTORCYCLE: "A, M: motorcycles, mopeds",
        RateClass.CAR_OF_ORGANISATION: "B of an organisation",
        RateClass.CAR: "B of a person or a sole trader",
        RateClass.TAXI: "B, taxi",
        RateClass.LIGHT_LORRY: "C up to 16 t",
        RateClass.HEAVY_LORRY: "C above 16 t",
        RateClass.SMALL_BUS: "D up to 16 seats",
        RateClass.LARGE_BUS: "D above 16 seats",
        RateClass.REGULAR_ROUTE_BUS: "D on regular routes",
        RateClass.TROLLEYBUS: "trolleybuses",
        RateClass.TRAM: "trams",
        RateClass.TRACTOR: "tractors and other self-propelled machines",
        TrailerClass.OTHERWISE: "any other vehicle",
    }
)


@dataclass(frozen=True, slots=True)
class ListedFigures:
    """Some figures that belong together; each cell with a figure ends with its mark, each row with its sources."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(edition: Edition, amended: Edition | None = None) -> Iterator[ListedFigures]:
    """All tables of an edition; beside the one that it amends those that differ, and of the territories the rows that do."""
    for name, table in _tables(edition).items():
        before = _tables(amended)[name] if amended else None
        if before is None:
            yield table
        elif table != before:
            rows = table.rows if name != "territory" else tuple(row for row in table.rows if row not in before.rows)
            yield ListedFigures(table.title, table.head, rows)


def place_row(place: TariffPlace) -> tuple[str, ...]:
    """КЛАДР, region, place, factor, factor of tractors, sources."""
    name = "the whole region" if place.is_region else place.name
    return _row((place.kladr, place.region, name), place.factor, place.tractor)


def _tables(edition: Edition) -> Mapping[str, ListedFigures]:
    territory = edition.territory
    ages = (
        ("motorcycle", "КВС of A: age and years of experience", edition.age_experience_motorcycle),
        ("other", "КВС of all other categories: age and years of experience", edition.age_experience_other),
    )
    return {
        "base_rates": ListedFigures(
            "ТБ, roubles",
            ("vehicle", "floor", "ceiling", "source"),
            tuple(_row((OF_CLASS[kind],), it.floor, it.ceiling) for kind, it in edition.corridors.items()),
        ),
        "bonus_malus": _listed(
            "КБМ", "class", {**edition.bonus_malus, "anyone may drive": edition.unlimited_bonus_malus}
        ),
        **{name: _ages(title, table) for name, title, table in ages},
        "drivers": _listed(
            "КО, and КВС of an organisation",
            "drivers",
            {
                "КО, listed": edition.listed,
                "КО, anyone, the owner a person": edition.unlimited_person,
                "КО, anyone, the owner an organisation": edition.unlimited_organisation,
                "КВС of listed drivers, the owner an organisation: times": edition.organisation_age_experience,
            },
        ),
        "power": ListedFigures(
            "КМ, by horsepower; 1 for all other categories",
            ("category", "horsepower", "factor", "source"),
            (*_steps("B", edition.power_car), *_steps("A", edition.power_motorcycle)),
        ),
        "season": _listed("КС", "months of use", {str(months): it for months, it in edition.season.items()}),
        "trailer": _listed("КПр", "drawn by", {OF_CLASS[kind]: it for kind, it in edition.trailer.items()}),
        "cap": _cap(edition),
        "elsewhere": _listed(
            "КТ without a place",
            "vehicle",
            {
                "registered abroad, or in transit to its place of registration": territory.abroad_or_in_transit,
                "lorry of a state on a list that is not known": territory.lorry_of_unfriendly_state,
            },
        ),
        "territory": ListedFigures(
            "КТ",
            ("КЛАДР begins with", "region", "place", "factor", "of tractors", "source"),
            tuple(place_row(place) for place in sorted(territory.places.values(), key=lambda place: place.kladr)),
        ),
    }


def _listed(title: str, name: str, figures: Mapping[str, Figure]) -> ListedFigures:
    return ListedFigures(title, (name, "factor", "source"), tuple(_row((text,), it) for text, it in figures.items()))


def _cap(edition: Edition) -> ListedFigures:
    rows = (_row(("a premium is at most so many times ТБ × КТ",), edition.cap),) if edition.cap else ()
    return ListedFigures("The cap of the law" if rows else "No cap", ("rule", "factor", "source"), rows)


def _ages(title: str, table: AgeExperience) -> ListedFigures:
    columns = [
        _range(first, after)
        for first, after in zip(table.experience_from, (*table.experience_from[1:], None), strict=True)
    ]
    rows = (
        _row(
            (_range(band.first, band.last + 1 if band is not table.bands[-1] else None),),
            *band.factors,
            *_none(table, len(band.factors)),
        )
        for band in table.bands
    )
    return ListedFigures(title, ("age", *columns, "source"), tuple(rows))


def _none(table: AgeExperience, count: int) -> list[None]:
    """No driver of this age has so much experience."""
    return [None] * (len(table.experience_from) - count)


def _steps(category: str, steps: PowerSteps) -> Iterator[tuple[str, ...]]:
    bounds = [*(f"up to {bound}" for bound in steps.up_to_hp), "more"]
    return (_row((category, bound), factor) for bound, factor in zip(bounds, steps.factors, strict=True))


def _range(first: int, after: int | None) -> str:
    if after is None:
        return f"{first}+"
    return str(first) if after == first + 1 else f"{first}–{after - 1}"


def _row(names: tuple[str, ...], *figures: Figure | None) -> tuple[str, ...]:
    sources = dict.fromkeys(figure.source for figure in figures if figure)
    return (*names, *(f"{figure.value} {figure.mark}" if figure else "–" for figure in figures), "; ".join(sources))
