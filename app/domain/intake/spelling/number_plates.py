"""Registration plates by their kinds, each a row: what it looks like and which vehicles have it.

The figures are those of ГОСТ Р 50577-2018, from memory. Letters are Cyrillic ones that have a Latin twin.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from app.domain.application import VehicleCategory, VehiclePurpose
from app.domain.intake.formats import (
    CYRILLIC,
    DOCUMENT_TYPED_LENGTH_MAX,
    IN_CYRILLIC,
    LATIN_ONLY,
    RUSSIAN,
    Broken,
    Spelling,
    broken,
    finds,
    is_none_said,
)
from app.domain.intake.spelling.countries import RUSSIA
from app.domain.intake.spelling.document_numbers import foreign_number

_A, _B, _C, _D = VehicleCategory.A, VehicleCategory.B, VehicleCategory.C, VehicleCategory.D
_TRACTOR: Final = VehicleCategory.TRACTOR
_ROAD: Final = frozenset({_B, _C, _D})
_DEPOT: Final = frozenset({VehicleCategory.TRAM, VehicleCategory.TROLLEYBUS})
_ALL: Final = frozenset(VehicleCategory)
_L: Final = f"[{CYRILLIC}]"


class PlateKind(NamedTuple):
    """One kind of plates. In its form `L` is a letter, `0` a digit of a number that is not all zeros, `R` the region."""

    name: str
    form: str
    categories: frozenset[VehicleCategory]
    purposes: frozenset[VehiclePurpose] = frozenset(VehiclePurpose)
    regions: str = "civil"


_PASSENGERS: Final = frozenset(
    {VehiclePurpose.TAXI, VehiclePurpose.REGULAR_ROUTES, VehiclePurpose.CHARTERED_PASSENGERS}
)
KINDS: Final = (
    PlateKind("car", "L000LLR", _ROAD),
    PlateKind("taxi", "LL000R", frozenset({_B}), _PASSENGERS),
    PlateKind("bus", "LL000R", frozenset({_D})),
    PlateKind("motorcycle", "0000LLR", frozenset({_A, _TRACTOR})),
    PlateKind("moped", "LL00LLR", frozenset({_A})),
    PlateKind("trailer", "LL0000R", frozenset({_C, _TRACTOR})),
    PlateKind("transit", "LL000LR", _ALL - _DEPOT),
    PlateKind("leaving Russia", "ТLL000R", _ALL - _DEPOT),
    PlateKind("diplomatic", "000D000R", _ROAD | {_A}),
    PlateKind("embassy's staff", "000Т000R", _ROAD | {_A}),
    PlateKind("embassy's head", "000СD0R", _ROAD | {_A}),
    PlateKind("police", "L0000R", _ROAD | {_TRACTOR}),
    PlateKind("police motorcycle", "0000LR", frozenset({_A})),
    PlateKind("military", "0000LLR", _ROAD, regions="military"),
)

# Two digits each; of three digits the last two are a region's own, behind one of the digits that have been given out.
_MILITARY: Final = (
    "10|11|12|14|15|16|17|18|19|20|21|23|25|27|29|32|34|35|39|43|45|50|54|65|67|76|81|82|83|87|91|92|93|94|95"
)
_REGIONS: Final[Mapping[str, str]] = MappingProxyType(
    {"civil": r"(?:(?:[127]?(?!00)[0-9]{2})|323|550|977|997|999)", "military": f"(?:{_MILITARY})"}
)


def _pattern(kind: PlateKind) -> str:
    """A form as a regular expression: runs of zeros are numbers, and no number is all zeros."""
    parts = re.sub(r"0+", lambda zeros: f"(?!{zeros[0]})[0-9]{{{len(zeros[0])}}}", kind.form.removesuffix("R"))
    return parts.replace("L", _L) + _REGIONS[kind.regions]


def _fullmatch(category: VehicleCategory, purpose: VehiclePurpose) -> Callable[[str], re.Match[str] | None]:
    if category in _DEPOT:  # the number that the depot paints on: no rule is known for it
        return re.compile(f"[{RUSSIAN}{LATIN_ONLY}0-9]{{1,12}}").fullmatch
    kinds = [kind for kind in KINDS if category in kind.categories and purpose in kind.purposes]
    return re.compile("|".join(map(_pattern, kinds))).fullmatch


Parser = Callable[[str], str | None]
_SPELLING: Final[Spelling] = {
    **IN_CYRILLIC,
    ord("("): None,
    ord(")"): None,
    ord("/"): None,
    ord("."): None,
    ord("|"): None,
}


def _plate(category: VehicleCategory, purpose: VehiclePurpose) -> Parser:
    matches = _fullmatch(category, purpose)

    def parse(text: str) -> str | None:
        if len(text) > DOCUMENT_TYPED_LENGTH_MAX:
            raise Broken("LICENSE_PLATE_INVALID")
        if matches(text):
            return text
        if is_none_said(text):
            return None
        spelt = _without_suffix(text.translate(_SPELLING))
        if matches(spelt):
            return spelt
        raise broken(text, "LICENSE_PLATE_INVALID")

    return parse


def _without_suffix(spelt: str) -> str:
    """Without the RUS that stands below the region: its letters have been mapped with the others."""
    return spelt[:-3] if spelt.endswith(("RUS", "РUS", "РУС")) and spelt[:-3] else spelt


_PLATES: Final = {
    (category, purpose): _plate(category, purpose) for category in VehicleCategory for purpose in VehiclePurpose
}


@finds("LICENSE_PLATE_INVALID", "TEXT_UNPRINTABLE")
def license_plate(category: VehicleCategory, purpose: VehiclePurpose, country: str) -> Parser:
    """The parser of plates that such a vehicle may have, in Cyrillic letters; a foreign plate has a form that is not known."""
    return _PLATES[category, purpose] if country == RUSSIA else _foreign_plate


_foreign: Final = foreign_number("LICENSE_PLATE_INVALID", length=(1, 15))


def _foreign_plate(text: str) -> str | None:
    return None if is_none_said(text) else _foreign(text)


_is_transit: Final = re.compile(
    "|".join(_pattern(kind) for kind in KINDS if kind.name in ("transit", "leaving Russia"))
).fullmatch


def is_transit_plate(plate: str) -> bool:
    """Whether it is a plate for the way to another place of registration."""
    return _is_transit(plate) is not None
