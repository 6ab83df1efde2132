"""An offer held against the tariff: what cannot be is found, and nothing is judged where a figure is not known."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as with_changes
from support.applications import an_application

from app.domain.application import Application, VehicleCategory
from app.domain.money import Money, roubles
from app.domain.offers.coefficients import Coefficients
from app.domain.quote import Offer
from app.domain.tariff.edition import BONUS_MALUS_CLASSES, Edition
from app.domain.tariff.edition_loader import load_editions
from app.domain.tariff.formula import coefficients_for, corridor, premium
from app.domain.tariff.lawfulness import NOTHING_FOUND, Findings, Inconsistent, Unlawful, examine
from app.domain.tariff.risk import OwnerKind, RatedDriver, Risk, VehicleUse
from app.domain.tariff.risk_of_application import risk_of
from sandbox.insurers.model.catalogue import INSURERS
from sandbox.insurers.model.pricing import price

NOW: Final = date(2026, 11, 28)
APPLICATION: Final = an_application(NOW)
CAR: Final = risk_of(APPLICATION)
UNKNOWN_TOWN: Final = "1600000200000"


def edition() -> Edition:
    found = load_editions().on(NOW)
    assert found is not None
    return found


EDITION: Final = edition()


def a_risk(**changes: Any) -> Risk:
    return replace(CAR, **changes)


LORRY: Final = a_risk(category=VehicleCategory.C, max_mass_kg=16_000)


def offer(
    of: Risk,
    position: str = "1",
    *classes: str,
    reported: bool = True,
    changes: Mapping[str, str] = MappingProxyType({}),
) -> Offer:
    """Priced by the tariff at this position of the corridor; the classes are all 13 if left out. `changes` are other factors."""
    rates = corridor(of, EDITION)
    assert rates is not None
    rate = rates.floor.value + Decimal(position) * (rates.ceiling.value - rates.floor.value)
    drivers = len(of.drivers or ())
    found = coefficients_for(of, EDITION, base_rate=rate, classes=classes or ["13"] * drivers, territory=Decimal(1))
    assert found is not None
    found = with_changes(found, **{name: Decimal(value) for name, value in changes.items()})
    return Offer(number="1", premium=premium(found, EDITION), coefficients=found if reported else None)


def test_the_tariff_s_own_offers_are_lawful() -> None:
    """They reach from a lorry at its true floor to a bus of a regular route at its ceiling."""
    bus = a_risk(category=VehicleCategory.D, seats=22, use=VehicleUse.REGULAR_ROUTES)
    for of in (CAR, LORRY, bus, replace(LORRY, has_trailer=True), a_risk(owner=OwnerKind.ORGANISATION)):
        for position in ("0", "0.37", "1"):
            for classes in (["13", "13"], ["М", "М"], ["5", "0"]):
                for reported in (True, False):
                    assert examine(offer(of, position, *classes, reported=reported), of, EDITION) is NOTHING_FOUND


@pytest.mark.parametrize("reported", [True, False])
@pytest.mark.parametrize(
    ("position", "class_", "kind"),
    [("-0.05", "13", Unlawful.TOO_LOW), ("1.05", "М", Unlawful.TOO_HIGH), ("10", "М", Unlawful.TOO_HIGH)],
)
def test_no_base_rate_and_no_class_make_it(position: str, class_: str, kind: Unlawful, *, reported: bool) -> None:
    """Reported factors or none: below the floor with the best class, above the ceiling with the worst."""
    found = examine(offer(LORRY, position, class_, class_, reported=reported), LORRY, EDITION)
    assert found.unlawful is kind
    assert found.inconsistent == (frozenset({Inconsistent.BASE_RATE}) if reported else frozenset())


def test_the_cap_is_the_highest_lawful_premium() -> None:
    """Three times ceiling × territory, and not what the worst class would make of it."""
    young = a_risk(drivers=(RatedDriver(24, 4),))
    capped = offer(young, "1", "М", reported=False)
    assert capped.premium == roubles(3 * 8665 * Decimal("1.80"))
    assert examine(capped, young, EDITION) is NOTHING_FOUND
    more = replace(capped, premium=roubles(capped.premium.amount + Decimal("0.01")))
    assert examine(more, young, EDITION).unlawful is Unlawful.TOO_HIGH


def test_where_anyone_may_drive_the_class_is_no_excuse() -> None:
    """КБМ is 1.17 then; an organisation's vehicle has a class of its own, which is unknown here."""
    anyone = a_risk(drivers=None)
    cheap = offer(anyone, "0", changes={"bonus_malus": "0.46"})
    assert examine(cheap, anyone, EDITION) == Findings(Unlawful.TOO_LOW, frozenset({Inconsistent.BONUS_MALUS}))
    theirs = a_risk(drivers=None, owner=OwnerKind.ORGANISATION)
    assert examine(offer(theirs, "0", changes={"bonus_malus": "0.46"}), theirs, EDITION) is NOTHING_FOUND


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"territory": "3.0"}, Inconsistent.TERRITORY),
        ({"age_experience": "1"}, Inconsistent.AGE_EXPERIENCE),
        ({"driver_restriction": "1.1"}, Inconsistent.DRIVER_RESTRICTION),
        ({"power": "1.2"}, Inconsistent.POWER),
        ({"season": "0.95"}, Inconsistent.SEASON),
        ({"trailer": "1.16"}, Inconsistent.TRAILER),
        ({"bonus_malus": "0.5"}, Inconsistent.BONUS_MALUS),
        ({"base_rate": "8666"}, Inconsistent.BASE_RATE),
    ],
)
def test_a_factor_that_cannot_be_is_inconsistent(changes: dict[str, str], kind: Inconsistent) -> None:
    """КТ 3.0 for Moscow, though with another class the premium may be a lawful one."""
    wrong = offer(CAR, "0.5", changes=changes)
    assert examine(wrong, CAR, EDITION) == Findings(None, frozenset({kind}))


