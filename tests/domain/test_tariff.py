"""The premium: the check values of the tariff, what it knows and does not know, and which way its factors go."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.application import VehicleCategory
from app.domain.money import Money, roubles
from app.domain.offers.coefficients import Coefficients
from app.domain.tariff.edition import BONUS_MALUS_CLASSES, DRIVER_AGE_MAX, Edition
from app.domain.tariff.edition_loader import load_editions
from app.domain.tariff.formula import assumed_territory, coefficients_for, corridor, fixed_factors, premium
from app.domain.tariff.risk import OwnerKind, RatedDriver, Risk, VehicleUse
from sandbox.insurers.model.pricing import base_rate

EDITIONS: Final = load_editions()
NOW: Final = date(2026, 11, 28)
MOSCOW, ABAKAN, KAZAN, SAMARA, NOVOSIBIRSK = (
    "7700000000000",
    "1900000100000",
    "1600000100000",
    "6300000100000",
    "5400000100000",
)
MOTORCYCLE: Final = {"category": VehicleCategory.A}
LORRY: Final = {"category": VehicleCategory.C, "max_mass_kg": 16_000}
BUS: Final = {"category": VehicleCategory.D, "seats": 22}
TRACTOR: Final = {"category": VehicleCategory.TRACTOR}
ORGANISATION: Final = {"owner": OwnerKind.ORGANISATION}


def edition(on: date = NOW) -> Edition:
    found = EDITIONS.on(on)
    assert found is not None
    return found


def risk(*drivers: tuple[int, int], **changes: Any) -> Risk:
    """A car in Moscow for a year, with drivers of these ages and experiences; anyone may drive where there are none."""
    given_: dict[str, Any] = {
        "category": VehicleCategory.B,
        "owner": OwnerKind.PERSON,
        "use": VehicleUse.ANY,
        "power": Decimal(87),
        "max_mass_kg": None,
        "seats": None,
        "has_trailer": False,
        "kladr": MOSCOW,
        "is_abroad": False,
        "is_in_transit": False,
        "months": 12,
        "drivers": tuple(RatedDriver(*driver) for driver in drivers) or None,
    }
    return Risk(**given_ | changes)


def factors(
    of: Risk, *classes: str, position: int = 1, on: date = NOW, territory: Decimal | None = None
) -> Coefficients | None:
    """At this position of the corridor; 1 is the ceiling."""
    rates = corridor(of, edition(on))
    assert rates is not None
    rate = base_rate(rates, Decimal(position))
    return coefficients_for(of, edition(on), base_rate=rate, classes=classes, territory=territory)


def price(of: Risk, *classes: str, position: int = 1, on: date = NOW) -> Money:
    found = factors(of, *classes, position=position, on=on)
    assert found is not None
    return premium(found, edition(on))


@pytest.mark.parametrize(
    ("of", "classes", "position", "on", "expected"),
    [
        (risk((46, 26), power=Decimal(106)), "13", 1, NOW, "7834.69"),
        (risk((36, 3), kladr=ABAKAN), "6", 1, NOW, "7911.15"),
        (risk((24, 4), (52, 26)), "3 2", 1, NOW, "34121.24"),
        (risk(power=Decimal(50)), "", 1, NOW, "34599.14"),
        (risk((30, 5), **MOTORCYCLE, power=Decimal(85), months=6), "4", 1, NOW, "9098.08"),
        (risk((33, 15), **LORRY, kladr=KAZAN, has_trailer=True), "5", 0, NOW, "1627.49"),
        (risk((50, 26), **BUS, use=VehicleUse.REGULAR_ROUTES, kladr=SAMARA), "10", 1, NOW, "9407.47"),
        (risk((24, 4), power=Decimal(106)), "М", 1, NOW, "46791.00"),
        (risk((46, 26), power=Decimal(100), kladr=NOVOSIBIRSK), "13", 1, date(2026, 6, 21), "12448.44"),
        (risk((46, 26), power=Decimal(100), kladr=NOVOSIBIRSK), "13", 1, date(2026, 6, 22), "9336.33"),
    ],
)
def test_the_check_values(of: Risk, classes: str, position: int, on: date, expected: str) -> None:
    """Computed by hand, each with one thing that is easily done wrong."""
    assert price(of, *classes.split(), position=position, on=on) == roubles(expected)


def test_the_law_caps_the_premium_only_where_its_flag_is_set() -> None:
    """The cap is 3 × ТБ × КТ."""
    found = factors(risk((24, 4), power=Decimal(106)), "М")
    assert found is not None
    assert premium(found, replace(edition(), cap=None)) == roubles("82906.17")


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (risk(**MOTORCYCLE), ("155", "4260")),
        (risk(**ORGANISATION), ("724", "6580")),
        (risk(), ("1399", "8665")),
        (risk(use=VehicleUse.TAXI), ("1267", "18119")),
        (risk(use=VehicleUse.TAXI, **ORGANISATION), ("1267", "18119")),
        (risk(**LORRY), ("791", "13709")),
        (risk(category=VehicleCategory.C, max_mass_kg=16_001), ("1489", "17201")),
        (risk(category=VehicleCategory.D, seats=16), ("940", "7846")),
        (risk(category=VehicleCategory.D, seats=17), ("1175", "9805")),
        (risk(category=VehicleCategory.D, seats=16, use=VehicleUse.REGULAR_ROUTES), ("2295", "11732")),
        (risk(category=VehicleCategory.TROLLEYBUS), ("1254", "6411")),
        (risk(category=VehicleCategory.TRAM), ("783", "3999")),
        (risk(**TRACTOR), ("383", "3678")),
    ],
)
def test_every_category_has_its_corridor(of: Risk, expected: tuple[str, str]) -> None:
    """The corridor depends on category, owner, use and size."""
    found = corridor(of, edition())
    assert found is not None
    assert (found.floor.value, found.ceiling.value) == tuple(map(Decimal, expected))


@pytest.mark.parametrize("category", [VehicleCategory.C, VehicleCategory.D])
def test_a_size_that_is_not_given_leaves_the_corridor_unknown(category: VehicleCategory) -> None:
    """No class of size is guessed."""
    assert corridor(risk(category=category), edition()) is None


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (risk(has_trailer=True), "1"),
        (risk(has_trailer=True, **ORGANISATION), "1.16"),
        (risk(has_trailer=True, use=VehicleUse.TAXI, **ORGANISATION), "1.16"),
        (risk(has_trailer=True, **MOTORCYCLE), "1.16"),
        (risk(has_trailer=True, **LORRY), "1.40"),
        (risk(has_trailer=True, category=VehicleCategory.C, max_mass_kg=16_001), "1.25"),
        (risk(has_trailer=True, **TRACTOR), "1.24"),
        (risk(has_trailer=True, **BUS), "1"),
        (risk(**LORRY), "1"),
    ],
)
def test_a_trailer_counts_by_what_draws_it(of: Risk, expected: str) -> None:
    """КПр; without a trailer it is 1."""
    assert fixed_factors(of, edition()).trailer == Decimal(expected)


@pytest.mark.parametrize(
    ("of", "restriction", "bonus_malus", "ages"),
    [
        (risk(), "3.16", "1.17", "1"),
        (risk(**ORGANISATION), "1.97", "1.17", "1"),
        (risk((46, 26), **ORGANISATION), "1", "0.46", "1.638"),
        (risk((24, 4), (52, 26)), "1", "0.46", "1.13"),
    ],
)
def test_who_may_drive(of: Risk, restriction: str, bonus_malus: str, ages: str) -> None:
    """КО, КБМ and КВС: an organisation pays less for anyone, and 1.8 times as much for listed drivers."""
    found = factors(of, "13", "13")
    assert found is not None
    assert (found.driver_restriction, found.bonus_malus, found.age_experience) == tuple(
        map(Decimal, (restriction, bonus_malus, ages))
    )


@pytest.mark.parametrize(
    ("category", "horsepower", "factor"),
    [
        *((VehicleCategory.B, hp, f) for hp, f in (("50", "0.6"), ("50.1", "1.0"), ("120", "1.2"), ("150.01", "1.6"))),
        *((VehicleCategory.A, hp, f) for hp, f in (("50", "1.00"), ("60.5", "1.22"), ("90", "1.50"), ("91", "1.66"))),
        (VehicleCategory.TRACTOR, "300", "1"),
        (VehicleCategory.C, "300", "1"),
    ],
)
def test_power_counts_for_cars_and_motorcycles(category: VehicleCategory, horsepower: str, factor: str) -> None:
    """Bounds are inclusive, each has a table of its own."""
    assert fixed_factors(risk(category=category, power=Decimal(horsepower)), edition()).power == Decimal(factor)


@pytest.mark.parametrize(
    ("driver", "of_a", "of_others"),
    [
        ((16, 0), "2.27", None),
        ((17, 1), "2.23", None),
        ((18, 0), "2.27", "2.27"),
        ((21, 4), "1.80", "1.65"),
        ((24, 7), "1.44", "1.09"),
        ((34, 15), "0.96", "0.95"),
        ((59, 9), "0.87", "0.91"),
        ((100, 80), "0.76", "0.83"),
        ((21, 7), None, None),
    ],
)
def test_age_and_experience(driver: tuple[int, int], of_a: str | None, of_others: str | None) -> None:
    """КВС on both sides of the tables' bounds; a driver without a figure in them is not known."""
    for category, expected in ((VehicleCategory.A, of_a), (VehicleCategory.TRACTOR, of_others)):
        found = fixed_factors(risk(driver, category=category), edition()).age_experience
        assert found == (expected and Decimal(expected))


