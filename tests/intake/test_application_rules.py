"""What makes an application valid: every rule with its code and path, all problems at once, and no noise."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.applications import ABSENT, Changes, application_from, changed, looks_like_email

from app.domain.application import (
    Application,
    IdentityDocumentKind,
    VehicleCategory,
    VehicleDocumentKind,
    VehiclePurpose,
)
from app.domain.errors import InvalidApplication
from app.domain.intake.problems import MESSAGES, WARNING_CODES

TODAY: Final = date(2026, 5, 1)
DAY: Final = timedelta(days=1)
EPTS: Final = VehicleDocumentKind.ELECTRONIC_PASSPORT
OF_THE_REQUEST: Final = {
    "STARTS_TOO_SOON",
    "CLIENT_REFERENCE_REUSED",
    "CLIENT_REFERENCE_INVALID",
    "CUSTOMER_ID_INVALID",
    "INSURER_UNKNOWN",
    "INSURERS_EMPTY",
    "INSURER_REPEATED",
}
OF_SCALARS: Final = {"DATE_INVALID", "DATE_TIME_INVALID", "DECIMAL_INVALID"}


def taken(changes: Changes) -> Application:
    return application_from(changed(TODAY, changes), today=TODAY, is_email=looks_like_email)


def problems(changes: Changes) -> list[tuple[str, str]]:
    """(path, code) of everything that is wrong."""
    with pytest.raises(InvalidApplication) as refusal:
        taken(changes)
    return [(".".join(p.path).removeprefix("application."), p.code) for p in refusal.value.problems]


def years_ago(years: int) -> date:
    return TODAY.replace(year=TODAY.year - years)


KIND: Final = VehicleDocumentKind
EPTS_NUMBER: Final = "164301000000001"
PAPER: Final = {"number": "12", "issuedOn": date(2021, 9, 14)}
CERTIFICATE: Final = IdentityDocumentKind.BIRTH_CERTIFICATE
FOREIGN: Final = IdentityDocumentKind.FOREIGN_PASSPORT
ORGANISATION: Final = {
    "name": "ООО «Ромашка»",
    "inn": "7701999009",
    "kpp": "770101001",
    "ogrn": "1197746999999",
    "address": {"kladr": "7700000000000", "text": "Москва, ул. Примерная, д. 19"},
}
CATEGORY_D: Final = {"vehicle.category": VehicleCategory.D}
CATEGORY_A: Final = {"vehicle.category": VehicleCategory.A, "vehicle.licensePlate": "1234АВ77"}
LIGHT: Final = {**CATEGORY_A, "vehicle.enginePower": Decimal(15)}
FIRST: Final = "drivers.listed.0"


def born(day: date) -> Changes:
    """The first driver, born on this day, with the right to drive since today."""
    licensed = {f"{FIRST}.license.issuedOn": None, f"{FIRST}.drivingSince": TODAY}
    return {f"{FIRST}.birthDate": day, **licensed}


# (path, code, what to change): each breaks one rule, and one problem is all that is said about it.
BROKEN: Final[list[tuple[str, str, Changes]]] = [
    ("vehicle", "REQUIRED", {"vehicle": None}),
    ("policyholder.person.lastName", "REQUIRED", {"policyholder.person.lastName": ABSENT}),
    ("policyholder", "TYPE_INVALID", {"policyholder": "Иван"}),
    ("usageMonths", "TYPE_INVALID", {"usageMonths": True}),
    ("vehicle.withTrailer", "TYPE_INVALID", {"vehicle.withTrailer": 1}),
    ("policyholder.person.address.text", "TEXT_UNPRINTABLE", {"policyholder.person.address.text": "г Москва\x00"}),
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
    ("vehicle.licensePlate", "LICENSE_PLATE_REQUIRED", {"vehicle.licensePlate": None}),
    ("vehicle.makeId", "DICTIONARY_ID_INVALID", {"vehicle.makeId": "m" * 129}),
    ("vehicle.registrationCountry", "COUNTRY_UNKNOWN", {"vehicle.registrationCountry": "SU"}),
    ("vehicle.vin", "VIN_INVALID", {"vehicle.vin": "XTA", "vehicle.bodyNumber": None}),
    ("vehicle.bodyNumber", "BODY_NUMBER_INVALID", {"vehicle.bodyNumber": "снят"}),
    ("vehicle.chassisNumber", "CHASSIS_NUMBER_INVALID", {"vehicle.chassisNumber": "снято"}),
    ("vehicle.vin", "VEHICLE_NUMBER_REQUIRED", {"vehicle.vin": None, "vehicle.bodyNumber": ABSENT}),
    ("vehicle.maxMassKg", "MAX_MASS_REQUIRED", {"vehicle.category": VehicleCategory.C}),
    ("vehicle.maxMassKg", "MAX_MASS_OUT_OF_RANGE", {"vehicle.maxMassKg": 0}),
    ("vehicle.maxMassKg", "MAX_MASS_OUT_OF_RANGE", {"vehicle.maxMassKg": 200_001}),
    ("vehicle.maxMassKg", "MAX_MASS_UNSUITED", {"vehicle.maxMassKg": 3501}),
    ("vehicle.maxMassKg", "MAX_MASS_UNSUITED", {"vehicle.category": VehicleCategory.C, "vehicle.maxMassKg": 3500}),
    ("vehicle.seats", "SEATS_UNSUITED", {"vehicle.seats": 9}),
    ("vehicle.seats", "SEATS_UNSUITED", {**CATEGORY_D, "vehicle.seats": 8}),
    ("vehicle.seats", "SEATS_REQUIRED", {"vehicle.category": VehicleCategory.D}),
    ("vehicle.seats", "SEATS_OUT_OF_RANGE", {"vehicle.seats": 301}),
    ("vehicle.document.number", "REGISTRATION_CERTIFICATE_INVALID", {"vehicle.document.number": "12"}),
    (
        "vehicle.document.number",
        "VEHICLE_PASSPORT_INVALID",
        {"vehicle.document.kind": VehicleDocumentKind.PASSPORT},
    ),
    ("vehicle.document.number", "ELECTRONIC_PASSPORT_INVALID", {"vehicle.document.kind": EPTS}),
    *(
        (
            "vehicle.document.number",
            code,
            {"vehicle.document": {**PAPER, "kind": kind}, "vehicle.category": category, "vehicle.licensePlate": None},
        )
        for kind, code, category in (
            (KIND.SELF_PROPELLED_PASSPORT, "SELF_PROPELLED_PASSPORT_INVALID", VehicleCategory.TRACTOR),
            (KIND.SELF_PROPELLED_CERTIFICATE, "SELF_PROPELLED_CERTIFICATE_INVALID", VehicleCategory.TRACTOR),
            (KIND.FOREIGN, "FOREIGN_VEHICLE_DOCUMENT_INVALID", VehicleCategory.B),
        )
    ),
    (
        "vehicle.document.kind",
        "DOCUMENT_KIND_UNSUITED",
        {
            "vehicle.document": {
                "kind": KIND.SELF_PROPELLED_PASSPORT,
                "number": "ВЕ123456",
                "issuedOn": date(2021, 9, 14),
            }
        },
    ),
    ("vehicle.document.issuedOn", "DOCUMENT_ISSUED_IN_FUTURE", {"vehicle.document.issuedOn": TODAY + DAY}),
    ("vehicle.document.issuedOn", "DOCUMENT_OLDER_THAN_VEHICLE", {"vehicle.document.issuedOn": date(2020, 12, 31)}),
    (
        "vehicle.document.issuedOn",
        "ELECTRONIC_PASSPORT_TOO_EARLY",
        {"vehicle.document": {"kind": EPTS, "number": EPTS_NUMBER, "issuedOn": date(2018, 6, 30)}},
    ),
    ("owner.person.firstName", "NAME_INVALID", {"owner.person.firstName": "Иван2"}),
    (f"{FIRST}.middleName", "NAME_INVALID", {f"{FIRST}.middleName": "2"}),
    (f"{FIRST}.lastName", "NAME_INVALID", {f"{FIRST}.lastName": ""}),
    ("owner.person.lastName", "NAME_ALPHABETS_MIXED", {"owner.person.lastName": "Кузнеzов"}),
    ("owner.person.birthDate", "BIRTH_DATE_IN_FUTURE", {"owner.person.birthDate": TODAY + DAY}),
    ("policyholder.person.birthDate", "BIRTH_DATE_IN_FUTURE", {"policyholder.person.birthDate": TODAY + DAY}),
    (f"{FIRST}.birthDate", "BIRTH_DATE_IN_FUTURE", {f"{FIRST}.birthDate": TODAY + DAY}),
    ("owner.person.birthDate", "BIRTH_DATE_IMPLAUSIBLE", {"owner.person.birthDate": years_ago(121)}),
    ("policyholder.person.birthDate", "POLICYHOLDER_TOO_YOUNG", {"policyholder.person.birthDate": years_ago(18) + DAY}),
    ("owner.person.document.number", "PASSPORT_INVALID", {"owner.person.document.number": "45109876"}),
    ("owner.person.document.issuedOn", "IDENTITY_ISSUED_IN_FUTURE", {"owner.person.document.issuedOn": TODAY + DAY}),
    (
        "owner.person.document.issuedOn",
        "PASSPORT_ISSUED_TOO_EARLY",
        {"owner.person.document.issuedOn": date(2004, 11, 22)},
    ),
    ("owner.person.document.issuedOn", "PASSPORT_BEFORE_1997", {"owner.person.document.issuedOn": date(1997, 9, 30)}),
    *(
        (f"owner.person.document.{key}", code, {"owner.person.document": value})
        for key, code, value in (
            ("number", "BIRTH_CERTIFICATE_INVALID", {"kind": CERTIFICATE, "number": "4510987654"}),
            ("number", "IDENTITY_DOCUMENT_INVALID", {"kind": FOREIGN, "number": "000", "country": "UZ"}),
            ("number", "PASSPORT_INVALID", {"number": "0000987654"}),
            ("country", "DOCUMENT_COUNTRY_UNSUITED", {"kind": FOREIGN, "number": "AB1234567"}),
            ("country", "DOCUMENT_COUNTRY_UNSUITED", {"number": "4510987654", "country": "UZ"}),
            ("country", "COUNTRY_UNKNOWN", {"kind": FOREIGN, "number": "AB1234567", "country": "ZZ"}),
            ("issuedBy", "ISSUER_INVALID", {"number": "4510987654", "issuedBy": "О" * 201}),
            ("divisionCode", "DIVISION_CODE_INVALID", {"number": "4510987654", "divisionCode": "77"}),
            (
                "issuedOn",
                "IDENTITY_ISSUED_BEFORE_BIRTH",
                {"kind": CERTIFICATE, "number": "III-МЮ 123456", "issuedOn": date(1990, 11, 22)},
            ),
        )
    ),
    (
        "policyholder.person.document.issuedOn",
        "PASSPORT_EXPIRED",
        {"policyholder.person.document.issuedOn": date(2010, 3, 7)},
    ),
    (
        "owner.person.document.kind",
        "PASSPORT_HOLDER_TOO_YOUNG",
        {"owner.person.birthDate": years_ago(14) + DAY, "owner.person.document": {"number": "4510987654"}},
    ),
    ("owner", "PARTY_REQUIRED", {"owner": {}}),
    ("owner", "PARTY_AMBIGUOUS", {"owner.organisation": ORGANISATION}),
    *(
        (f"owner.organisation.{key}", code, {"owner": {"organisation": {**ORGANISATION, key: value}}})
        for key, code, value in (
            ("name", "ORGANISATION_NAME_INVALID", "О" * 201),
            ("inn", "INN_INVALID", "7701999008"),
            ("ogrn", "OGRN_INVALID", "1197746999998"),
            ("kpp", "KPP_INVALID", "77"),
        )
    ),
    ("owner.person.address.fiasId", "FIAS_ID_INVALID", {"owner.person.address.fiasId": "дом 7"}),
    ("owner.person.address.postalCode", "POSTAL_CODE_INVALID", {"owner.person.address.postalCode": "12705"}),
    ("owner.person.address.street", "ADDRESS_PART_INVALID", {"owner.person.address.street": "у" * 101}),
    ("owner.person.address.text", "ADDRESS_HOUSE_MISSING", {"owner.person.address.text": "127055, г Москва"}),
    ("policyholder.person.phone", "REQUIRED", {"policyholder.person.phone": None}),
    ("policyholder.person.email", "REQUIRED", {"policyholder.person.email": ""}),
    ("owner.person.address.kladr", "KLADR_INVALID", {"owner.person.address.kladr": "77"}),
    ("owner.person.address.text", "ADDRESS_INVALID", {"owner.person.address.text": "д" * 501}),
    ("policyholder.person.phone", "PHONE_INVALID", {"policyholder.person.phone": "112"}),
    ("policyholder.person.email", "EMAIL_INVALID", {"policyholder.person.email": "kuznetsova"}),
    ("policyholder.person.email", "EMAIL_INVALID", {"policyholder.person.email": "k" * 244 + "@example.ru"}),
    ("drivers", "REQUIRED", {"drivers": None}),
    ("drivers", "DRIVERS_REQUIRED", {"drivers": {"listed": None}}),
    ("drivers.listed", "DRIVERS_REQUIRED", {"drivers": {"listed": []}}),
    ("drivers.listed", "TYPE_INVALID", {"drivers": {"listed": "все"}}),
    ("drivers.listed.1", "REQUIRED", {"drivers.listed.1": None}),
    ("drivers.unlimited", "DRIVERS_REQUIRED", {"drivers": {"unlimited": False}}),
    ("drivers", "DRIVERS_AMBIGUOUS", {"drivers.unlimited": True}),
    ("drivers.listed", "DRIVERS_TOO_MANY", {"drivers": {"listed": [{}] * 51}}),
    *(
        (f"{FIRST}.birthDate", "DRIVER_TOO_YOUNG", {**changes, **born(years_ago(age) + DAY)})
        for age, changes in (
            (18, {}),
            (18, {"vehicle.category": VehicleCategory.C, "vehicle.maxMassKg": 12_000}),
            (21, {**CATEGORY_D, "vehicle.seats": 22}),
            (18, CATEGORY_A),
            (16, LIGHT),
            (17, {**CATEGORY_A, "vehicle.category": VehicleCategory.TRACTOR}),
        )
    ),
    (f"{FIRST}.birthDate", "DRIVER_TOO_OLD", {f"{FIRST}.birthDate": years_ago(101)}),
    (f"{FIRST}.license.number", "DRIVING_LICENSE_INVALID", {f"{FIRST}.license.number": "99"}),
    ("drivers.listed.1.license.number", "DRIVING_LICENSE_REPEATED", {f"{FIRST}.license.number": "77 ab 567812"}),
    (
        "drivers.listed.1.license.number",
        "DRIVING_LICENSE_REPEATED",
        {"drivers.listed.1.license.number": "99 23 456781"},
    ),
    (
        f"{FIRST}.drivingSince",
        "DRIVING_SINCE_IN_FUTURE",
        {f"{FIRST}.drivingSince": TODAY + DAY, f"{FIRST}.license.issuedOn": None},
    ),
    (f"{FIRST}.license.issuedOn", "LICENSE_ISSUED_IN_FUTURE", {f"{FIRST}.license.issuedOn": TODAY + DAY}),
    (f"{FIRST}.license.issuedOn", "LICENSE_OLDER_THAN_RIGHT", {f"{FIRST}.license.issuedOn": date(2009, 6, 4)}),
    (f"{FIRST}.license.number", "DRIVING_LICENSE_INVALID", {f"{FIRST}.license": {"number": "123", "country": "BY"}}),
    (
        "drivers.listed.1",
        "DRIVER_REPEATED",
        {
            "drivers.listed.1.lastName": "кузнецов",
            "drivers.listed.1.firstName": "Илья",
            "drivers.listed.1.middleName": "Сергеевич",
            "drivers.listed.1.birthDate": date(1990, 11, 23),
            "drivers.listed.1.drivingSince": date(2010, 1, 1),
        },
    ),
    (f"{FIRST}.drivingSince", "DRIVING_SINCE_TOO_EARLY", {f"{FIRST}.drivingSince": date(2007, 11, 22)}),
    (f"{FIRST}.drivingSince", "DRIVING_SINCE_TOO_EARLY", {**CATEGORY_A, f"{FIRST}.drivingSince": date(2006, 11, 22)}),
    ("startsOn", "STARTS_ON_OUT_OF_RANGE", {"startsOn": TODAY}),
    ("startsOn", "STARTS_ON_OUT_OF_RANGE", {"startsOn": TODAY + 61 * DAY}),
    ("usageMonths", "USAGE_MONTHS_OUT_OF_RANGE", {"usageMonths": 2}),
    ("previousPolicy.series", "POLICY_SERIES_INVALID", {"previousPolicy.series": "ХХ"}),
    ("previousPolicy.number", "POLICY_NUMBER_INVALID", {"previousPolicy.number": "0" * 10}),
    ("consent.textVersion", "CONSENT_VERSION_INVALID", {"consent.textVersion": ""}),
    ("consent.givenAt", "CONSENT_IN_FUTURE", {"consent.givenAt": f"{TODAY + 2 * DAY}T00:00:00Z"}),
    ("consent.givenAt", "CONSENT_TOO_OLD", {"consent.givenAt": f"{TODAY - 31 * DAY}T00:00:00Z"}),
    ("consent.othersInformed", "CONSENT_OTHERS_NOT_INFORMED", {"consent.othersInformed": False}),
    ("usageMonths", "USAGE_MONTHS_OUT_OF_RANGE", {"usageMonths": 13}),
]

# Still valid: the other side of the bounds above.
SOUND: Final[list[Changes]] = [
    {},
    {"vehicle.year": 1900},
    {"vehicle.year": TODAY.year + 1, "vehicle.document.issuedOn": TODAY},
    {"vehicle.document.issuedOn": date(2021, 1, 1)},
    {"vehicle.maxMassKg": 3500, "vehicle.seats": 8},
    {"vehicle.bodyNumber": "отсутствует", "vehicle.chassisNumber": "-"},
    {"vehicle.registrationCountry": "KZ", "vehicle.licensePlate": "123ABC02"},
    {"vehicle.document": {"kind": EPTS, "number": EPTS_NUMBER, "issuedOn": date(2018, 7, 1)}, "vehicle.year": 2018},
    {"vehicle.enginePower": Decimal(1)},
    {"vehicle.enginePower": Decimal(1500)},
    {"vehicle.licensePlate": None, "vehicle.document": {**PAPER, "kind": KIND.PASSPORT, "number": "77МА345678"}},
    {"vehicle.licensePlate": "АА12377", "vehicle.purpose": VehiclePurpose.TAXI},
    {"vehicle.vin": None, "vehicle.bodyNumber": None, "vehicle.chassisNumber": "4310-0012345"},
    {"vehicle.category": VehicleCategory.C, "vehicle.maxMassKg": 200_000},
    {**CATEGORY_D, "vehicle.seats": 9},
    *({**changes, **born(years_ago(age))} for age, changes in ((18, {}), (18, CATEGORY_A), (16, LIGHT))),
    {f"{FIRST}.birthDate": years_ago(101) + DAY},
    {f"{FIRST}.drivingSince": date(2007, 11, 23)},
    {
        "owner.person.birthDate": TODAY,
        "owner.person.document": {"kind": CERTIFICATE, "number": "III-МЮ 123456", "issuedOn": TODAY},
    },
    {"owner.person.birthDate": years_ago(121) + DAY, "owner.person.document.issuedOn": date(2000, 1, 1)},
    {"owner.person.birthDate": years_ago(15), "owner.person.document.issuedOn": years_ago(1)},
    {"policyholder.person.birthDate": years_ago(18), "policyholder.person.document.issuedOn": TODAY},
    {"policyholder.person.middleName": "нет", f"{FIRST}.middleName": "-", "owner.person.middleName": ""},
    {"policyholder.person.document.issuedOn": date(2010, 3, 8)},
    {"owner": {"organisation": ORGANISATION}},
    {"previousPolicy": None, "consent": None},
    {"policyholder.person.address.text": "д" * 498 + " 1"},
    {"startsOn": TODAY + DAY},
    {"startsOn": TODAY + 60 * DAY, "usageMonths": 3},
]


@pytest.mark.parametrize(("path", "code", "changes"), BROKEN)
def test_a_broken_rule_is_one_problem(path: str, code: str, changes: Changes) -> None:
    """One problem with its path and code; rules that depend on the broken field are skipped."""
    assert problems(changes) == [(path, code)]


def test_every_code_is_tried_here() -> None:
    """A code that no input can cause is not in the table, and none is missing from it."""
    assert {code for _, code, _ in BROKEN} == set(MESSAGES) - OF_THE_REQUEST - OF_SCALARS - WARNING_CODES


@pytest.mark.parametrize("changes", SOUND)
def test_up_to_its_bounds_an_application_is_valid(changes: Changes) -> None:
    """The bounds themselves are inside, and optional fields may be absent or null."""
    assert isinstance(taken(changes), Application)


ABOUT_TWO_FIELDS: Final = {
    "DOCUMENT_OLDER_THAN_VEHICLE",
    "PASSPORT_ISSUED_TOO_EARLY",
    "PASSPORT_BEFORE_1997",
    "PASSPORT_EXPIRED",
    "DRIVING_LICENSE_REPEATED",
    "DRIVING_SINCE_TOO_EARLY",
    "LICENSE_OLDER_THAN_RIGHT",
    "LICENSE_PLATE_REQUIRED",
    "MAX_MASS_UNSUITED",
    "SEATS_UNSUITED",
    "CONSENT_OTHERS_NOT_INFORMED",
    "COUNTRY_UNKNOWN",
    "ADDRESS_HOUSE_MISSING",
}
OBJECTS: Final = {"vehicle", "policyholder", "owner", "drivers", "drivers.listed.1"}
INDEPENDENT: Final = {
    path: (code, changes[path])
    for path, code, changes in BROKEN
    if set(changes) == {path} and path not in OBJECTS and code not in ABOUT_TWO_FIELDS
}


@given(st.sets(st.sampled_from(sorted(INDEPENDENT)), min_size=1))
def test_all_problems_are_reported_at_once(paths: set[str]) -> None:
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


def test_a_problem_of_a_field_is_not_reported_twice() -> None:
    """A rule about two fields is silent while one of them is broken or missing."""
    changes = {
        "vehicle.year": 3000,
        "vehicle.document.issuedOn": date(1800, 1, 1),
        "owner.person.birthDate": None,
        "owner.person.document.issuedOn": date(2004, 1, 1),
        "drivers.listed.0.birthDate": TODAY + DAY,
        "drivers.listed.0.drivingSince": date(1800, 1, 1),
        "drivers.listed.1.license.number": "99 23 45",
    }
    assert sorted(problems(changes)) == [
        ("drivers.listed.0.birthDate", "BIRTH_DATE_IN_FUTURE"),
        ("drivers.listed.1.license.number", "DRIVING_LICENSE_INVALID"),
        ("owner.person.birthDate", "REQUIRED"),
        ("vehicle.year", "YEAR_OUT_OF_RANGE"),
    ]
