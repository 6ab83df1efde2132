"""How single values are written: each parser takes what people type and returns the one spelling, or raises `Broken`.

Spaces and hyphens are dropped, lower case is raised, and letters that look alike in both alphabets become those of
the document. What a value means beside others (its dates, its owner's age) is `app.domain.intake.application_table`'s.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final, TypeVar

from app.domain.application import VehicleCategory, VehiclePurpose

Parser = Callable[[str], str]

DOCUMENT_TYPED_LENGTH_MAX: Final = 64
NAME_LENGTH_MAX: Final = 50
TEXT_TYPED_LENGTH_MAX: Final = 1000


class Broken(ValueError):
    """A value that cannot be read. `code` says what it should have been; the value itself is nowhere in it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


AnyRule = TypeVar("AnyRule", bound=Callable[..., object])


def finds(*codes: str) -> Callable[[AnyRule], AnyRule]:
    """Marks a rule with the codes of the problems that it may find, for the tables of fields."""

    def mark(rule: AnyRule) -> AnyRule:
        vars(rule)["codes"] = codes
        return rule

    return mark


_LATIN: Final = "ABEKMHOPCTYX"
_CYRILLIC: Final = "АВЕКМНОРСТУХ"
_SPACES: Final = " \u00a0\u2007\u2009\u202f"
_HYPHENS: Final = "-\u2010\u2011\u2012\u2013\u2014\u2212"
_RUSSIAN: Final = "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ"
_ENGLISH: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LATIN_ONLY: Final = "".join(letter for letter in _ENGLISH if letter not in _LATIN)
_CYRILLIC_ONLY: Final = "".join(letter for letter in _RUSSIAN if letter not in _CYRILLIC)

Spelling = Mapping[int, int | str | None]

# Tables and not str.upper(), which makes ASCII letters of foreign ones: "ſ" would become "S".
_UPPER: Final[Spelling] = str.maketrans(_RUSSIAN.lower() + _ENGLISH.lower(), _RUSSIAN + _ENGLISH)
_DIGITS: Final[Spelling] = str.maketrans("", "", _SPACES + _HYPHENS + "№")
_IN_CYRILLIC: Final[Spelling] = {**_UPPER, **_DIGITS, **str.maketrans(_LATIN + _LATIN.lower(), _CYRILLIC * 2)}
_IN_LATIN: Final[Spelling] = {**_UPPER, **_DIGITS, **str.maketrans(_CYRILLIC + _CYRILLIC.lower(), _LATIN * 2)}
_PART: Final[Spelling] = {**_IN_LATIN, **dict.fromkeys(map(ord, _HYPHENS), "-")}
_PHONE: Final[Spelling] = str.maketrans("", "", _SPACES + _HYPHENS + "().")
_PROSE: Final[Spelling] = dict.fromkeys(map(ord, _SPACES), " ")
_NAME: Final[Spelling] = {**_PROSE, **dict.fromkeys(map(ord, _HYPHENS), "-"), **dict.fromkeys(map(ord, "’ʼ`‘´"), "'")}


def _form(code: str, pattern: str, spelling: Spelling) -> Parser:
    """A parser of values that match a pattern once they are spelt so."""
    matches = re.compile(pattern).fullmatch

    @finds(code, "TEXT_UNPRINTABLE")
    def parse(text: str) -> str:
        if len(text) > DOCUMENT_TYPED_LENGTH_MAX:
            raise Broken(code)
        if matches(text):
            return text
        spelt = text.translate(spelling)
        if matches(spelt):
            return spelt
        raise _broken(text, code)

    return parse


def _broken(text: str, code: str) -> Broken:
    """What is wrong with a short text. With marks that no screen shows it looks as if its form were right; NUL is not pasted."""
    is_typed = "\x00" in text or text.translate(_PROSE).isprintable()
    return Broken(code if is_typed else "TEXT_UNPRINTABLE")