@pytest.mark.parametrize(
    ("kladr", "car", "tractor"),
    [
        ("77000000000280600", "1.80", "1.16"),
        ("5002500000000", "1.56", "1.00"),
        ("0100000000000", "1.24", "1.00"),
        ("8600001000000", "1.70", None),
        ("8600000100000", "1.30", "1.00"),
        ("54000002001", "1.86", None),
        ("5400000300000", None, None),
        ("1600000200000", None, None),
        ("9900000000000", None, None),
    ],
)
def test_a_place_without_a_row_is_not_known(kladr: str, car: str | None, tractor: str | None) -> None:
    """The longest beginning of a code decides; a town does not have its region's factor, nor its capital's."""
    for of, expected in ((risk(kladr=kladr), car), (risk(kladr=kladr, **TRACTOR), tractor)):
        assert fixed_factors(of, edition()).territory == (expected and Decimal(expected))


def test_what_is_not_known_has_no_price() -> None:
    """Nothing falls back to 1; the capital of the region stands in only where a caller says so."""
    town = risk((46, 26), kladr="1600000200000")
    assert factors(town, "13") is None
    assumed = factors(town, "13", territory=assumed_territory(town, edition()))
    assert assumed is not None
    assert assumed.territory == Decimal("1.70")
    for unknown in (risk(is_abroad=True), risk(is_in_transit=True), risk(is_abroad=True, **LORRY)):
        assert factors(unknown, territory=assumed_territory(unknown, edition())) is None
    assert fixed_factors(risk(is_in_transit=True), edition()).territory == Decimal("1.7")
    assert fixed_factors(risk(is_abroad=True, **LORRY), edition()).territory is None


