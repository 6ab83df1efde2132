"""Paths of a refusal lead into the application; a start that was asked for is not one that was moved."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from msgspec.structs import replace as with_changes
from support.applications import an_application
from support.quotes import an_offer

from app.domain.offers.refusals import PROBLEMS_MAX, MendableProblem
from app.domain.quote import NoOffer, ReasonCode, declined
from workers.insurer_calls.answer_fitting import fitted, path_into

APPLICATION = an_application(date(2026, 11, 28))


@pytest.mark.parametrize(
    ("path", "led"),
    [
        ("drivers.listed.0.license.number", "application.drivers.listed.0.license.number"),
        ("drivers.listed.1.birthDate", "application.drivers.listed.1.birthDate"),
        ("drivers.listed.2.birthDate", "application.drivers.listed"),
        ("drivers.listed.-1", "application.drivers.listed"),
        ("drivers.listed.٠", "application.drivers.listed"),
        ("vehicle.document.number.series", "application.vehicle.document.number"),
        ("vehicle.papers", "application.vehicle"),
        ("application.vehicle", "application"),
        ("Иванов", "application"),
        ("startsOn", "application.startsOn"),
    ],
)
def test_a_path_that_leads_nowhere_is_cut(path: str, led: str) -> None:
    """The longest part that leads somewhere stays; nothing of the insurer's own is left in it."""
    assert path_into(APPLICATION, path.split(".")) == tuple(led.split("."))


def test_where_anyone_may_drive_no_driver_is_led_to() -> None:
    """The application has no list of drivers to mend."""
    anyone = with_changes(APPLICATION, drivers=None)
    assert path_into(anyone, ("drivers", "listed", "0")) == ("application", "drivers", "listed")


def test_the_problems_of_a_refusal_are_fitted() -> None:
    """Each of them; a refusal without any stays the same object."""
    plain = declined("KBM")
    assert fitted(plain, APPLICATION) is plain
    found = fitted(declined("X", (MendableProblem(("vehicle", "vin", "0"), "POLICY_EXISTS"),)), APPLICATION)
    assert isinstance(found, NoOffer)
    assert found.reason.problems == (MendableProblem(("application", "vehicle", "vin"), "POLICY_EXISTS"),)
    assert (found.reason.code, found.reason.insurer_code) == (ReasonCode.POLICY_EXISTS, "X")


def test_problems_are_bounded() -> None:
    """Their number and the lengths of paths are bounded; a problem with a free text as its code is dropped."""
    good = MendableProblem(("vehicle",), "POLICY_EXISTS")
    assert len(declined(None, (good,) * (PROBLEMS_MAX + 1)).reason.problems) == PROBLEMS_MAX
    for bad in (("x" * 65,), ("x",) * 13, ("",)):
        assert declined(None, (MendableProblem(bad, "POLICY_EXISTS"),)).reason.problems == ()
    assert declined(None, (MendableProblem(("vehicle",), "Иванов Иван"),)).reason.problems == ()


def test_a_start_as_asked_is_not_moved() -> None:
    """Insurers repeat what they were asked for."""
    same = an_offer(starts_on=APPLICATION.starts_on)
    moved = replace(same, starts_on=APPLICATION.starts_on + timedelta(days=3))
    assert fitted(same, APPLICATION) == replace(same, starts_on=None)
    assert fitted(moved, APPLICATION) is moved