_L: Final = f"[{_CYRILLIC}]"
_REGION: Final = "(?!00)[0-9]{2,3}"
_CAR_PLATE: Final = rf"{_L}(?!000)[0-9]{{3}}{_L}{{2}}{_REGION}"
_YELLOW_PLATE: Final = rf"{_L}{{2}}(?!000)[0-9]{{3}}{_REGION}"
_SQUARE_PLATE: Final = rf"(?!0000)[0-9]{{4}}{_L}{{2}}{_REGION}"
_DEPOT_NUMBER: Final = f"[{_RUSSIAN}{_LATIN_ONLY}0-9]{{1,12}}"


def _plate(*patterns: str) -> Parser:
    return _form("LICENSE_PLATE_INVALID", "|".join(patterns), _IN_CYRILLIC)


# The design rules on cars, taxis and motorcycles only. Lorries have the plates of cars; yellow ones are for carriers
# of passengers, and the law requires them of no carrier; tractors share the motorcycles' pattern. Trams and trolleybuses
# have no state plate but the number that their depot paints on, so nearly anything passes there. Transit, military
# and diplomatic plates are not known here. A trailer has a plate of its own, which is no field here.
_PLATES: Final[Mapping[VehicleCategory, Parser]] = {
    VehicleCategory.A: _plate(_SQUARE_PLATE),
    VehicleCategory.B: _plate(_CAR_PLATE),
    VehicleCategory.C: _plate(_CAR_PLATE),
    VehicleCategory.D: _plate(_CAR_PLATE, _YELLOW_PLATE),
    VehicleCategory.TRACTOR: _plate(_SQUARE_PLATE),
    VehicleCategory.TRAM: _plate(_DEPOT_NUMBER),
    VehicleCategory.TROLLEYBUS: _plate(_DEPOT_NUMBER),
}
_TAXI_PLATE: Final = _plate(_CAR_PLATE, _YELLOW_PLATE)


@finds("LICENSE_PLATE_INVALID", "TEXT_UNPRINTABLE")
def license_plate(category: VehicleCategory, purpose: VehiclePurpose) -> Parser:
    """The parser of plates that such a vehicle may have, in Cyrillic letters."""
    if category is VehicleCategory.B and purpose is VehiclePurpose.TAXI:
        return _TAXI_PLATE
    return _PLATES[category]


vin: Final = _form("VIN_INVALID", "[A-HJ-NPR-Z0-9]{17}", _IN_LATIN)

# No standard rules what makers stamp: hyphens are theirs and stay; a number has at least one digit, "отсутствует" has none.
_PART_NUMBER: Final = f"(?=.*[0-9])[A-Z{_CYRILLIC_ONLY}0-9][A-Z{_CYRILLIC_ONLY}0-9/.*-]{{2,29}}"
body_number: Final = _form("BODY_NUMBER_INVALID", _PART_NUMBER, _PART)
chassis_number: Final = _form("CHASSIS_NUMBER_INVALID", _PART_NUMBER, _PART)

_CARD: Final = rf"[0-9]{{2}}(?:[0-9]{{2}}|{_L}{{2}})[0-9]{{6}}"
registration_certificate: Final = _form("REGISTRATION_CERTIFICATE_INVALID", _CARD, _IN_CYRILLIC)
driving_license: Final = _form("DRIVING_LICENSE_INVALID", _CARD, _IN_CYRILLIC)
vehicle_passport: Final = _form("VEHICLE_PASSPORT_INVALID", "[0-9]{2}[А-Я]{2}[0-9]{6}", _IN_CYRILLIC)
electronic_passport: Final = _form("ELECTRONIC_PASSPORT_INVALID", "[0-9]{15}", _DIGITS)
passport: Final = _form("PASSPORT_INVALID", "[0-9]{10}", _DIGITS)
kladr: Final = _form("KLADR_INVALID", "[0-9]{11,19}", _DIGITS)