def test_a_day_before_the_first_edition_has_none() -> None:
    """7204-У holds from 9 December 2025, 7349-У from 22 June 2026; no figures are made up for what came before."""
    days = (date(2025, 12, 8), date(2025, 12, 9), date(2026, 6, 21), date(2026, 6, 22), date(2030, 1, 1))
    found = [EDITIONS.on(day) for day in days]
    assert [one and one.name for one in found] == [None, "7204-У", "7204-У", "7349-У", "7349-У"]


DRIVERS: Final = st.integers(18, DRIVER_AGE_MAX).flatmap(
    lambda age: st.tuples(st.just(age), st.integers(0, age - 16), st.sampled_from(BONUS_MALUS_CLASSES))
)
RISKS: Final = st.fixed_dictionaries(
    {
        "category": st.sampled_from(VehicleCategory),
        "owner": st.sampled_from(OwnerKind),
        "use": st.sampled_from(VehicleUse),
        "power": st.integers(1, 1500).map(Decimal),
        "max_mass_kg": st.integers(3501, 40_000),
        "seats": st.integers(9, 100),
        "has_trailer": st.booleans(),
        "kladr": st.sampled_from([f"{place:0<11}" for place in edition().territory.places]),
        "months": st.integers(3, 12),
    }
)


def of_drivers(changes: dict[str, Any], drivers: list[tuple[int, int, str]]) -> Decimal | None:
    """The premium at the ceiling."""
    found = factors(
        risk(*((age, years) for age, years, _ in drivers), **changes), *(class_ for _, _, class_ in drivers)
    )
    return found and premium(found, edition()).amount


@given(RISKS, st.lists(DRIVERS, min_size=1, max_size=5), DRIVERS)
def test_another_driver_never_lowers_the_premium(
    changes: dict[str, Any], drivers: list[tuple[int, int, str]], other: tuple[int, int, str]
) -> None:
    """The largest КБМ and the largest КВС, taken separately, only grow with a list."""
    before, after = of_drivers(changes, drivers), of_drivers(changes, [*drivers, other])
    assert (before is None) == (after is None)
    assert before is None or (after is not None and before <= after)


@given(RISKS, DRIVERS, st.data())
def test_a_better_class_more_experience_and_fewer_months_never_raise_it(
    changes: dict[str, Any], driver: tuple[int, int, str], data: st.DataObject
) -> None:
    """Each alone, with all else the same."""
    age, years, class_ = driver
    number = BONUS_MALUS_CLASSES.index(class_)
    better = data.draw(st.sampled_from(BONUS_MALUS_CLASSES[number:]))
    longer = data.draw(st.integers(years, age - 16))
    fewer = data.draw(st.integers(3, changes["months"]))
    before = of_drivers(changes, [driver])
    cheaper = (
        of_drivers(changes, [(age, years, better)]),
        of_drivers(changes, [(age, longer, class_)]),
        of_drivers({**changes, "months": fewer}, [driver]),
    )
    assert all((one is None) == (before is None) for one in cheaper)
    assert before is None or all(one is not None and one <= before for one in cheaper)
