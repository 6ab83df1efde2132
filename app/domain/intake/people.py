"""Reads the people of an application: the policyholder, the owner and the drivers."""

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Final

from app.domain.age import full_years
from app.domain.application import Address, Driver, Person, VehicleCategory
from app.domain.intake import formats
from app.domain.intake.field_reader import Reader, text, until
from app.domain.intake.formats import Broken

AGE_MAX: Final = 120
POLICYHOLDER_AGE_MIN: Final = 18
PASSPORT_AGE_MIN: Final = 14
DRIVER_AGE_MAX: Final = 100
DRIVING_AGE_MIN: Final = 17
DRIVING_AGE_MIN_CATEGORY_A: Final = 16
EMAIL_LENGTH_MAX: Final = 254

ADDRESS: Final = text(500, "ADDRESS_INVALID")

Born = Callable[[date], date]


def person(reader: Reader, birth_date_rule: Born, is_email: Callable[[str], bool], today: date) -> Person | None:
    """The policyholder, whose birth date has the rule `adult`, or the owner, whose has `born`."""
    last_name = reader.required("lastName", str, formats.name)
    first_name = reader.required("firstName", str, formats.name)
    middle_name = reader.optional("middleName", str, formats.name)
    birth_date = reader.required("birthDate", date, birth_date_rule)
    passport = reader.required("passport", str, formats.passport)
    issued_on = reader.optional("passportIssuedOn", date, until(today, "PASSPORT_ISSUED_IN_FUTURE"))
    if birth_date and issued_on and full_years(birth_date, issued_on) < PASSPORT_AGE_MIN:
        reader.refuse("PASSPORT_ISSUED_TOO_EARLY", "passportIssuedOn")
    address_reader = reader.inside("address")
    address = address_reader and _address(address_reader)
    phone = reader.optional("phone", str, formats.phone)
    email = reader.optional("email", str, _email(is_email))
    if not (last_name and first_name and birth_date and passport and address):
        return None
    return Person(
        last_name=last_name,
        first_name=first_name,
        middle_name=middle_name,
        birth_date=birth_date,
        passport=passport,
        passport_issued_on=issued_on,
        address=address,
        phone=phone,
        email=email,
    )


def driver(reader: Reader, category: VehicleCategory | None, licenses: set[str], today: date) -> Driver | None:
    """One listed driver; `licenses` are those already in the list, and gain this one's."""
    # A category that is itself broken gets the benefit of the doubt.
    age_min = DRIVING_AGE_MIN_CATEGORY_A if category in (VehicleCategory.A, None) else DRIVING_AGE_MIN
    last_name = reader.required("lastName", str, formats.name)
    first_name = reader.required("firstName", str, formats.name)
    middle_name = reader.optional("middleName", str, formats.name)
    birth_date = reader.required("birthDate", date, old_enough_to_drive(today, age_min))
    license_ = reader.required("license", str, _not_among(licenses))
    driving_since = reader.required("drivingSince", date, until(today, "DRIVING_SINCE_IN_FUTURE"))
    if birth_date and driving_since and full_years(birth_date, driving_since) < age_min:
        reader.refuse("DRIVING_SINCE_TOO_EARLY", "drivingSince")
    if not (last_name and first_name and birth_date and license_ and driving_since):
        return None
    return Driver(
        last_name=last_name,
        first_name=first_name,
        middle_name=middle_name,
        birth_date=birth_date,
        license=license_,
        driving_since=driving_since,
    )


def born(today: date) -> Born:
    """The rule of a birth date that somebody living may have."""
    return _aged(today, (0, "BIRTH_DATE_IN_FUTURE"), (AGE_MAX, "BIRTH_DATE_IMPLAUSIBLE"))


def adult(today: date) -> Born:
    """The rule of a birth date that somebody who may sign a contract has."""
    return _aged(today, (POLICYHOLDER_AGE_MIN, "POLICYHOLDER_TOO_YOUNG"), (AGE_MAX, "BIRTH_DATE_IMPLAUSIBLE"))


def old_enough_to_drive(today: date, age_min: int) -> Born:
    """The rule of a driver's birth date."""
    return _aged(today, (age_min, "DRIVER_TOO_YOUNG"), (DRIVER_AGE_MAX, "DRIVER_TOO_OLD"))


@lru_cache(maxsize=64)
def _aged(today: date, least: tuple[int, str], most: tuple[int, str]) -> Born:
    """The rule of a birth date between two ages, each with the code of whoever misses it."""

    def rule(birth_date: date) -> date:
        age = full_years(birth_date, today)
        if birth_date > today:
            raise Broken("BIRTH_DATE_IN_FUTURE")
        if age < least[0]:
            raise Broken(least[1])
        if age > most[0]:
            raise Broken(most[1])
        return birth_date

    return rule


def _not_among(licenses: set[str]) -> Callable[[str], str]:
    def rule(typed: str) -> str:
        number = formats.driving_license(typed)
        if number in licenses:
            raise Broken("DRIVING_LICENSE_REPEATED")
        licenses.add(number)
        return number

    return rule


def _email(is_email: Callable[[str], bool]) -> Callable[[str], str]:
    def rule(typed: str) -> str:
        email = formats.prose(typed, EMAIL_LENGTH_MAX, "EMAIL_INVALID")
        if is_email(email):
            return email
        raise Broken("EMAIL_INVALID")

    return rule


def _address(reader: Reader) -> Address | None:
    kladr = reader.required("kladr", str, formats.kladr)
    full = reader.required("text", str, ADDRESS)
    return Address(kladr=kladr, text=full) if kladr and full else None