# +7 has exactly ten digits more. No country has +89: it is a Russian 8 behind a superfluous plus.
_E164: Final = r"\+(?:7[3-9][0-9]{9}|(?!7|89)[1-9][0-9]{7,14})"
_is_e164: Final = re.compile(_E164).fullmatch
_e164: Final = _form("PHONE_INVALID", _E164, {})


@finds("PHONE_INVALID", "TEXT_UNPRINTABLE")
def phone(text: str) -> str:
    """E.164. Without a plus it is Russian: ten digits, or eleven of which the first is 7 or 8."""
    if len(text) > DOCUMENT_TYPED_LENGTH_MAX:
        raise Broken("PHONE_INVALID")
    if _is_e164(text):
        return text
    typed = text.translate(_PHONE)
    if not typed.isprintable():
        raise _broken(typed, "PHONE_INVALID")
    if typed.startswith("+"):
        return _e164(typed)
    return _e164("+7" + (typed[1:] if len(typed) == len("89160000000") and typed[0] in "78" else typed))


_LETTERS: Final = "[A-Za-zÀ-ÖØ-öø-ɏ\u0400-\u0481\u048a-\u052f]+"
_is_name: Final = re.compile(rf"'?{_LETTERS}(?:[ '-]{_LETTERS})*'?").fullmatch
_around_marks: Final = re.compile(" ?(['-]) ?").sub


@finds("NAME_INVALID", "TEXT_UNPRINTABLE")
def name(text: str) -> str:
    """A person's name: letters of either alphabet, with single spaces, hyphens and straight apostrophes between."""
    if len(text) <= NAME_LENGTH_MAX and _is_name(text):
        return text
    composed = unicodedata.normalize("NFC", prose(text, TEXT_TYPED_LENGTH_MAX, "NAME_INVALID"))
    spelt = _around_marks(r"\1", " ".join(composed.translate(_NAME).split()))
    if len(spelt) <= NAME_LENGTH_MAX and _is_name(spelt):
        return spelt
    raise Broken("NAME_INVALID")


def prose(text: str, length_max: int, code: str) -> str:
    """Free text without spaces around it; neither empty nor too long, and nothing in it that cannot be seen.

    NUL and lone surrogates would break a whole batch in PostgreSQL; `str.isprintable` knows both, and more.
    """
    if len(text) > TEXT_TYPED_LENGTH_MAX:
        raise Broken(code)
    if not text.isprintable():
        text = text.translate(_PROSE)
        if not text.isprintable():
            raise Broken("TEXT_UNPRINTABLE")
    stripped = text.strip()
    if not 1 <= len(stripped) <= length_max:
        raise Broken(code)
    return stripped


_SCALAR_LENGTH_MAX: Final = 64
"""So much of a wrong date or number is looked at."""
DECIMAL: Final = r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,10})?"
"""How a decimal number is written, as a regular expression."""
_is_decimal: Final = re.compile(DECIMAL).fullmatch


@finds("DATE_INVALID", "TEXT_UNPRINTABLE")
def parse_date(text: str) -> date:
    """`YYYY-MM-DD` in ASCII digits and nothing else of ISO 8601."""
    # Python's own parser takes weeks and dates without hyphens, too; of digits it takes none but ASCII's.
    if len(text) == len("YYYY-MM-DD") and text[4] == text[7] == "-":
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise Broken("DATE_INVALID") from None
    raise _broken(text[:_SCALAR_LENGTH_MAX], "DATE_INVALID")


@finds("DECIMAL_INVALID", "TEXT_UNPRINTABLE")
def parse_decimal(text: str) -> Decimal:
    """At most 15 ASCII digits and 10 behind a point; neither an exponent nor an underscore nor infinity."""
    if not _is_decimal(text):
        raise _broken(text[:_SCALAR_LENGTH_MAX], "DECIMAL_INVALID")
    return Decimal(text)
