"""The people of an application: the policyholder, the owner and the drivers."""

from collections.abc import Callable
from datetime import date
from typing import Final, NamedTuple

from app.domain.age import has_turned
from app.domain.application import Address, Driver, Person
from app.domain.intake import formats
from app.domain.intake.field_table import Field, Found, ListTable, ObjectTable, optional
from app.domain.intake.formats import Broken, finds
from app.domain.intake.rules import Day, aged, text, until

AGE_MAX: Final = 120
POLICYHOLDER_AGE_MIN: Final = 18
PASSPORT_AGE_MIN: Final = 14
DRIVER_AGE_MAX: Final = 100
DRIVERS_MAX: Final = 50
EMAIL_LENGTH_MAX: Final = 254


IsEmail = Callable[[str], bool]


class Drivers(NamedTuple):
    """Either a list, or permission for anyone."""

    listed: tuple[Driver, ...] | None
    unlimited: bool | None


ADDRESS: Final = ObjectTable(
    "AddressInput",
    Address,
    [
        Field(
            "kladr",
            str,
            formats.kladr,
            about="KLADR code of the settlement: it sets the territory coefficient.",
            example="7700000000000",
        ),
        Field("text", str, text(500, "ADDRESS_INVALID"), example="г Москва, ул Лесная, д 7, кв 12"),
    ],
)


def names() -> list[Field]:
    """Last, first and middle name."""
    return [
        Field("last_name", str, formats.name, example="Кузнецов"),
        Field("first_name", str, formats.name, example="Илья"),
        optional("middle_name", str, formats.name, example="Сергеевич"),
    ]


def person_table(birth_date_rule: Day, is_email: IsEmail, today: date) -> ObjectTable:
    """The policyholder, with the rule `adult` for the birth date, or the owner, with `born`."""
    fields = [
        *names(),
        Field("birth_date", date, birth_date_rule, example="1990-11-23"),
        Field(
            "passport",
            str,
            formats.passport,
            about="Series and number of the internal passport, 10 digits.",
            example="4510987654",
        ),
        optional("passport_issued_on", date, until(today, "PASSPORT_ISSUED_IN_FUTURE"), example="2011-01-19"),
        Field("address", ADDRESS),
        optional("phone", str, formats.phone, example="+79031112233"),
        optional("email", str, _email(is_email), example="kuznetsov@example.ru"),
    ]
    return ObjectTable("PersonInput", Person, fields, _person_checks, codes=("PASSPORT_ISSUED_TOO_EARLY",))


def drivers_table(today: date) -> ObjectTable:
    """A list of drivers, or permission for anyone: exactly one of them."""
    driver = [
        *names(),
        Field(
            "birth_date",
            date,
            aged(today, (0, "BIRTH_DATE_IN_FUTURE"), (DRIVER_AGE_MAX, "DRIVER_TOO_OLD")),
            example="1990-11-23",
        ),
        Field(
            "license",
            str,
            formats.driving_license,
            about="Series and number of the driving licence.",
            example="9923456781",
        ),
        Field("driving_since", date, until(today, "DRIVING_SINCE_IN_FUTURE"), example="2009-06-05"),
    ]
    listed = ListTable(ObjectTable("DriverInput", Driver, driver), _not_too_many)
    fields = [
        optional("listed", listed),
        optional("unlimited", bool, _agreed, about="Anyone may drive."),
    ]
    return ObjectTable(
        "DriversInput",
        Drivers,
        fields,
        _drivers_checks,
        codes=("DRIVERS_AMBIGUOUS", "DRIVERS_REQUIRED", "DRIVING_LICENSE_REPEATED"),
        is_one_of=True,
    )


def born(today: date) -> Day:
    """The rule of a living person's birth date."""
    return aged(today, (0, "BIRTH_DATE_IN_FUTURE"), (AGE_MAX, "BIRTH_DATE_IMPLAUSIBLE"))


def adult(today: date) -> Day:
    """The rule of the birth date of a person of full age, as a contract needs it."""
    return aged(today, (POLICYHOLDER_AGE_MIN, "POLICYHOLDER_TOO_YOUNG"), (AGE_MAX, "BIRTH_DATE_IMPLAUSIBLE"))


def _person_checks(person: Person) -> Found:
    birth_date, issued_on = person.birth_date, person.passport_issued_on
    if birth_date and issued_on and not has_turned(PASSPORT_AGE_MIN, birth_date, issued_on):
        yield ("passportIssuedOn",), "PASSPORT_ISSUED_TOO_EARLY"


def _drivers_checks(drivers: Drivers) -> Found:
    listed, unlimited = drivers
    if listed is not None and unlimited is not None:
        yield (), "DRIVERS_AMBIGUOUS"
    elif listed is None and unlimited is None:
        yield (), "DRIVERS_REQUIRED"
    licenses: set[str] = set()
    for place, driver in enumerate(listed or ()):
        if driver and driver.license in licenses:
            yield ("listed", str(place), "license"), "DRIVING_LICENSE_REPEATED"
        elif driver and driver.license:
            licenses.add(driver.license)


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


def _email(is_email: IsEmail) -> Callable[[str], str]:
    @finds("EMAIL_INVALID", "TEXT_UNPRINTABLE")
    def rule(typed: str) -> str:
        email = formats.prose(typed, EMAIL_LENGTH_MAX, "EMAIL_INVALID")
        if is_email(email):
            return email
        raise Broken("EMAIL_INVALID")

    return rule
