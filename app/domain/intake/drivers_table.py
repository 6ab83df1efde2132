"""The drivers of an application."""

from datetime import date
from typing import Final, NamedTuple

from app.domain.application import Driver, DrivingLicense, PreviousLicense, Sex
from app.domain.intake.field_table import CountryCode, Field, Found, ListTable, ObjectTable, optional
from app.domain.intake.formats import Broken, finds, or_none
from app.domain.intake.party_table import names
from app.domain.intake.rules import aged, until
from app.domain.intake.spelling.countries import RUSSIA, country
from app.domain.intake.spelling.document_numbers import any_license, license_of
from app.domain.intake.spelling.person_names import name, same_name

DRIVER_AGE_MAX: Final = 100
DRIVERS_MAX: Final = 50


class Drivers(NamedTuple):
    """Either a list, or permission for anyone."""

    listed: tuple[Driver, ...] | None
    unlimited: bool | None


def drivers_table(today: date) -> ObjectTable:
    """A list of drivers, or permission for anyone: exactly one of them."""
    fields = [
        optional("listed", ListTable(_driver_table(today), _not_too_many)),
        optional("unlimited", bool, _agreed, about="Anyone may drive."),
    ]
    return ObjectTable(
        "DriversInput",
        Drivers,
        fields,
        _drivers_checks,
        codes=("DRIVERS_AMBIGUOUS", "DRIVERS_REQUIRED", "DRIVING_LICENSE_REPEATED", "DRIVER_REPEATED"),
        is_one_of=True,
    )


def _driver_table(today: date) -> ObjectTable:
    fields = [
        *names(),
        Field(
            "birth_date",
            date,
            aged(today, (0, "BIRTH_DATE_IN_FUTURE"), (DRIVER_AGE_MAX, "DRIVER_TOO_OLD")),
            example="1990-11-23",
        ),
        optional("sex", Sex, example="MALE"),
        Field("license", _license_table(today)),
        Field(
            "driving_since",
            date,
            until(today, "DRIVING_SINCE_IN_FUTURE"),
            about="Since when with the right to drive this category.",
            example="2009-06-05",
        ),
        optional(
            "previous_license",
            _PREVIOUS_LICENSE,
            about="Under which the claims history is kept if licence or surname have changed: without it the class is lost.",
        ),
    ]
    codes = ("LICENSE_OLDER_THAN_RIGHT",)
    return ObjectTable("DriverInput", Driver, fields, _driver_checks, codes=codes)


def _license_table(today: date) -> ObjectTable:
    fields = [
        Field("number", str, license_of, given=("country",), about="Series and number.", example="9923456781"),
        optional(
            "issued_on",
            date,
            until(today, "LICENSE_ISSUED_IN_FUTURE"),
            about="Of this licence; `drivingSince` may be long before.",
            example="2019-06-05",
        ),
        optional("country", CountryCode, country, default=RUSSIA, example="RU"),
    ]
    return ObjectTable("DrivingLicenseInput", DrivingLicense, fields)


_PREVIOUS_LICENSE: Final = ObjectTable(
    "PreviousLicenseInput",
    PreviousLicense,
    [
        Field("number", str, any_license, example="7734567812"),
        optional("last_name", str, or_none(name), about="The surname it was issued to, if that has changed."),
    ],
)


def _driver_checks(driver: Driver) -> Found:
    held = driver.license
    if held and held.issued_on and driver.driving_since and held.issued_on < driver.driving_since:
        return ((("license", "issuedOn"), "LICENSE_OLDER_THAN_RIGHT"),)
    return ()


def _drivers_checks(drivers: Drivers) -> Found:
    listed, unlimited = drivers
    if listed is not None and unlimited is not None:
        return (((), "DRIVERS_AMBIGUOUS"), *_repeated(listed or ()))
    if listed is None and unlimited is None:
        return (((), "DRIVERS_REQUIRED"),)
    return _repeated(listed) if listed and len(listed) > 1 else ()


def _repeated(listed: tuple[Driver, ...]) -> Found:
    """A licence, or a person, that stands in the list before."""
    licenses: set[str] = set()
    people: set[tuple[object, ...]] = set()
    for place, driver in enumerate(listed):
        if not driver:
            continue
        number = driver.license.number if driver.license else None
        if number and number in licenses:
            yield ("listed", str(place), "license", "number"), "DRIVING_LICENSE_REPEATED"
        elif _is_whole(driver):
            person = (*same_name(driver.last_name, driver.first_name, driver.middle_name), driver.birth_date)
            if person in people:
                yield ("listed", str(place)), "DRIVER_REPEATED"
            people.add(person)
        if number:
            licenses.add(number)


def _is_whole(driver: Driver) -> bool:
    return bool(driver.last_name and driver.first_name and driver.birth_date) and (
        driver.middle_name is None or bool(driver.middle_name)
    )


@finds("DRIVERS_REQUIRED", "DRIVERS_TOO_MANY")
def _not_too_many(drivers: list[object]) -> list[object]:
    if not drivers:
        raise Broken("DRIVERS_REQUIRED")
    if len(drivers) > DRIVERS_MAX:
        raise Broken("DRIVERS_TOO_MANY")
    return drivers


@finds("DRIVERS_REQUIRED")
def _agreed(unlimited: bool) -> bool:  # noqa: FBT001 - the rule of a flag
    if not unlimited:
        raise Broken("DRIVERS_REQUIRED")
    return unlimited
