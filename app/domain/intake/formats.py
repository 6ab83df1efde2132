"""How single values are written: each parser takes what people type and returns the one spelling, or raises `Broken`.

Spaces and hyphens are dropped, lower case is raised, and letters that look alike in both alphabets become those of
the document. The numbers of documents, plates and registers are in `app.domain.intake.spelling`; what a value means beside
others (its dates, its owner's age) is a table's to know.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, TypeVar

Parser = Callable[[str], str]

DOCUMENT_TYPED_LENGTH_MAX: Final = 64
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


LATIN: Final = "ABEKMHOPCTYX"
CYRILLIC: Final = "АВЕКМНОРСТУХ"
SPACES: Final = " \u00a0\u2007\u2009\u202f"
HYPHENS: Final = "-\u2010\u2011\u2012\u2013\u2014\u2212"
RUSSIAN: Final = "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ"
_ENGLISH: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LATIN_ONLY: Final = "".join(letter for letter in _ENGLISH if letter not in LATIN)
CYRILLIC_ONLY: Final = "".join(letter for letter in RUSSIAN if letter not in CYRILLIC)

Spelling = Mapping[int, int | str | None]

# Tables and not str.upper(), which makes ASCII letters of foreign ones: "ſ" would become "S".
UPPER: Final[Spelling] = str.maketrans(RUSSIAN.lower() + _ENGLISH.lower(), RUSSIAN + _ENGLISH)
DIGITS: Final[Spelling] = str.maketrans("", "", SPACES + HYPHENS + "№")
IN_CYRILLIC: Final[Spelling] = {**UPPER, **DIGITS, **str.maketrans(LATIN + LATIN.lower(), CYRILLIC * 2)}
IN_LATIN: Final[Spelling] = {**UPPER, **DIGITS, **str.maketrans(CYRILLIC + CYRILLIC.lower(), LATIN * 2)}
PART: Final[Spelling] = {**IN_LATIN, **dict.fromkeys(map(ord, HYPHENS), "-")}
_PHONE: Final[Spelling] = str.maketrans("", "", SPACES + HYPHENS + "().")
PROSE: Final[Spelling] = dict.fromkeys(map(ord, SPACES), " ")


def form(code: str, pattern: str, spelling: Spelling) -> Parser:
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
        raise broken(text, code)

    return parse


def broken(text: str, code: str) -> Broken:
    """The problem of a short text. A text with invisible marks looks well-formed; NUL never comes by pasting."""
    is_typed = "\x00" in text or text.translate(PROSE).isprintable()
    return Broken(code if is_typed else "TEXT_UNPRINTABLE")


# +7 has exactly ten digits more. No country has +89: it is a Russian 8 behind a superfluous plus.
_E164: Final = r"\+(?:7[3-9][0-9]{9}|(?!7|89)[1-9][0-9]{7,14})"
_is_e164: Final = re.compile(_E164).fullmatch
_e164: Final = form("PHONE_INVALID", _E164, {})


@finds("PHONE_INVALID", "TEXT_UNPRINTABLE")
def phone(text: str) -> str:
    """E.164. Without a plus it is Russian: ten digits, or eleven of which the first is 7 or 8."""
    if len(text) > DOCUMENT_TYPED_LENGTH_MAX:
        raise Broken("PHONE_INVALID")
    if _is_e164(text):
        return text
    typed = text.translate(_PHONE)
    if not typed.isprintable():
        raise broken(typed, "PHONE_INVALID")
    if typed.startswith("+"):
        return _e164(typed)
    return _e164("+7" + (typed[1:] if len(typed) == len("89160000000") and typed[0] in "78" else typed))


def prose(text: str, length_max: int, code: str) -> str:
    """Free text without spaces around it; neither empty nor too long, and nothing in it that cannot be seen.

    NUL and lone surrogates would break a whole batch in PostgreSQL; `str.isprintable` knows both, and more.
    """
    if len(text) > TEXT_TYPED_LENGTH_MAX:
        raise Broken(code)
    if not text.isprintable():
        text = text.translate(PROSE)
        if not text.isprintable():
            raise Broken("TEXT_UNPRINTABLE")
    stripped = text.strip()
    if not 1 <= len(stripped) <= length_max:
        raise Broken(code)
    return stripped


_SCALAR_LENGTH_MAX: Final = 64
"""The part of a wrong date or number that is looked at."""
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
    raise broken(text[:_SCALAR_LENGTH_MAX], "DATE_INVALID")


@finds("DECIMAL_INVALID", "TEXT_UNPRINTABLE")
def parse_decimal(text: str) -> Decimal:
    """At most 15 ASCII digits and 10 behind a point; neither an exponent nor an underscore nor infinity."""
    if not _is_decimal(text):
        raise broken(text[:_SCALAR_LENGTH_MAX], "DECIMAL_INVALID")
    return Decimal(text)


_is_moment: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
).fullmatch
_MOMENT_USUAL: Final = len("2026-11-28T12:30:00.123456+03:00")
_MICROSECONDS: Final = re.compile(r"(?<=\.[0-9]{6})[0-9]+")


@finds("DATE_TIME_INVALID", "TEXT_UNPRINTABLE")
def parse_moment(text: str) -> datetime:
    """A moment of ISO 8601 with its offset, in UTC; digits behind the microsecond are dropped."""
    if _is_moment(text):
        try:
            text = text if len(text) <= _MOMENT_USUAL else _MICROSECONDS.sub("", text)
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise broken(text[:_SCALAR_LENGTH_MAX], "DATE_TIME_INVALID") from None


def or_none(parse: Parser) -> Callable[[str], str | None]:
    """The same parser, for a field that people leave empty without leaving it out: a blank text is none."""

    @finds(*getattr(parse, "codes", ()))
    def rule(text: str) -> str | None:
        try:
            return parse(text)
        except Broken:
            if text.strip(SPACES):
                raise
            return None

    return rule


_NONE_SAID: Final = frozenset(
    (
        "",
        "нет",
        "нету",
        "отсутствует",
        "отсутствуют",
        "неимеет",
        "неимеется",
        "безномера",
        "бн",
        "неуказано",
        "none",
        "no",
        "null",
    )
)
_NOT_SAID: Final = str.maketrans("", "", SPACES + HYPHENS + "./_")


def is_none_said(text: str) -> bool:
    """Whether a text says that there is nothing: empty, hyphens, `нет`, `отсутствует`, `б/н` and the like."""
    return len(text) <= DOCUMENT_TYPED_LENGTH_MAX and text.translate(_NOT_SAID).casefold() in _NONE_SAID


def or_none_said(parse: Parser) -> Callable[[str], str | None]:
    """The same parser, for a number that a vehicle may lack, as its papers say in words."""

    @finds(*getattr(parse, "codes", ()))
    def rule(text: str) -> str | None:
        try:
            return parse(text)
        except Broken:
            if is_none_said(text):
                return None
            raise

    return rule
