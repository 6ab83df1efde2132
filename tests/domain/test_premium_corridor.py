"""Premiums and the corridor of the law."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace as with_changes
from support.applications import an_application

from app.domain.application import VehicleCategory
from app.domain.money import roubles
from app.domain.quote import Offer
from app.domain.tariff.corridor import is_lawful
from app.domain.tariff.edition_2025 import TARIFF_2025
from sandbox.insurers.model.pricing import price

APPLICATION = an_application(date(2026, 5, 1))


def offer(position: str, *, reported: bool = True) -> Offer:
    """Priced by the rules, with a base rate at this position of the corridor."""
    priced = price(APPLICATION, Decimal(position))
    assert priced is not None
    return Offer(number="1", premium=priced.premium, coefficients=priced.coefficients if reported else None)


@pytest.mark.parametrize("reported", [True, False])
@pytest.mark.parametrize(
    ("position", "lawful"), [("0", True), ("0.5", True), ("1", True), ("-0.1", False), ("10", False)]
)
def test_a_base_rate_decides(position: str, *, lawful: bool, reported: bool) -> None:
    """The ends of the corridor are within it. Without factors only what no driver could have is outside."""
    assert is_lawful(offer(position, reported=reported), APPLICATION, TARIFF_2025) is (
        lawful or (not reported and position == "-0.1")
    )


def test_a_kopeck_too_much_is_too_much() -> None:
    """By the factors that are reported."""
    highest = offer("1")
    more = replace(highest, premium=roubles(highest.premium.amount + Decimal("0.01")))
    assert not is_lawful(more, APPLICATION, TARIFF_2025)


def test_a_tariff_that_nobody_knows_has_no_corridor() -> None:
    """Nothing is flagged there."""
    motorcycle = with_changes(APPLICATION, vehicle=with_changes(APPLICATION.vehicle, category=VehicleCategory.A))
    assert is_lawful(offer("10"), motorcycle, TARIFF_2025)
