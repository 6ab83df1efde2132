"""Finding an application's personal values in a text that another system wrote.

A value is found in any writing: in either case, with separators in between, percent-encoded, as references of HTML or in
punycode, in Latin letters for the Cyrillic ones that look alike, names in any order. Enumerations, quantities and the first
day of the insurance identify no person and are not searched for.
"""

import re
import unicodedata
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from itertools import permutations
from typing import Final
from urllib.parse import unquote

from app.domain.application import Address, Application, Driver, Organisation, Person, Vehicle

VALUE_LENGTH_MIN: Final = 6
"""Shorter values occur by chance."""
_DECODED_MAX: Final = 3
"""Percent-encoding is undone so often."""
_DATE_DIGITS: Final = 8
_PHONE_DIGITS: Final = 10
_SERIES_DIGITS: Final = 4

_LOOK_ALIKES: Final = str.maketrans("авекмнорстухłøđħŧı", "abekmhopctyxlodhti")
"""Cyrillic letters, and Latin ones with strokes, which Unicode does not take apart."""
_PUNYCODE: Final = re.compile(r"xn--[a-z0-9-]{1,59}", re.IGNORECASE)
_SEPARATORS: Final = re.compile(r"[\W_]+")
_SEPARATORS_WITHIN: Final = re.compile(r"[^\w\n]+|_+")
_NO_DIGITS: Final = re.compile(r"\D+")
_is_foreign: Final = re.compile(r"[^\x00-\u02ff\u0400-\u0482\u048a-\u052f]").search
"""Whether anything is neither Latin nor Cyrillic."""


@dataclass(frozen=True, slots=True)
class _Values:
    """The values of an application, folded."""

    texts: str
    """Each on a line of its own."""
    people: tuple[tuple[str, ...], ...]
    """The names of each person."""

    def in_ascii(self) -> "_Values":
        """Those of them that can occur in a text of ASCII, once that is folded, too."""
        people = (tuple(filter(str.isascii, names)) for names in self.people)
        texts = "\n".join(filter(str.isascii, self.texts.split("\n")))
        return _Values(texts, tuple(names for names in people if len(names) > 1))


_kept: Final[dict[int, tuple[weakref.ref[Application], dict[bool, _Values]]]] = {}
"""By the id of an application, until that application is gone."""


def holds_personal_value(text: str, application: Application) -> bool:
    """Whether a personal value of the application occurs in the text."""
    return any(_holds(reading, application) for reading in _readings(text))


def _holds(text: str, application: Application) -> bool:
    words = _SEPARATORS.split(_folded(text))
    letters = "".join(words)
    if len(letters) < VALUE_LENGTH_MIN:
        return False
    digits = _NO_DIGITS.sub("", letters)
    values = _kept_values(application, is_ascii=letters.isascii())
    return (
        _holds_texts(letters, digits, values.texts)
        or (len(digits) >= _DATE_DIGITS and not _dates(application).isdisjoint(_dates_in(digits)))
        or any(_holds_name(letters, words, names) for names in values.people)
    )


def _holds_texts(letters: str, digits: str, values: str) -> bool:
    if not _may_hold(letters, values) and not _may_hold(digits, values):
        return False
    return any(
        len(value) >= VALUE_LENGTH_MIN and (value in letters or (value.isdecimal() and value in digits))
        for value in values.split("\n")
    )


def _may_hold(text: str, values: str) -> bool:
    """Whether the first characters of a value stand in the text. Nearly always none do."""
    return any(text[at : at + VALUE_LENGTH_MIN] in values for at in range(len(text) - VALUE_LENGTH_MIN + 1))


def _holds_name(letters: str, words: list[str], names: tuple[str, ...]) -> bool:
    """Two names beside each other in any order, or as words of their own; a long one alone is among the texts."""
    for count in range(2, len(names) + 1):
        for chosen in permutations(names, count):
            joined = "".join(chosen)
            if len(joined) >= VALUE_LENGTH_MIN and (joined in letters or set(words).issuperset(chosen)):
                return True
    return False


def _kept_values(application: Application, *, is_ascii: bool) -> _Values:
    """The values, made once for as long as the application is in memory: a dozen insurers answer about it."""
    key = id(application)
    if key not in _kept:
        values = _Values(_texts(application), tuple(map(_names, _persons(application))))
        _kept[key] = (
            weakref.ref(application, lambda _: _kept.pop(key, None)),
            {False: values, True: values.in_ascii()},
        )
    return _kept[key][1][is_ascii]


