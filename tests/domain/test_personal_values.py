"""A personal value of the application is found wherever it stands in an insurer's text, in any writing."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from msgspec.structs import fields, replace
from support.applications import an_application

from app.domain.application import Organisation, Person
from app.domain.personal_values import VALUE_LENGTH_MIN, holds_personal_value

APPLICATION = an_application(datetime.now(UTC).date())
NOT_PERSONAL = {
    "starts_on",
    "text_version",
    "given_at",
    "make_id",
    "model_id",
    "region",
    "postal_code",
    "division_code",
}
"""The last three say where many people live."""


def leaves(value: Any) -> Iterator[tuple[str, str | date]]:
    """Every text and date of the application, with its field's name."""
    for field in fields(value):
        inner = getattr(value, field.name)
        for one in inner if isinstance(inner, tuple) else [inner]:
            if isinstance(one, msgspec.Struct):
                yield from leaves(one)
            elif isinstance(one, str | date) and not isinstance(one, Enum) and field.name not in NOT_PERSONAL:
                yield field.name, one


SHORT = {"first_name", "last_name", "middle_name", "make", "model", "house", "flat", "series"} | {
    "country",
    "citizenship",
    "registration_country",
}


def spelt(value: str | date) -> list[str]:
    if isinstance(value, date):
        return [value.isoformat(), f"{value:%d.%m.%Y}", f"{value:%m/%d/%Y}", f"{value:%Y%m%d}"]
    references = ["".join(f"&#{ord(sign)};" for sign in value), "".join(f"&#x{ord(sign):X};" for sign in value)]
    return [
        value,
        value.casefold(),
        value.upper(),
        "-".join(value),
        quote(value),
        quote(quote(value)),
        f"N{value}X",
        *references,
    ]


@pytest.mark.parametrize(("name", "value"), sorted(set(leaves(APPLICATION)), key=str))
def test_every_text_and_date_of_the_application_is_found(name: str, value: str | date) -> None:
    """A field that is added to the application and forgotten here fails."""
    if isinstance(value, str) and len(value) < VALUE_LENGTH_MIN:
        assert name in SHORT, "too short to be found alone"
        return
    for text in spelt(value):
        assert holds_personal_value(text, APPLICATION), (name, text)
        assert holds_personal_value(f"DUP-{text}.79", APPLICATION), (name, text)


@pytest.mark.parametrize(
    "text",
    [
        "4511654321 Кузнецова Мария",
        "https://ins.ru/buy?phone=79031112233&passport=4511654321",
        "DUP-4511654321.79031112233",
        "45 11 654321",
        "45\u200b11\u00ad65\u206043.21",
        "series=4511&number=654321",
        "654321 / 4511",
        "77AV567812",
        "٤٥١١٦٥٤٣٢١",
        "４５１１６５４３２１",
        "8 (903) 111-22-33",
        "9031112233",
        "K456MH799",
        "k-456-mh-799",
        "КУЗНЕЦОВА",
        "Кузнецов\u0430\u0301",
        "Илья-Кузнецов",
        "N%C2%A0%D0%9A%D1%83%D0%B7%D0%BD%D0%B5%D1%86%D0%BE%D0%B2%D0%B0",
        "xn--" + "кузнецова".encode("punycode").decode(),
        "kuznetsova(at)example.ru",
        "KUZNETSOVA",
        "08.03.1965",
        "1965_03_08",
        "ул. Лесная",
        "4511%654321",
        "4511&#654321",
        "4511--654321",
    ],
)
def test_a_value_is_found_in_any_writing(text: str) -> None:
    """Separators, invisible characters, other digits, another alphabet, an encoding, another order."""
    assert holds_personal_value(text, APPLICATION)


@pytest.mark.parametrize(
    "text",
    ["Ли Юлия", "Ан_Юлия.Ли", "ан-ли-юлия", "ЛиАнЮлия", "Юлия, дочь: Ли", "%D0%9B%D0%B8%20%D0%AE%D0%BB%D0%B8%D1%8F"],
)
def test_short_names_are_found_together_in_any_order(text: str) -> None:
    """None of them is long enough alone."""
    assert isinstance(APPLICATION.policyholder, Person)
    person = replace(APPLICATION.policyholder, last_name="Ли", first_name="Юлия", middle_name="Ан")
    assert holds_personal_value(text, replace(APPLICATION, policyholder=person))


@pytest.mark.parametrize(
    ("last_name", "first_name", "text"),
    [
        ("Семёнов", "Пётр", "Семёнов 17"),
        ("Артёмов", "Пётр", "ARTEMOB-Артемов"),
        ("Müller", "Jan", "Müller 17"),
        ("Müller", "Jan", "MULLER-17"),
        ("Ceylanoğlu", "Ali", "ceylanoglu"),
        ("Łukasz", "Jan", "lukasz-17"),
        ("Øster", "Bo", "N-Oster Bo"),
        ("Yıldız", "Ali", "yildiz 17"),
        ("Носов", "Роман", "Носов Роман"),
        ("Котов", "Антон", "KOTOB.AHTOH"),
        ("KIM", "JONG", "KIM JONG"),
        ("Li", "Weiss", "17-weiss-li"),
    ],
)
def test_a_name_is_found_in_the_alphabet_that_its_letters_fold_into(last_name: str, first_name: str, text: str) -> None:
    """Accents go, and letters that look alike become Latin ones: whether a text is ASCII is known after that alone."""
    assert isinstance(APPLICATION.policyholder, Person)
    person = replace(APPLICATION.policyholder, last_name=last_name, first_name=first_name, middle_name=None)
    assert holds_personal_value(text, replace(APPLICATION, policyholder=person))


def test_the_name_of_an_organisation_is_found_within_its_quotation_marks() -> None:
    """Also where every letter of it has a twin in Latin."""
    holder = APPLICATION.policyholder
    name = "ООО «АВТОМОТОР»"
    firm = Organisation(
        name=name, inn="7707083893", kpp=None, ogrn="1027700132195", address=holder.address, phone=None, email=None
    )
    assert holds_personal_value("N-17 ООО Автомотор", replace(APPLICATION, policyholder=firm))


@pytest.mark.parametrize(
    "text",
    ["", "N-1", "SEVER-2026-00012345", "ХХХ 0123456789", "KBM_TOO_HIGH", "NOT_IN_MY_REGION", "42", "PERSONAL", "PASSPORT",
     "REGISTRATION_CERTIFICATE", "%", "%zz", "xn--", "xn--\u00e9", "%%%25", "Мария", "Lada Vesta!"[:4], "\ud800"],
)  # fmt: skip
def test_an_honest_text_is_left_alone(text: str) -> None:
    """Enumerations too, and what cannot be decoded."""
    assert not holds_personal_value(text, APPLICATION)


def test_the_first_day_of_the_insurance_is_no_personal_value() -> None:
    """Insurers put it into the numbers of their offers."""
    assert not holds_personal_value(f"OSAGO-{APPLICATION.starts_on:%Y%m%d}-17", APPLICATION)


def test_an_application_is_folded_once_and_not_kept() -> None:
    """Another application is never taken for one that is gone."""
    holder = APPLICATION.policyholder
    assert isinstance(holder, Person)
    for number in range(50):
        made = replace(
            APPLICATION,
            policyholder=replace(
                holder,
                document=replace(holder.document, number=f"45116{number:05}"),
            ),
        )
        assert holds_personal_value(f"N-45116{number:05}", made)
        assert not holds_personal_value(f"N-45117{number:05}", made)
