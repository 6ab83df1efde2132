"""What makes an application valid: every rule with its code and path, all problems at once, and no noise."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.applications import ABSENT, Changes, application_from, changed, looks_like_email

from app.domain.application import Application, VehicleCategory, VehicleDocumentKind, VehiclePurpose
from app.domain.errors import InvalidApplication
from app.domain.intake.problems import MESSAGES

TODAY: Final = date(2026, 5, 1)
DAY: Final = timedelta(days=1)
EPTS: Final = VehicleDocumentKind.ELECTRONIC_PASSPORT
OF_THE_REQUEST: Final = {
    "CLIENT_REFERENCE_REUSED",
    "CLIENT_REFERENCE_INVALID",
    "CUSTOMER_ID_INVALID",
    "INSURER_UNKNOWN",
    "INSURERS_EMPTY",
    "INSURER_REPEATED",
}
OF_SCALARS: Final = {"DATE_INVALID", "DECIMAL_INVALID"}


def taken(changes: Changes) -> Application:
    return application_from(changed(TODAY, changes), today=TODAY, is_email=looks_like_email)


def problems(changes: Changes) -> list[tuple[str, str]]:
    """(path, code) of everything that is wrong."""
    with pytest.raises(InvalidApplication) as refusal:
        taken(changes)
    return [(".".join(p.path).removeprefix("application."), p.code) for p in refusal.value.problems]


def years_ago(years: int) -> date:
    return TODAY.replace(year=TODAY.year - years)


CATEGORY_A: Final = {"vehicle.category": VehicleCategory.A, "vehicle.licensePlate": "1234АВ77"}
FIRST: Final = "drivers.listed.0"

# (path, code, what to change): each breaks one rule, and one problem is all that is said about it.
BROKEN: Final[list[tuple[str, str, Changes]]] = [
    ("vehicle", "REQUIRED", {"vehicle": None}),
    ("policyholder.lastName", "REQUIRED", {"policyholder.lastName": ABSENT}),
    ("policyholder", "TYPE_INVALID", {"policyholder": "Иван"}),
    ("usageMonths", "TYPE_INVALID", {"usageMonths": True}),
    ("vehicle.withTrailer", "TYPE_INVALID", {"vehicle.withTrailer": 1}),
    ("policyholder.address.text", "TEXT_UNPRINTABLE", {"policyholder.address.text": "г Москва\x00"}),
    ("vehicle.make", "MAKE_INVALID", {"vehicle.make": "  "}),
    ("vehicle.make", "MAKE_INVALID", {"vehicle.make": "M" * 101}),
    ("vehicle.model", "MODEL_INVALID", {"vehicle.model": ""}),
    ("vehicle.year", "YEAR_OUT_OF_RANGE", {"vehicle.year": 1899}),
    ("vehicle.year", "YEAR_OUT_OF_RANGE", {"vehicle.year": TODAY.year + 2}),
    ("vehicle.enginePower", "ENGINE_POWER_OUT_OF_RANGE", {"vehicle.enginePower": Decimal("0.99")}),
    ("vehicle.enginePower", "ENGINE_POWER_OUT_OF_RANGE", {"vehicle.enginePower": Decimal("1500.1")}),
    ("vehicle.enginePower", "ENGINE_POWER_OUT_OF_RANGE", {"vehicle.enginePower": Decimal("sNaN")}),
    ("vehicle.licensePlate", "LICENSE_PLATE_INVALID", {"vehicle.licensePlate": "АА12377"}),
    ("vehicle.licensePlate", "LICENSE_PLATE_INVALID", {"vehicle.category": VehicleCategory.A}),
    ("vehicle.vin", "VIN_INVALID", {"vehicle.vin": "XTA", "vehicle.bodyNumber": None}),
    ("vehicle.bodyNumber", "BODY_NUMBER_INVALID", {"vehicle.bodyNumber": "нет"}),
    ("vehicle.chassisNumber", "CHASSIS_NUMBER_INVALID", {"vehicle.chassisNumber": "нет"}),
    ("vehicle.vin", "VEHICLE_NUMBER_REQUIRED", {"vehicle.vin": None, "vehicle.bodyNumber": ABSENT}),
    ("vehicle.maxMassKg", "MAX_MASS_REQUIRED", {"vehicle.category": VehicleCategory.C}),
    ("vehicle.maxMassKg", "MAX_MASS_OUT_OF_RANGE", {"vehicle.maxMassKg": 0}),
    ("vehicle.maxMassKg", "MAX_MASS_OUT_OF_RANGE", {"vehicle.maxMassKg": 200_001}),
    ("vehicle.seats", "SEATS_REQUIRED", {"vehicle.category": VehicleCategory.D}),
    ("vehicle.seats", "SEATS_OUT_OF_RANGE", {"vehicle.seats": 301}),
    ("vehicle.document.number", "REGISTRATION_CERTIFICATE_INVALID", {"vehicle.document.number": "12"}),
    (
        "vehicle.document.number",
        "VEHICLE_PASSPORT_INVALID",
        {"vehicle.document.kind": VehicleDocumentKind.PASSPORT},
    ),
    ("vehicle.document.number", "ELECTRONIC_PASSPORT_INVALID", {"vehicle.document.kind": EPTS}),
    ("vehicle.document.issuedOn", "DOCUMENT_ISSUED_IN_FUTURE", {"vehicle.document.issuedOn": TODAY + DAY}),
    ("vehicle.document.issuedOn", "DOCUMENT_OLDER_THAN_VEHICLE", {"vehicle.document.issuedOn": date(2020, 12, 31)}),
    (
        "vehicle.document.issuedOn",
        "ELECTRONIC_PASSPORT_TOO_EARLY",
        {"vehicle.document": {"kind": EPTS, "number": "1" * 15, "issuedOn": date(2018, 6, 30)}},
    ),
    ("owner.firstName", "NAME_INVALID", {"owner.firstName": "Иван2"}),
    (f"{FIRST}.middleName", "NAME_INVALID", {f"{FIRST}.middleName": ""}),
    ("owner.birthDate", "BIRTH_DATE_IN_FUTURE", {"owner.birthDate": TODAY + DAY}),
    ("policyholder.birthDate", "BIRTH_DATE_IN_FUTURE", {"policyholder.birthDate": TODAY + DAY}),
    (f"{FIRST}.birthDate", "BIRTH_DATE_IN_FUTURE", {f"{FIRST}.birthDate": TODAY + DAY}),
    ("owner.birthDate", "BIRTH_DATE_IMPLAUSIBLE", {"owner.birthDate": years_ago(121)}),
    ("policyholder.birthDate", "POLICYHOLDER_TOO_YOUNG", {"policyholder.birthDate": years_ago(18) + DAY}),
    ("owner.passport", "PASSPORT_INVALID", {"owner.passport": "45109876"}),
    ("owner.passportIssuedOn", "PASSPORT_ISSUED_IN_FUTURE", {"owner.passportIssuedOn": TODAY + DAY}),
    ("owner.passportIssuedOn", "PASSPORT_ISSUED_TOO_EARLY", {"owner.passportIssuedOn": date(2004, 11, 22)}),
    ("owner.passportIssuedOn", "PASSPORT_ISSUED_TOO_EARLY", {"owner.passportIssuedOn": date(1890, 1, 1)}),
    ("owner.address.kladr", "KLADR_INVALID", {"owner.address.kladr": "77"}),
    ("owner.address.text", "ADDRESS_INVALID", {"owner.address.text": "д" * 501}),
    ("policyholder.phone", "PHONE_INVALID", {"policyholder.phone": "112"}),
    ("policyholder.email", "EMAIL_INVALID", {"policyholder.email": "kuznetsova"}),
    ("policyholder.email", "EMAIL_INVALID", {"policyholder.email": "k" * 244 + "@example.ru"}),
    ("drivers", "REQUIRED", {"drivers": None}),
    ("drivers", "DRIVERS_REQUIRED", {"drivers": {"listed": None}}),
    ("drivers.listed", "DRIVERS_REQUIRED", {"drivers": {"listed": []}}),
    ("drivers.listed", "TYPE_INVALID", {"drivers": {"listed": "все"}}),
    ("drivers.listed.1", "REQUIRED", {"drivers.listed.1": None}),
    ("drivers.unlimited", "DRIVERS_REQUIRED", {"drivers": {"unlimited": False}}),
    ("drivers", "DRIVERS_AMBIGUOUS", {"drivers.unlimited": True}),
    ("drivers.listed", "DRIVERS_TOO_MANY", {"drivers": {"listed": [{}] * 51}}),
    (f"{FIRST}.birthDate", "DRIVER_TOO_YOUNG", {f"{FIRST}.birthDate": years_ago(17) + DAY}),
    (f"{FIRST}.birthDate", "DRIVER_TOO_YOUNG", {**CATEGORY_A, f"{FIRST}.birthDate": years_ago(16) + DAY}),
    (f"{FIRST}.birthDate", "DRIVER_TOO_OLD", {f"{FIRST}.birthDate": years_ago(101)}),
    (f"{FIRST}.license", "DRIVING_LICENSE_INVALID", {f"{FIRST}.license": "99"}),
    ("drivers.listed.1.license", "DRIVING_LICENSE_REPEATED", {f"{FIRST}.license": "77 ab 567812"}),
    ("drivers.listed.1.license", "DRIVING_LICENSE_REPEATED", {"drivers.listed.1.license": "99 23 456781"}),
    (f"{FIRST}.drivingSince", "DRIVING_SINCE_IN_FUTURE", {f"{FIRST}.drivingSince": TODAY + DAY}),
    (f"{FIRST}.drivingSince", "DRIVING_SINCE_TOO_EARLY", {f"{FIRST}.drivingSince": date(2007, 11, 22)}),
    (f"{FIRST}.drivingSince", "DRIVING_SINCE_TOO_EARLY", {**CATEGORY_A, f"{FIRST}.drivingSince": date(2006, 11, 22)}),
    ("startsOn", "STARTS_ON_OUT_OF_RANGE", {"startsOn": TODAY}),
    ("startsOn", "STARTS_ON_OUT_OF_RANGE", {"startsOn": TODAY + 61 * DAY}),
    ("usageMonths", "USAGE_MONTHS_OUT_OF_RANGE", {"usageMonths": 2}),
    ("usageMonths", "USAGE_MONTHS_OUT_OF_RANGE", {"usageMonths": 13}),
]

# Still valid: the other side of the bounds above.
SOUND: Final[list[Changes]] = [
    {},
    {"vehicle.year": 1900},
    {"vehicle.year": TODAY.year + 1, "vehicle.document.issuedOn": TODAY},
    {"vehicle.document.issuedOn": date(2021, 1, 1)},
    {"vehicle.document": {"kind": EPTS, "number": "1" * 15, "issuedOn": date(2018, 7, 1)}, "vehicle.year": 2018},
    {"vehicle.enginePower": Decimal(1)},
    {"vehicle.enginePower": Decimal(1500)},
    {"vehicle.licensePlate": None},
    {"vehicle.licensePlate": "АА12377", "vehicle.purpose": VehiclePurpose.TAXI},
    {"vehicle.vin": None, "vehicle.bodyNumber": None, "vehicle.chassisNumber": "4310-0012345"},
    {"vehicle.category": VehicleCategory.C, "vehicle.maxMassKg": 200_000},
    {"vehicle.category": VehicleCategory.D, "vehicle.seats": 1},
    {**CATEGORY_A, f"{FIRST}.birthDate": years_ago(16), f"{FIRST}.drivingSince": TODAY},
    {f"{FIRST}.birthDate": years_ago(17), f"{FIRST}.drivingSince": TODAY},
    {f"{FIRST}.birthDate": years_ago(101) + DAY},
    {f"{FIRST}.drivingSince": date(2007, 11, 23)},
    {"owner.birthDate": TODAY, "owner.passportIssuedOn": None},
    {"owner.birthDate": years_ago(121) + DAY},
    {"owner.passportIssuedOn": date(2004, 11, 23)},
    {"policyholder.birthDate": years_ago(18), "policyholder.passportIssuedOn": TODAY},
    {"policyholder.middleName": None, "policyholder.phone": ABSENT, "policyholder.email": None},
    {"policyholder.address.text": "д" * 500},
    {"startsOn": TODAY + DAY},
    {"startsOn": TODAY + 60 * DAY, "usageMonths": 3},
]


@pytest.mark.parametrize(("path", "code", "changes"), BROKEN)
def test_a_broken_rule_is_one_problem(path: str, code: str, changes: Changes) -> None:
    """One problem, where it is and what it is; whatever depends on the broken field keeps quiet."""
    assert problems(changes) == [(path, code)]


def test_every_code_is_tried_here() -> None:
    """A code that nothing can cause is not in the table, and none is missing from it."""
    assert {code for _, code, _ in BROKEN} == set(MESSAGES) - OF_THE_REQUEST - OF_SCALARS


@pytest.mark.parametrize("changes", SOUND)
def test_up_to_its_bounds_an_application_is_valid(changes: Changes) -> None:
    """The bounds themselves are inside, and optional fields may be absent or null."""
    assert isinstance(taken(changes), Application)


ABOUT_TWO_FIELDS: Final = {
    "DOCUMENT_OLDER_THAN_VEHICLE",
    "PASSPORT_ISSUED_TOO_EARLY",
    "DRIVING_LICENSE_REPEATED",
    "DRIVING_SINCE_TOO_EARLY",
}
OBJECTS: Final = {"vehicle", "policyholder", "drivers", "drivers.listed.1"}
INDEPENDENT: Final = {
    path: (code, changes[path])
    for path, code, changes in BROKEN
    if set(changes) == {path} and path not in OBJECTS and code not in ABOUT_TWO_FIELDS
}


@given(st.sets(st.sampled_from(sorted(INDEPENDENT)), min_size=1))
def test_all_problems_are_told_at_once(paths: set[str]) -> None:
    """However many fields are broken, each is named, once, and no other."""
    found = problems({path: INDEPENDENT[path][1] for path in paths})
    assert sorted(found) == sorted((path, INDEPENDENT[path][0]) for path in paths)


def test_a_broken_list_names_the_place_in_it() -> None:
    """A path is that of the API's input, list indices are its strings."""
    raw = changed(TODAY, {"drivers.listed.1.birthDate": TODAY})
    with pytest.raises(InvalidApplication) as refusal:
        application_from(raw, today=TODAY, is_email=looks_like_email)
    (problem,) = refusal.value.problems
    assert problem.path == ("application", "drivers", "listed", "1", "birthDate")
    assert problem.message == MESSAGES["DRIVER_TOO_YOUNG"]


def test_what_is_wrong_with_a_field_is_not_told_twice() -> None:
    """A rule about two fields is silent while one of them is broken or missing."""
    changes = {
        "vehicle.year": 3000,
        "vehicle.document.issuedOn": date(1800, 1, 1),
        "owner.birthDate": None,
        "owner.passportIssuedOn": date(1800, 1, 1),
        "drivers.listed.0.birthDate": TODAY + DAY,
        "drivers.listed.0.drivingSince": date(1800, 1, 1),
    }
    assert sorted(problems(changes)) == [
        ("drivers.listed.0.birthDate", "BIRTH_DATE_IN_FUTURE"),
        ("owner.birthDate", "REQUIRED"),
        ("vehicle.year", "YEAR_OUT_OF_RANGE"),
    ]
