"""The premium: the check values of the tariff, and how each factor follows from the application."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support.applications import an_application

from app.domain.application import Application, Driver, VehicleCategory, VehiclePurpose
from app.domain.coefficients import Coefficients
from app.domain.money import roubles
from app.domain.tariff.edition_2025 import TARIFF_2025
from app.domain.tariff.formula import age_experience, coefficients_for, corridor, premium, territory

TODAY: Final = date(2026, 5, 1)
ONE: Final = Decimal(1)
CITIES: Final = {
    "7700000000000": "1.80",
    "77000000000280600": "1.80",
    "5000000000000": "1.56",
    "7800000000000": "1.64",
    "4700000000000": "1.24",
    "1600000100000": "1.80",
    "6600000100000": "1.64",
    "5400000100000": "1.63",
    "2300000100000": "1.64",
    "2300000600000": "1.64",
    "2300000700000": "1.16",
    "5200000100000": "1.64",
    "7400000100000": "1.88",
    "5100000100000": "1.88",
    "5900000100000": "1.80",
    "7200000100000": "1.80",
    "8600001000000": "1.80",
    "6300000100000": "1.48",
    "5500000100000": "1.48",
    "6400000100000": "1.48",
    "6100000100000": "1.64",
    "0200000100000": "1.64",
    "2400000100000": "1.64",
    "3600000100000": "1.40",
    "7100000100000": "1.40",
    "7600000100000": "1.40",
    "3400000100000": "1.24",
    "2500000100000": "1.36",
    "2700000100000": "1.56",
    "3800000300000": "1.56",
    "1400000100000": "1.16",
    "3900000100000": "1.08",
    "9200000000000": "0.76",
    "2000000100000": "0.76",
    "9100000700000": "0.68",
    "1600000200000": "1",
    "3800000100000": "1",
    "01000001000": "1",
}


def product(**factors: str) -> Coefficients:
    """Coefficients of which those that are not named are 1."""
    names = ("base_rate", "territory", "bonus_malus", "age_experience", "driver_restriction", "power", "season")
    return Coefficients(**{name: Decimal(factors.get(name, "1")) for name in names})


def moscow(**factors: str) -> Coefficients:
    return product(territory="1.80", bonus_malus="0.46", age_experience="0.93", power="1.4", **factors)


def with_vehicle(application: Application, **changes: Any) -> Application:
    return replace(application, vehicle=replace(application.vehicle, **changes))


def coefficients(application: Application, classes: Callable[[Driver], str] = lambda _: "13") -> Coefficients:
    return coefficients_for(
        application, base_rate=Decimal(8665), bonus_malus_class=classes, on=TODAY, tariff=TARIFF_2025
    )


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        (product(base_rate="4118", territory="2", age_experience="1.66", power="1.60"), "21874.82"),
        (moscow(base_rate="1399"), "1508.20"),
        (moscow(base_rate="8665"), "9341.36"),
        (moscow(base_rate="1399", season="0.7"), "1055.74"),
        (moscow(base_rate="8665", season="0.7"), "6538.95"),
    ],
)
def test_the_check_values(factors: Coefficients, expected: str) -> None:
    """The product of all factors, rounded half up to kopecks; far below the cap, which then changes nothing."""
    assert premium(factors, capped=False) == premium(factors, capped=True) == roubles(expected)


def test_half_a_kopeck_is_rounded_up() -> None:
    """Not to even."""
    assert premium(product(base_rate="0.125"), capped=False).amount == Decimal("0.13")


def test_the_law_caps_the_premium_at_three_base_rates_of_the_territory() -> None:
    """3 × ТБ × КТ, and only where the tariff has it so."""
    factors = product(base_rate="1000", territory="1.80", bonus_malus="3.92", age_experience="2.27")
    assert premium(factors, capped=True) == roubles(5400)
    assert premium(factors, capped=False) == roubles("16017.12")


@pytest.mark.parametrize(
    ("first", "second", "bonus_malus", "age_experience"),
    [("13", "8", "0.74", "0.83"), ("6", "5", "0.83", "0.93"), ("4", "4", "1", "0.93")],
)
def test_the_dearest_driver_decides(first: str, second: str, bonus_malus: str, age_experience: str) -> None:
    """КБМ and КВС of the driver with the largest product of the two, and not the largest of each."""
    application = an_application(TODAY)  # 35 years old with 16 of experience: 0.93; 61 with 31: 0.83
    found = coefficients(application, lambda driver: first if driver.license.number == "9923456781" else second)
    assert (found.bonus_malus, found.age_experience) == (Decimal(bonus_malus), Decimal(age_experience))


def test_where_anyone_may_drive_no_driver_counts() -> None:
    """КО 2.32, КБМ 1.17, КВС 1, and nobody's class is looked up."""
    application = replace(an_application(TODAY), drivers=None)
    found = coefficients(application, lambda _: pytest.fail("a class was looked up"))
    assert (found.driver_restriction, found.bonus_malus, found.age_experience) == (
        Decimal("2.32"),
        Decimal("1.17"),
        ONE,
    )


