"""The parties of an application, the policyholder and the owner: a person or an organisation, with document and address."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Final, NamedTuple

from app.domain.age import birthday, has_turned
from app.domain.application import (
    Address,
    IdentityDocument,
    IdentityDocumentKind,
    Organisation,
    Party,
    Person,
    Sex,
)
from app.domain.intake import formats
from app.domain.intake.field_table import CountryCode, Field, Found, Identifier, ObjectTable, optional
from app.domain.intake.formats import Broken, finds, or_none
from app.domain.intake.rules import Day, aged, text, until
from app.domain.intake.spelling import register_numbers as registers
from app.domain.intake.spelling.countries import RUSSIA, country
from app.domain.intake.spelling.document_numbers import identity_document, is_travel_passport
from app.domain.intake.spelling.person_names import name, patronymic

AGE_MAX: Final = 120
POLICYHOLDER_AGE_MIN: Final = 18
PASSPORT_AGE_MIN: Final = 14
PASSPORT_RENEWED_AT: Final = (20, 45)
PASSPORT_GRACE: Final = timedelta(days=90)
PASSPORTS_SINCE: Final = date(1997, 10, 1)
EMAIL_LENGTH_MAX: Final = 254
ADDRESS_PART_MAX: Final = 100
ORGANISATION_NAME_MAX: Final = 200
ISSUER_MAX: Final = 200

IsEmail = Callable[[str], bool]

_MONTHS: Final = "января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря"
_IN_A_NAME: Final = (
    rf"-?(?:я|й|ая|ий|ый|ой|го|лет|летия|летие)\b|\s+(?:{_MONTHS}|лет|летия|года|(?:парт)?съезда|бакинских)\b"
)
_has_house: Final = re.compile(rf"(?<![0-9])[0-9]{{1,5}}(?![0-9])(?!{_IN_A_NAME})|без номера|б/н", re.IGNORECASE).search
"""Six digits are a postal code; the numbers of `ул. 8 Марта`, `1-я Парковая`, `60-летия Октября` are no houses."""


class EitherParty(NamedTuple):
    """Exactly one of the two."""

    person: Person | None
    organisation: Organisation | None


def _part(attribute: str, example: str | None = None) -> Field:
    return optional(attribute, str, or_none(text(ADDRESS_PART_MAX, "ADDRESS_PART_INVALID")), example=example)


def _address_checks(address: Address) -> Found:
    if address.house or not address.text or _has_house(address.text):
        return ()
    return ((("text",), "ADDRESS_HOUSE_MISSING"),)


ADDRESS: Final = ObjectTable(
    "AddressInput",
    Address,
    [
        Field(
            "kladr",
            str,
            registers.kladr,
            about="KLADR code of the settlement: it sets the territory coefficient.",
            example="7700000000000",
        ),
        Field(
            "text",
            str,
            text(500, "ADDRESS_INVALID"),
            about="The whole address as people write it, house included.",
            example="г Москва, ул Лесная, д 7, кв 12",
        ),
        optional(
            "fias_id",
            Identifier,
            or_none(registers.fias_id),
            about="Its id in the federal address register (GAR), of the house or of the smallest part that is known.",
        ),
        optional("postal_code", str, or_none(registers.postal_code), example="127055"),
        _part("region", "г Москва"),
        _part("settlement"),
        _part("street", "ул Лесная"),
        _part("house", "7"),
        _part("flat", "12"),
    ],
    _address_checks,
    codes=("ADDRESS_HOUSE_MISSING",),
)


def names(*, about_middle_name: str | None = None) -> list[Field]:
    """Last, first and middle name."""
    return [
        Field("last_name", str, name, example="Кузнецов"),
        Field("first_name", str, name, example="Илья"),
        optional("middle_name", str, patronymic, about=about_middle_name, example="Сергеевич"),
    ]


def party_table(birth_date_rule: Day, is_email: IsEmail, today: date) -> ObjectTable:
    """A person, with the rule `adult` or `born` for the birth date, or an organisation: exactly one of them."""
    fields = [
        optional("person", _person_table(birth_date_rule, is_email, today), about="A sole trader too."),
        optional("organisation", _organisation_table(is_email)),
    ]
    codes = ("PARTY_REQUIRED", "PARTY_AMBIGUOUS")
    return ObjectTable("PartyInput", EitherParty, fields, _party_checks, codes=codes, is_one_of=True)


def party(either: EitherParty) -> Party | None:
    """The one that is given."""
    return either.organisation if either.person is None else either.person


def _party_checks(either: EitherParty) -> Found:
    if (either.person is None) is not (either.organisation is None):
        return ()
    return (((), "PARTY_REQUIRED" if either.person is None else "PARTY_AMBIGUOUS"),)


def _person_table(birth_date_rule: Day, is_email: IsEmail, today: date) -> ObjectTable:
    fields = [
        *names(about_middle_name="Left out, empty or a hyphen: there is none."),
        Field("birth_date", date, birth_date_rule, example="1990-11-23"),
        optional("sex", Sex, example="MALE"),
        optional("citizenship", CountryCode, country, default=RUSSIA, example="RU"),
        Field("document", _identity_table(today)),
        Field("address", ADDRESS),
        optional("phone", str, or_none(formats.phone), about="Required of the policyholder.", example="+79031112233"),
        optional(
            "email",
            str,
            or_none(_email(is_email)),
            about="Required of the policyholder: the policy is sent there.",
            example="kuznetsov@example.ru",
        ),
    ]
    codes = (
        "IDENTITY_ISSUED_BEFORE_BIRTH",
        "PASSPORT_ISSUED_TOO_EARLY",
        "PASSPORT_HOLDER_TOO_YOUNG",
        "PASSPORT_EXPIRED",
    )
    return ObjectTable("PersonInput", Person, fields, partial(_person_checks, today=today), codes=codes)


def _organisation_table(is_email: IsEmail) -> ObjectTable:
    fields = [
        Field("name", str, text(ORGANISATION_NAME_MAX, "ORGANISATION_NAME_INVALID"), example="ООО «Ромашка»"),
        Field("inn", str, registers.inn, about="10 digits.", example="7701999009"),
        optional("kpp", str, or_none(registers.kpp), example="770101001"),
        Field("ogrn", str, registers.ogrn, about="13 digits.", example="1197746999999"),
        Field("address", ADDRESS),
        optional("phone", str, or_none(formats.phone), example="+74950000000"),
        optional("email", str, or_none(_email(is_email)), example="info@example.ru"),
    ]
    return ObjectTable("OrganisationInput", Organisation, fields)


def _identity_table(today: date) -> ObjectTable:
    fields = [
        optional(
            "kind",
            IdentityDocumentKind,
            default=IdentityDocumentKind.RUSSIAN_PASSPORT,
            example="RUSSIAN_PASSPORT",
        ),
        Field(
            "number",
            str,
            identity_document,
            given=("kind", "country"),
            about="Series and number.",
            example="4510987654",
        ),
        optional("issued_on", date, until(today, "IDENTITY_ISSUED_IN_FUTURE"), example="2011-01-19"),
        optional("issued_by", str, or_none(text(ISSUER_MAX, "ISSUER_INVALID")), example="ОВД района Хамовники"),
        optional(
            "division_code",
            str,
            or_none(registers.division_code),
            about="Of the office that issued a Russian passport, 000-000.",
            example="770-001",
        ),
        optional("country", CountryCode, country, default=RUSSIA, example="RU"),
    ]
    codes = ("DOCUMENT_COUNTRY_UNSUITED", "PASSPORT_BEFORE_1997")
    return ObjectTable("IdentityDocumentInput", IdentityDocument, fields, _identity_checks, codes=codes)


def born(today: date) -> Day:
    """The rule of a living person's birth date."""
    return aged(today, (0, "BIRTH_DATE_IN_FUTURE"), (AGE_MAX, "BIRTH_DATE_IMPLAUSIBLE"))


