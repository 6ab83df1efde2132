"""Numbers out of registers: VIN and the numbers that makers stamp, КЛАДР and ФИАС, INN, OGRN and КПП, policies.

A check digit that is wrong is a typing error: INN and OGRN always have one, a VIN has one in North America.
"""

import re
from typing import Final
from uuid import UUID

from app.domain.intake.formats import (
    CYRILLIC_ONLY,
    DIGITS,
    DOCUMENT_TYPED_LENGTH_MAX,
    IN_CYRILLIC,
    IN_LATIN,
    PART,
    Broken,
    finds,
    form,
    or_none_said,
)

VIN_LENGTH: Final = 17
vin: Final = or_none_said(form("VIN_INVALID", "[A-HJ-NPR-Z0-9]{17}", IN_LATIN))

# No standard rules what makers stamp: hyphens are theirs and stay; a number has at least one digit.
_PART_NUMBER: Final = f"(?=.*[0-9])[A-Z{CYRILLIC_ONLY}0-9][A-Z{CYRILLIC_ONLY}0-9/.*-]{{2,29}}"
body_number: Final = or_none_said(form("BODY_NUMBER_INVALID", _PART_NUMBER, PART))
chassis_number: Final = or_none_said(form("CHASSIS_NUMBER_INVALID", _PART_NUMBER, PART))

_REGION: Final = "(?:0[1-9]|[1-7][0-9]|83|86|87|89|90|91|92|93|94|95|99)"
"""Regions of the classifier as it stands; 80, 81, 82, 84, 85 and 88 have been merged into others."""
kladr: Final = form("KLADR_INVALID", f"{_REGION}(?:[0-9]{{9}}|[0-9]{{11}}|[0-9]{{13}}|[0-9]{{15}}|[0-9]{{17}})", DIGITS)
postal_code: Final = form("POSTAL_CODE_INVALID", "[1-9][0-9]{5}", DIGITS)
_division: Final = form("DIVISION_CODE_INVALID", "[0-9]{6}", DIGITS)
policy_series: Final = form("POLICY_SERIES_INVALID", "[А-Я]{3}", IN_CYRILLIC)
policy_digits: Final = form("POLICY_NUMBER_INVALID", "(?!0{10})[0-9]{10}", DIGITS)
kpp: Final = form("KPP_INVALID", "[0-9]{4}[0-9A-Z]{2}[0-9]{3}", IN_LATIN)
_inn: Final = form("INN_INVALID", "(?!00)[0-9]{10}", DIGITS)
_ogrn: Final = form("OGRN_INVALID", "[1-9][0-9]{12}", DIGITS)
_INN_WEIGHTS: Final = (2, 4, 10, 3, 5, 9, 4, 6, 8)


@finds("DIVISION_CODE_INVALID", "TEXT_UNPRINTABLE")
def division_code(text: str) -> str:
    """The number of the office that issued a passport, `770-001`."""
    digits = _division(text)
    return f"{digits[:3]}-{digits[3:]}"


@finds("INN_INVALID", "TEXT_UNPRINTABLE")
def inn(text: str) -> str:
    """An organisation's taxpayer number: ten digits, the last one a check digit."""
    digits = _inn(text)
    total = sum(weight * int(digit) for weight, digit in zip(_INN_WEIGHTS, digits, strict=False))
    if total % 11 % 10 == int(digits[-1]):
        return digits
    raise Broken("INN_INVALID")


@finds("OGRN_INVALID", "TEXT_UNPRINTABLE")
def ogrn(text: str) -> str:
    """An organisation's registration number: 13 digits, the last one a check digit."""
    digits = _ogrn(text)
    if int(digits[:12]) % 11 % 10 == int(digits[12]):
        return digits
    raise Broken("OGRN_INVALID")


@finds("FIAS_ID_INVALID")
def fias_id(text: str) -> str:
    """The federal address register's id, in lower case with its hyphens."""
    try:
        if len(text) <= DOCUMENT_TYPED_LENGTH_MAX:
            return str(UUID(text.strip()))
    except ValueError:
        pass
    raise Broken("FIAS_ID_INVALID")


# ISO 3780: the first character of a VIN from North America.
_NORTH_AMERICA: Final = frozenset("12345")
_VALUES: Final = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True)) | {
    digit: digit for digit in "0123456789"
}
_VIN_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_CHECK_AT: Final = 8
_ends_in_digits: Final = re.compile("[0-9]{4}$").search


def is_vin_usual(number: str) -> bool:
    """Whether a VIN ends in four digits and, where it is from North America, has the right check digit."""
    if not _ends_in_digits(number):
        return False
    if number[0] not in _NORTH_AMERICA:
        return True
    rest = sum(weight * int(_VALUES[sign]) for weight, sign in zip(_VIN_WEIGHTS, number, strict=True)) % 11
    return number[_CHECK_AT] == ("X" if rest == 10 else str(rest))  # noqa: PLR2004 - the letter stands for ten