def test_the_example_costs_what_its_factors_say() -> None:
    """Every factor of one application: Moscow, 122 horsepower, all year, listed drivers."""
    assert coefficients(an_application(TODAY)) == Coefficients(
        base_rate=Decimal(8665),
        territory=Decimal("1.80"),
        bonus_malus=Decimal("0.46"),
        age_experience=Decimal("0.93"),
        driver_restriction=ONE,
        power=Decimal("1.4"),
        season=ONE,
    )


@pytest.mark.parametrize(("kladr", "factor"), CITIES.items())
def test_the_owner_s_settlement_decides_on_the_territory(kladr: str, factor: str) -> None:
    """The city's factor, or else the region's, or else 1."""
    assert territory(kladr, TARIFF_2025) == Decimal(factor)
    application = an_application(TODAY)
    owner = replace(application.owner, address=replace(application.owner.address, kladr=kladr))
    assert coefficients(replace(application, owner=owner)).territory == Decimal(factor)


@pytest.mark.parametrize(
    ("age", "experience", "factor"),
    [
        (16, 0, "2.27"),
        (21, 4, "1.65"),
        (22, 0, "1.88"),
        (24, 7, "1.09"),
        (25, 2, "1.54"),
        (29, 10, "1.02"),
        (34, 15, "0.95"),
        (35, 3, "1.00"),
        (39, 14, "0.94"),
        (49, 5, "0.95"),
        (59, 9, "0.91"),
        (60, 1, "1.36"),
        (100, 83, "0.83"),
    ],
)
def test_age_and_experience(age: int, experience: int, factor: str) -> None:
    """Full years on both sides of the table's bounds."""
    assert age_experience(age, experience, TARIFF_2025) == Decimal(factor)


def test_a_gap_in_the_table_has_the_nearest_figure_to_its_left() -> None:
    """Nobody of 21 has driven for 7 years; were there somebody, 5 years would be the nearest known."""
    assert age_experience(21, 7, TARIFF_2025) == Decimal("1.62")
    assert age_experience(29, 30, TARIFF_2025) == Decimal("1.02")


@given(st.integers(min_value=16, max_value=100), st.data())
def test_experience_never_makes_dearer(age: int, data: st.DataObject) -> None:
    """Whoever has driven for longer at the same age pays no more."""
    experience = data.draw(st.integers(min_value=0, max_value=age - 16))
    more = data.draw(st.integers(min_value=experience, max_value=age - 16))
    assert age_experience(age, more, TARIFF_2025) <= age_experience(age, experience, TARIFF_2025)


@pytest.mark.parametrize(
    ("horsepower", "factor"),
    [("50", "0.6"), ("50.1", "1.0"), ("70", "1.0"), ("100", "1.1"), ("120", "1.2"), ("150", "1.4"), ("150.01", "1.6")],
)
def test_power_counts_for_category_b_only(horsepower: str, factor: str) -> None:
    """Bounds are inclusive; a lorry's power changes nothing."""
    car = with_vehicle(an_application(TODAY), engine_power=Decimal(horsepower))
    lorry = with_vehicle(car, category=VehicleCategory.C, max_mass_kg=12_000)
    assert (coefficients(car).power, coefficients(lorry).power) == (Decimal(factor), ONE)


def test_fewer_months_cost_less() -> None:
    """3 months are half a year's price, and from 10 months on it is the whole."""
    seasons = [coefficients(replace(an_application(TODAY), usage_months=months)).season for months in range(3, 13)]
    assert list(map(str, seasons)) == ["0.5", "0.6", "0.65", "0.7", "0.8", "0.9", "0.95", "1", "1", "1"]


@pytest.mark.parametrize(
    ("vehicle", "expected"),
    [
        ({}, ("1399", "8665")),
        ({"purpose": VehiclePurpose.DRIVING_SCHOOL}, ("1399", "8665")),
        ({"purpose": VehiclePurpose.TAXI}, ("1267", "18119")),
        ({"category": VehicleCategory.C, "max_mass_kg": 16_000}, ("6854.5", "13709")),
        ({"category": VehicleCategory.C, "max_mass_kg": 16_001}, ("8600.5", "17201")),
        ({"category": VehicleCategory.D, "seats": 16}, ("3923", "7846")),
        ({"category": VehicleCategory.D, "seats": 17}, ("4902.5", "9805")),
        ({"category": VehicleCategory.TROLLEYBUS}, ("3205.5", "6411")),
        ({"category": VehicleCategory.TRAM}, ("1999.5", "3999")),
    ],
)
def test_base_rates_have_a_corridor(vehicle: dict[str, Any], expected: tuple[str, str]) -> None:
    """By category, use and size; where only the ceiling is known the floor is half of it."""
    least, most = map(Decimal, expected)
    assert corridor(with_vehicle(an_application(TODAY), **vehicle), TARIFF_2025) == (least, most)


@pytest.mark.parametrize("category", [VehicleCategory.A, VehicleCategory.TRACTOR])
def test_what_the_tariff_does_not_know_cannot_be_priced(category: VehicleCategory) -> None:
    """No corridor is the sign to decline; whoever prices all the same finds out."""
    application = with_vehicle(an_application(TODAY), category=category)
    assert corridor(application, TARIFF_2025) is None
    with pytest.raises(ValueError, match="is not known"):
        coefficients(application)