def _texts(application: Application) -> str:
    """All texts of the application, folded, each on a line of its own."""
    raw = _texts_of_vehicle(application.vehicle)
    for person in _persons(application):
        raw += _texts_of_person(person)
    for party in _parties(application):
        raw += _texts_of_party(party)
    if application.previous_policy:
        raw.append(application.previous_policy.number)
    return _SEPARATORS_WITHIN.sub("", _folded("\n".join(filter(None, raw))))


def _names(person: Person | Driver) -> tuple[str, ...]:
    names = filter(None, (person.last_name, person.first_name, person.middle_name))
    return tuple(_SEPARATORS.sub("", _folded(name)) for name in names)


def _parties(application: Application) -> list[Person | Organisation]:
    holder, owner = application.policyholder, application.owner
    return [holder] if owner == holder else [owner, holder]


def _persons(application: Application) -> list[Person | Driver]:
    people = [party for party in _parties(application) if isinstance(party, Person)]
    return [*people, *(application.drivers or ())]


def _texts_of_vehicle(vehicle: Vehicle) -> list[str | None]:
    number = vehicle.document.number
    texts = [
        vehicle.vin,
        vehicle.license_plate,
        vehicle.body_number,
        vehicle.chassis_number,
        vehicle.make,
        vehicle.model,
    ]
    return [*texts, number, _NO_DIGITS.sub("", number)]


def _texts_of_person(person: Person | Driver) -> list[str | None]:
    """Of a document's number also its digits with the series behind, of names also their words."""
    texts: list[str | None] = [person.last_name, person.first_name, person.middle_name]
    if isinstance(person, Driver):
        texts += _texts_of_number(person.license.number)
        if person.previous_license:
            texts += [*_texts_of_number(person.previous_license.number), person.previous_license.last_name]
    else:
        texts += [*_texts_of_number(person.document.number), person.document.issued_by]
    return texts + _SEPARATORS.split(" ".join(filter(None, texts[:3])))


def _texts_of_number(number: str) -> list[str]:
    return [number, number[_SERIES_DIGITS:] + number[:_SERIES_DIGITS], _NO_DIGITS.sub("", number)]


def _texts_of_party(party: Person | Organisation) -> list[str | None]:
    """How it is reached; of addresses also their words."""
    texts: list[str | None] = [party.phone and party.phone[-_PHONE_DIGITS:]]
    texts += [party.email, party.email and party.email.partition("@")[0], *_texts_of_address(party.address)]
    if isinstance(party, Organisation):
        texts += [party.name, party.inn, party.ogrn]
    return texts


def _texts_of_address(address: Address) -> list[str | None]:
    parts = [address.settlement, address.street]
    return [address.kladr, address.text, address.fias_id, *parts, *_SEPARATORS.split(address.text)]


def _dates(application: Application) -> frozenset[str]:
    moments = [application.vehicle.document.issued_on]
    for person in _persons(application):
        issued_on = person.license.issued_on if isinstance(person, Driver) else person.document.issued_on
        moments += [person.birth_date, issued_on] if issued_on else [person.birth_date]
        moments += [person.driving_since] if isinstance(person, Driver) else []
    return frozenset(moment.isoformat() for moment in moments)


def _dates_in(digits: str) -> Iterator[str]:
    """Digits that may be a date: year, month and day, the other way round, or month, day and year."""
    for at in range(len(digits) - _DATE_DIGITS + 1):
        part = digits[at : at + _DATE_DIGITS]
        yield f"{part[:4]}-{part[4:6]}-{part[6:]}"
        yield f"{part[4:]}-{part[2:4]}-{part[:2]}"
        yield f"{part[4:]}-{part[:2]}-{part[2:4]}"


def _readings(text: str) -> Iterator[str]:
    """The text as it stands, and decoded step by step: what looks encoded may be a separator beside digits."""
    yield text
    for _ in range(_DECODED_MAX):
        if "%" not in text:
            break
        text = unquote(text)
        yield text
    if "&#" in text:
        text = unescape(text)
        yield text
    if "--" in text:
        yield _PUNYCODE.sub(_of_punycode, text)


def _of_punycode(label: re.Match[str]) -> str:
    try:
        return label[0][len("xn--") :].encode("ascii").decode("punycode")
    except UnicodeError:
        return label[0]


def _folded(text: str) -> str:
    """Every way of writing a letter or a digit, as one."""
    text = text.casefold()
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKD", text).casefold()
    if _is_foreign(text):
        text = "".join(map(_plain_sign, text))
    return text.translate(_LOOK_ALIKES)


def _plain_sign(sign: str) -> str:
    """Accents and invisible characters are dropped; other scripts' digits become ours."""
    if sign == "\n":
        return sign
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    return "" if unicodedata.category(sign)[0] in "MC" else sign
