"""Taking in an application: what comes out of a valid one, and what may come in without harm or indiscretion."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.applications import ABSENT, an_application, application_from, changed, looks_like_email, valid_application

from app.domain.application import VehicleCategory, VehicleDocumentKind, VehiclePurpose
from app.domain.errors import InvalidApplication

TODAY: Final = date(2026, 5, 1)
EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "application.json"


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every single value of an input, with its dotted path."""
    if type(value) is dict:
        inner = cast("dict[str, Any]", value)
    elif type(value) is list:
        inner = {str(index): each for index, each in enumerate(cast("list[Any]", value))}
    else:
        yield path, value
        return
    for key, each in inner.items():
        yield from leaves(each, f"{path}.{key}".lstrip("."))


PATHS: Final = [path for path, _ in leaves(valid_application(TODAY))]
nothing: Final[dict[str, object]] = {}
values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(st.characters(exclude_categories=()))
    | st.dates()
    | st.datetimes()
    | st.lists(st.none() | st.text() | st.just(nothing), max_size=3)
    | st.dictionaries(st.text(), st.none())
    | st.sampled_from([*VehicleCategory, *VehiclePurpose, *VehicleDocumentKind])
)


def test_values_come_out_in_one_spelling() -> None:
    """Insurers get the same plate, VIN, documents, phone and names, however they were typed."""
    typed = {
        "vehicle.licensePlate": "k456mh 799",
        "vehicle.vin": "хта gfl110 му654321",
        "vehicle.document.number": "99 34 567890",
        "policyholder.person.phone": "8 (903) 111-22-33",
        "policyholder.person.lastName": " Кузнецова ",
        "policyholder.person.document.number": "45 11 654321",
        "policyholder.person.email": " kuznetsova@example.ru",
        "owner.person.address.kladr": "77 000000000 00",
        "drivers.listed.1.license.number": "77 ab 567812",
    }
    raw = changed(TODAY, typed)
    assert application_from(raw, today=TODAY, is_email=looks_like_email) == an_application(TODAY)


def test_what_is_left_out_has_the_api_s_default() -> None:
    """A car for personal use without a trailer, used all year; its owner is the policyholder."""
    left_out = ["vehicle.category", "vehicle.purpose", "vehicle.withTrailer", "usageMonths", "owner"]
    raw = changed(TODAY, dict.fromkeys(left_out, ABSENT))
    application = application_from(raw, today=TODAY, is_email=looks_like_email)
    assert application.vehicle == an_application(TODAY).vehicle
    assert application.usage_months == 12
    assert application.owner == application.policyholder == an_application(TODAY).policyholder


def test_anyone_may_drive() -> None:
    """An application without a list of drivers has none."""
    raw = changed(TODAY, {"drivers": {"unlimited": True}})
    assert application_from(raw, today=TODAY, is_email=looks_like_email).drivers is None


def test_the_example_is_valid() -> None:
    """The file that people try first is an application but for its start, which is put in when it is sent."""
    raw: dict[str, Any] = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    assert "startsOn" not in raw
    assert "givenAt" not in raw["consent"]
    raw["startsOn"] = str(TODAY + timedelta(days=10))
    raw["consent"]["givenAt"] = f"{TODAY}T09:00:00+03:00"
    application = application_from(raw, today=TODAY, is_email=looks_like_email)
    assert application.vehicle.license_plate == an_application(TODAY).vehicle.license_plate


def test_no_problem_holds_a_value() -> None:
    """Neither a message nor the text of the error, which reaches logs, has a value that was sent."""
    secrets = {path: f"секрет№{number}№" for number, path in enumerate(PATHS)}
    secrets |= {path: date(2999, 12, 30) for path in PATHS if path.endswith(("Date", "On", "Since"))}
    secrets |= {"vehicle.year": 7654321, "vehicle.enginePower": Decimal("7654.321"), "usageMonths": 7654321}
    with pytest.raises(InvalidApplication) as refusal:
        application_from(changed(TODAY, secrets), today=TODAY, is_email=looks_like_email)
    texts = repr(refusal.value) + str(refusal.value) + repr(refusal.value.problems)
    assert len(refusal.value.problems) > 30
    assert [word for word in ("секрет", "2999", "12, 30", "7654") if word in texts] == []
    assert (refusal.value.__cause__, refusal.value.__context__) == (None, None)


def test_an_application_does_not_show_its_people() -> None:
    """An application's repr leaves personal fields out, so that no log can have them by accident."""
    raw = valid_application(TODAY)
    shown = repr(an_application(TODAY))
    personal = [str(value) for path, value in leaves(raw) if path.startswith(("policyholder", "owner", "drivers"))]
    personal += [raw["vehicle"][key] for key in ("licensePlate", "vin")] + [raw["vehicle"]["document"]["number"]]
    assert [value for value in personal if value != "None" and value in shown] == []


@given(st.dictionaries(st.sampled_from(PATHS), values, max_size=5))
def test_any_value_is_accepted_or_refused(changes: dict[str, object]) -> None:
    """Any value in any field is accepted or raises `InvalidApplication`; every problem has its path and code."""
    try:
        application_from(changed(TODAY, changes), today=TODAY, is_email=looks_like_email)
    except InvalidApplication as refusal:
        found = refusal.problems
    else:
        return
    assert found
    assert all(problem.path[0] == "application" and problem.code and problem.message for problem in found)
    assert len({problem.path for problem in found}) == len(found)