def adult(today: date) -> Day:
    """The rule of the birth date of a person of full age, as a contract needs it."""
    return aged(today, (POLICYHOLDER_AGE_MIN, "POLICYHOLDER_TOO_YOUNG"), (AGE_MAX, "BIRTH_DATE_IMPLAUSIBLE"))


def _identity_checks(document: IdentityDocument) -> Found:
    """A Russian passport is Russia's; a foreign one is another country's, but for the one that Russians travel with."""
    kind, origin = document.kind, document.country
    if kind is IdentityDocumentKind.RUSSIAN_PASSPORT:
        if origin and origin != RUSSIA:
            return ((("country",), "DOCUMENT_COUNTRY_UNSUITED"),)
        if document.issued_on and document.issued_on < PASSPORTS_SINCE:
            return ((("issuedOn",), "PASSPORT_BEFORE_1997"),)
        return ()
    is_foreign = kind is IdentityDocumentKind.FOREIGN_PASSPORT and document.number
    if is_foreign and origin == RUSSIA and not is_travel_passport(document.number):
        return ((("country",), "DOCUMENT_COUNTRY_UNSUITED"),)
    return ()


def _person_checks(person: Person, *, today: date) -> Found:
    document, birth_date = person.document, person.birth_date
    if not document or not birth_date:
        return
    issued_on = document.issued_on
    if issued_on and issued_on < birth_date:
        yield ("document", "issuedOn"), "IDENTITY_ISSUED_BEFORE_BIRTH"
    elif document.kind is IdentityDocumentKind.RUSSIAN_PASSPORT:
        if not has_turned(PASSPORT_AGE_MIN, birth_date, today):
            yield ("document", "kind"), "PASSPORT_HOLDER_TOO_YOUNG"
        elif issued_on and not has_turned(PASSPORT_AGE_MIN, birth_date, issued_on):
            yield ("document", "issuedOn"), "PASSPORT_ISSUED_TOO_EARLY"
        elif issued_on and _is_expired(birth_date, issued_on, today):
            yield ("document", "issuedOn"), "PASSPORT_EXPIRED"


def _is_expired(birth_date: date, issued_on: date, today: date) -> bool:
    """Whether its holder has become 20 or 45 since, and the days of grace are over."""
    for age in PASSPORT_RENEWED_AT:
        renewed = birthday(birth_date, age)
        if issued_on < renewed and renewed + PASSPORT_GRACE < today:
            return True
    return False


def _email(is_email: IsEmail) -> Callable[[str], str]:
    @finds("EMAIL_INVALID", "TEXT_UNPRINTABLE")
    def rule(typed: str) -> str:
        email = formats.prose(typed, EMAIL_LENGTH_MAX, "EMAIL_INVALID")
        if is_email(email):
            return email
        raise Broken("EMAIL_INVALID")

    return rule
