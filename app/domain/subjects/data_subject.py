"""The people of an application as the law on personal data (152-ФЗ) sees them: roles, kinds of data, and what makes two of them one.

An organisation is no subject of personal data.
"""

import re
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Final

import msgspec

from app.domain.application import Application, Driver, Person

_SEPARATORS: Final = re.compile(r"[\W_]+")
_YO: Final = str.maketrans("ё", "е")


class SubjectRole(StrEnum):
    """The role of a person in an application."""

    POLICYHOLDER = "POLICYHOLDER"
    OWNER = "OWNER"
    DRIVER = "DRIVER"


class DataCategory(StrEnum):
    """Kinds of data, as an act of destruction lists them. The order is that of the list."""

    NAME = "NAME"
    BIRTH_DATE = "BIRTH_DATE"
    SEX = "SEX"
    CITIZENSHIP = "CITIZENSHIP"
    IDENTITY_DOCUMENT = "IDENTITY_DOCUMENT"
    ADDRESS = "ADDRESS"
    CONTACTS = "CONTACTS"
    DRIVING_LICENSE = "DRIVING_LICENSE"
    PREVIOUS_LICENSE = "PREVIOUS_LICENSE"
    VEHICLE = "VEHICLE"
    PREVIOUS_POLICY = "PREVIOUS_POLICY"
    PURCHASE_LINK = "PURCHASE_LINK"
    CUSTOMER_ID = "CUSTOMER_ID"
    OFFERS = "OFFERS"
    CONSENT = "CONSENT"


class DataSubject(msgspec.Struct, frozen=True):
    """One person of an application. `identity` is the same for the same person in any application, and personal itself."""

    identity: str
    roles: tuple[SubjectRole, ...]
    categories: tuple[DataCategory, ...]

    def __repr__(self) -> str:
        return "DataSubject(…)"


def data_subjects(application: Application) -> tuple[DataSubject, ...]:
    """Each person once, with all roles, in the order of the application."""
    roles: dict[str, list[SubjectRole]] = {}
    categories: dict[str, set[DataCategory]] = {}
    for role, person, more in _people(application):
        identity = identity_of(person.last_name, person.first_name, person.birth_date)
        roles.setdefault(identity, []).append(role)
        categories.setdefault(identity, set()).update(_of_person(person), more)
    return tuple(DataSubject(identity, tuple(roles[identity]), in_order(categories[identity])) for identity in roles)


def in_order(categories: set[DataCategory]) -> tuple[DataCategory, ...]:
    """As an act lists them."""
    return tuple(category for category in DataCategory if category in categories)


def _people(application: Application) -> Iterator[tuple[SubjectRole, Person | Driver, set[DataCategory]]]:
    if isinstance(application.policyholder, Person):
        more = {DataCategory.PURCHASE_LINK}
        if application.previous_policy:
            more.add(DataCategory.PREVIOUS_POLICY)
        yield SubjectRole.POLICYHOLDER, application.policyholder, more
    if isinstance(application.owner, Person):
        yield SubjectRole.OWNER, application.owner, {DataCategory.VEHICLE}
    for driver in application.drivers or ():
        yield SubjectRole.DRIVER, driver, set()


def identity_of(last_name: str, first_name: str, birth_date: date) -> str:
    """Surname, given name and day of birth: patronymics are left out by some forms and asked for by others."""
    names = (_SEPARATORS.sub("", name.casefold().translate(_YO)) for name in (last_name, first_name))
    return "\n".join((*names, birth_date.isoformat()))


def _of_person(person: Person | Driver) -> set[DataCategory]:
    found = {DataCategory.NAME, DataCategory.BIRTH_DATE}
    if person.sex:
        found.add(DataCategory.SEX)
    if isinstance(person, Driver):
        found.add(DataCategory.DRIVING_LICENSE)
        if person.previous_license:
            found.add(DataCategory.PREVIOUS_LICENSE)
        return found
    found |= {DataCategory.CITIZENSHIP, DataCategory.IDENTITY_DOCUMENT, DataCategory.ADDRESS}
    if person.phone or person.email:
        found.add(DataCategory.CONTACTS)
    return found