def test_factors_have_to_make_the_premium() -> None:
    """The product equals the premium to a kopeck, as insurers round, and up to the cap."""
    fair = offer(CAR, "0.5")

    def dearer(kopecks: int) -> Findings:
        amount = fair.premium.amount + Decimal(kopecks) / 100
        return examine(replace(fair, premium=Money(amount, "RUB")), CAR, EDITION)

    assert dearer(1) is dearer(-1) is NOTHING_FOUND
    assert dearer(2) == dearer(-2) == Findings(None, frozenset({Inconsistent.PRODUCT}))


@pytest.mark.parametrize(
    "of",
    [a_risk(is_abroad=True), a_risk(is_in_transit=True), replace(LORRY, is_abroad=True)],
)
def test_a_term_that_is_not_known_leaves_nothing_to_judge(of: Risk) -> None:
    """Vehicles registered abroad or in transit, and a day before the first edition."""
    absurd = replace(offer(CAR, "0.5", changes={"territory": "9"}), premium=roubles(1))
    assert examine(absurd, of, EDITION) is NOTHING_FOUND
    assert examine(absurd, CAR, None) is NOTHING_FOUND
    assert examine(absurd, CAR, EDITION) is not NOTHING_FOUND


@pytest.mark.parametrize(
    ("of", "unknown"),
    [
        (a_risk(kladr=UNKNOWN_TOWN), "territory"),
        (a_risk(category=VehicleCategory.TRACTOR, drivers=(RatedDriver(17, 0),)), "age_experience"),
        (replace(LORRY, max_mass_kg=None, has_trailer=True), "trailer"),
    ],
)
def test_a_factor_that_is_not_known_is_not_judged(of: Risk, unknown: str) -> None:
    """The premium is not judged then, either; known factors are still compared with the reported ones."""
    reported = with_changes(some_coefficients(), **{unknown: Decimal("0.37")})
    fair = Offer(number="1", premium=premium(reported, EDITION), coefficients=reported)
    found = examine(fair, of, EDITION)
    assert found.unlawful is None
    assert unknown not in found.inconsistent
    wrong = with_changes(reported, season=Decimal("0.5"))
    assert Inconsistent.SEASON in examine(replace(fair, coefficients=wrong), of, EDITION).inconsistent


def some_coefficients() -> Coefficients:
    one = Decimal(1)
    return Coefficients(
        base_rate=Decimal(2000),
        territory=one,
        bonus_malus=one,
        age_experience=one,
        driver_restriction=one,
        power=one,
        season=one,
    )


CHANGES: Final[list[Callable[[Application], Application]]] = [
    lambda one: one,
    lambda one: with_changes(one, drivers=None),
    lambda one: with_changes(one, usage_months=4),
    *(
        lambda one, changes=changes: with_changes(one, vehicle=with_changes(one.vehicle, **changes))
        for changes in (
            {"category": VehicleCategory.A, "engine_power": Decimal(85)},
            {"category": VehicleCategory.C, "max_mass_kg": 16_001, "with_trailer": True},
            {"category": VehicleCategory.D, "seats": 40},
            {"category": VehicleCategory.TRACTOR, "with_trailer": True},
            {"category": VehicleCategory.TRAM},
        )
    ),
]


@given(st.sampled_from(CHANGES), st.sampled_from(list(EDITION.territory.places)), st.text("0123456789", min_size=1))
def test_every_premium_of_the_sandbox_lies_in_the_corridor(
    change: Callable[[Application], Application], place: str, licence: str
) -> None:
    """Every insurer's premiums are lawful and made of its factors, for every category, place and class of drivers."""
    owner = with_changes(APPLICATION.owner, address=with_changes(APPLICATION.owner.address, kladr=f"{place:0<11}"))
    drivers = tuple(
        with_changes(driver, license=with_changes(driver.license, number=licence), previous_license=None)
        for driver in APPLICATION.drivers or ()
    )
    application = change(with_changes(APPLICATION, owner=owner, drivers=drivers))
    of = risk_of(application)
    rates = corridor(of, EDITION)
    assert rates is not None
    for profile in INSURERS.values():
        found = price(application, profile.rate_position, EDITION)
        if found is not None:
            assert found.coefficients.base_rate in rates
            made = Offer(number="1", premium=found.premium, coefficients=found.coefficients)
            assert examine(made, of, EDITION) is NOTHING_FOUND


def test_every_class_is_one_of_the_tariff() -> None:
    """The classes are those from М to 13, and each makes a lawful premium at the floor."""
    for name in BONUS_MALUS_CLASSES:
        assert examine(offer(CAR, "0", name, name, reported=False), CAR, EDITION) is NOTHING_FOUND
