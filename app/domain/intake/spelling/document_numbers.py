"""Series and numbers of documents by their kinds, each a row; those of other countries by one rule that knows no country.

No series and no number is all zeros. Spaces, hyphens and № are dropped.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.domain.application import IdentityDocumentKind, VehicleDocumentKind
from app.domain.intake.formats import (
    CYRILLIC,
    DIGITS,
    DOCUMENT_TYPED_LENGTH_MAX,
    HYPHENS,
    IN_CYRILLIC,
    LATIN,
    SPACES,
    UPPER,
    Broken,
    Parser,
    Spelling,
    broken,
    finds,
    form,
)
from app.domain.intake.spelling.countries import RUSSIA

_L: Final = f"[{CYRILLIC}]"
_NUMBER: Final = "(?!000000)[0-9]{6}"
_CARD: Final = rf"(?!0000)[0-9]{{2}}(?:[0-9]{{2}}|{_L}{{2}}){_NUMBER}"
ELECTRONIC: Final = "[1-4](?:051|112|398|417|643)(?!0{11})[0-9]{11}"
"""The kind of the vehicle, the country of the union that registered the passport, and a number."""

_ANY_LETTER: Final = "A-ZА-ЯЁІЇЄҐЎӘҒҚҢӨҰҮҺ"
_ANY: Final[Spelling] = {
    **UPPER,
    **DIGITS,
    **str.maketrans("іїєґўәғқңөұүһ", "ІЇЄҐЎӘҒҚҢӨҰҮҺ"),
    **dict.fromkeys(map(ord, "./\\"), None),
}
_to_cyrillic: Final = str.maketrans(LATIN, CYRILLIC)
_to_latin: Final = str.maketrans(CYRILLIC, LATIN)
_has_latin: Final = re.compile("[A-Z]").search
_has_cyrillic: Final = re.compile("[^A-Z0-9]").search


def foreign_number(code: str, length: tuple[int, int] = (4, 20)) -> Parser:
    """The rule of a number that no Russian office gave out: letters and digits, at least one digit, not zeros alone."""
    shortest, longest = length
    matches = re.compile(f"(?=.*[1-9])[{_ANY_LETTER}0-9]{{{shortest},{longest}}}").fullmatch

    @finds(code, "TEXT_UNPRINTABLE")
    def parse(text: str) -> str:
        if len(text) > DOCUMENT_TYPED_LENGTH_MAX:
            raise Broken(code)
        spelt = _in_one_alphabet(text.translate(_ANY))
        if matches(spelt):
            return spelt
        raise broken(text, code)

    return parse


def _in_one_alphabet(spelt: str) -> str:
    """Letters of either alphabet stay; of two alphabets in one number the look-alikes give way."""
    if not (_has_latin(spelt) and _has_cyrillic(spelt)):
        return spelt
    for spelling, other in ((_to_cyrillic, _has_latin), (_to_latin, _has_cyrillic)):
        mapped = spelt.translate(spelling)
        if not other(mapped):
            return mapped
    return spelt


_is_roman: Final = re.compile("[IVXLC]{1,8}").fullmatch
_ROMAN: Final[Spelling] = {
    **UPPER,
    **str.maketrans({"Х": "X", "С": "C", "І": "I", "П": "II", "Ш": "III", "1": "I", "У": "V", "Л": "L"}),
    **{
        ord("Ⅰ") + place: roman
        for place, roman in enumerate(["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"])
    },
}
_certificate: Final = re.compile(
    rf"([^№]{{1,12}}?)[{re.escape(HYPHENS + SPACES)}]*([А-Яа-яЁёA-Za-z]{{2}})[{re.escape(HYPHENS + SPACES)}№]*([0-9]{{6}})"
).fullmatch
_certificate_in_one: Final = re.compile("([IVXLC]{1,8})-([А-Я]{2})((?!000000)[0-9]{6})").fullmatch


@finds("BIRTH_CERTIFICATE_INVALID", "TEXT_UNPRINTABLE")
def birth_certificate(text: str) -> str:
    """A Roman numeral, a hyphen, two Russian letters, six digits: `III-МЮ123456`. Russian letters may stand for the numeral's."""
    if len(text) > DOCUMENT_TYPED_LENGTH_MAX:
        raise Broken("BIRTH_CERTIFICATE_INVALID")
    if _certificate_in_one(text):
        return text
    parts = _certificate(text.strip(SPACES))
    if parts:
        roman = re.sub(rf"[{re.escape(SPACES + HYPHENS)}]", "", parts[1]).translate(_ROMAN)
        spelt = f"{roman}-{parts[2].translate(IN_CYRILLIC)}{parts[3]}"
        if _certificate_in_one(spelt):
            return spelt
    raise broken(text, "BIRTH_CERTIFICATE_INVALID")


passport: Final = form("PASSPORT_INVALID", f"(?!0000)[0-9]{{4}}{_NUMBER}", DIGITS)
foreign_document: Final = foreign_number("IDENTITY_DOCUMENT_INVALID")
driving_license: Final = form("DRIVING_LICENSE_INVALID", _CARD, IN_CYRILLIC)
foreign_license: Final = foreign_number("DRIVING_LICENSE_INVALID")
registration_certificate: Final = form("REGISTRATION_CERTIFICATE_INVALID", _CARD, IN_CYRILLIC)
vehicle_passport: Final = form("VEHICLE_PASSPORT_INVALID", f"[0-9]{{2}}[А-Я]{{2}}{_NUMBER}", IN_CYRILLIC)
electronic_passport: Final = form("ELECTRONIC_PASSPORT_INVALID", ELECTRONIC, DIGITS)
self_propelled_passport: Final = form(
    "SELF_PROPELLED_PASSPORT_INVALID", f"[А-Я]{{2}}{_NUMBER}|{ELECTRONIC}", IN_CYRILLIC
)
self_propelled_certificate: Final = form(
    "SELF_PROPELLED_CERTIFICATE_INVALID", f"(?:[0-9]{{2}})?[А-Я]{{2}}{_NUMBER}", IN_CYRILLIC
)

OF_VEHICLES: Final[Mapping[VehicleDocumentKind, Parser]] = MappingProxyType(
    {
        VehicleDocumentKind.REGISTRATION_CERTIFICATE: registration_certificate,
        VehicleDocumentKind.PASSPORT: vehicle_passport,
        VehicleDocumentKind.ELECTRONIC_PASSPORT: electronic_passport,
        VehicleDocumentKind.SELF_PROPELLED_PASSPORT: self_propelled_passport,
        VehicleDocumentKind.SELF_PROPELLED_CERTIFICATE: self_propelled_certificate,
        VehicleDocumentKind.FOREIGN: foreign_number("FOREIGN_VEHICLE_DOCUMENT_INVALID"),
    }
)
_RUSSIAN: Final[Mapping[IdentityDocumentKind, Parser]] = MappingProxyType(
    {
        IdentityDocumentKind.RUSSIAN_PASSPORT: passport,
        IdentityDocumentKind.BIRTH_CERTIFICATE: birth_certificate,
        IdentityDocumentKind.FOREIGN_PASSPORT: foreign_document,
        IdentityDocumentKind.RESIDENCE_PERMIT: foreign_document,
        IdentityDocumentKind.TEMPORARY_RESIDENCE_PERMIT: foreign_document,
        IdentityDocumentKind.REFUGEE_CERTIFICATE: foreign_document,
    }
)


@finds("PASSPORT_INVALID", "BIRTH_CERTIFICATE_INVALID", "IDENTITY_DOCUMENT_INVALID", "TEXT_UNPRINTABLE")
def identity_document(kind: IdentityDocumentKind, country: str) -> Parser:
    """The parser of numbers that documents of this kind have in this country."""
    if country != RUSSIA and kind is not IdentityDocumentKind.RUSSIAN_PASSPORT:
        return foreign_document
    return _RUSSIAN[kind]


@finds("DRIVING_LICENSE_INVALID", "TEXT_UNPRINTABLE")
def license_of(country: str) -> Parser:
    """The parser of driving licences that this country issues."""
    return driving_license if country == RUSSIA else foreign_license


@finds("DRIVING_LICENSE_INVALID", "TEXT_UNPRINTABLE")
def any_license(text: str) -> str:
    """A licence of any country: the previous one, of which the application does not say that."""
    try:
        return driving_license(text)
    except Broken:
        return foreign_license(text)


def is_travel_passport(number: str) -> bool:
    """Whether it has the form of a Russian passport for travelling abroad: nine digits."""
    return _is_travel_passport(number) is not None


_is_travel_passport: Final = re.compile("[0-9]{9}").fullmatch
