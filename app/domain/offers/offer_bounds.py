"""The bound of each value that an insurer sends: what is kept of it, and in which form.

`app.domain.quote.Offer` declares one for each of its fields and applies them when it is made: to what any adapter reads, and
to rows and events of older releases. A bound returns its own results unchanged. Links have theirs in `app.domain.offers.links`.
"""

import operator
import re
import unicodedata
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, cast, get_type_hints

import msgspec

from app.domain.errors import InsurerProtocol
from app.domain.money import KOPECK, PREMIUM_MAX, RUB, Money
from app.domain.offers.coefficients import Coefficients, DriverCoefficients

NUMBER_LENGTH_MAX: Final = 128
SEALED_LENGTH_MAX: Final = 4096
MARKS_MAX: Final = 2
"""Combining marks on one letter."""
FACTOR_DIGITS_MAX: Final = 12
FACTOR_EXPONENT_MIN: Final = -6
FACTOR_EXPONENT_MAX: Final = 4
VALID_UNTIL_MIN: Final = datetime(2000, 1, 1, tzinfo=UTC)
VALID_UNTIL_MAX: Final = datetime(2100, 1, 1, tzinfo=UTC)
STARTS_ON_MIN: Final = VALID_UNTIL_MIN.date()
STARTS_ON_MAX: Final = VALID_UNTIL_MAX.date()
DRIVERS_MAX: Final = 50
TOTAL_MAX: Final = 21 * PREMIUM_MAX
"""The largest premium with as many extras as an offer may have, each as dear."""

_FACTORS: Final = tuple(name for name in Coefficients.__struct_fields__ if name != "drivers")
_factors_of: Final = attrgetter(*_FACTORS)
_PLAIN_LENGTH_MAX: Final = 7
_TEXT_LENGTH_READ_MAX: Final = 8 * NUMBER_LENGTH_MAX
"""A longer text is refused before anything is normalised."""
_CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# Unicode's Default_Ignorable_Code_Point, the blank of Braille, the null notehead: drawn as nothing in every font.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True, slots=True)
class Bound:
    """How a field is read: `read` returns the value within its bound, None to leave an optional field out.

    For a field that is required `read` raises `InsurerProtocol` instead.
    """

    read: Callable[[Any], Any]


FieldBound = tuple[str, Callable[[Any], Any], bool]
"""A field, how it is read, and whether it may be left out."""


def field_bounds(kind: type) -> tuple[FieldBound, ...]:
    """The bounds that a dataclass or a struct declares: one for each of its fields, in their annotations.

    Raises:
        TypeError: a field has none.
    """
    hints = get_type_hints(kind, include_extras=True)
    found: list[FieldBound] = []
    for name, is_optional in _fields_of(kind):
        bounds = [extra for extra in getattr(hints[name], "__metadata__", ()) if isinstance(extra, Bound)]
        if len(bounds) != 1:
            raise TypeError(f"{kind.__qualname__}.{name}: declare one Bound")
        found.append((name, bounds[0].read, is_optional))
    return tuple(found)


def _fields_of(kind: type) -> list[tuple[str, bool]]:
    """The names of its fields, and whether they may be left out."""
    if issubclass(kind, msgspec.Struct):
        return [(field.name, not field.required) for field in msgspec.structs.fields(kind)]
    return [(field.name, field.default is not MISSING) for field in fields(cast("Any", kind))]


def visible_text(text: str) -> str | None:
    """The text as a reader sees it: composed, single blanks, no invisible characters, few combining marks.

    None if there is nothing to see, or something that cannot be printed.
    """
    if len(text) > _TEXT_LENGTH_READ_MAX:
        return None
    composed = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    shown = " ".join(_few_marks(composed).split())
    return shown if shown and shown.isprintable() else None


def offer_number(number: str) -> str:
    """The number of an offer, visible and short.

    Raises:
        InsurerProtocol: it cannot be one.
    """
    if isinstance(number, str):  # pyright: ignore[reportUnnecessaryIsInstance] - adapters of other packages
        if number.isascii() and number.isprintable() and " " not in number and 1 <= len(number) <= NUMBER_LENGTH_MAX:
            return number
        shown = visible_text(number)
        if shown is not None and len(shown) <= NUMBER_LENGTH_MAX:
            return shown
    raise InsurerProtocol("number: not one")


def premium_amount(amount: Decimal) -> Decimal:
    """The amount in roubles with two decimals; zeros behind the kopecks are dropped.

    Raises:
        InsurerProtocol: it is no such amount, or out of range.
    """
    if not isinstance(amount, Decimal) or not amount.is_finite():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InsurerProtocol("premium: not an amount of roubles and kopecks")
    if not 0 < amount <= PREMIUM_MAX:
        raise InsurerProtocol("premium: out of range")
    return in_kopecks(amount)


def in_kopecks(amount: Decimal) -> Decimal:
    """A finite amount within its bounds with two decimals; zeros behind the kopecks are dropped.

    Raises:
        InsurerProtocol: there are parts of a kopeck.
    """
    if amount.same_quantum(KOPECK):
        return amount
    exact = amount.quantize(KOPECK)
    if exact != amount:
        raise InsurerProtocol("premium: not an amount of roubles and kopecks")
    return exact


def offer_total(amount: Decimal) -> Decimal | None:
    """The amount that the customer pays, in roubles with two decimals; None if it is no such amount."""
    if not isinstance(amount, Decimal) or not amount.is_finite() or not 0 < amount <= TOTAL_MAX:  # pyright: ignore[reportUnnecessaryIsInstance]
        return None
    try:
        return in_kopecks(amount)
    except InsurerProtocol:
        return None


def offer_premium(premium: Money) -> Money:
    """As `premium_amount`, in roubles."""
    if not isinstance(premium, Money) or premium.currency != RUB:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InsurerProtocol("premium: not an amount of roubles and kopecks")
    amount = premium_amount(premium.amount)
    return premium if amount is premium.amount else Money(amount, RUB)


def offer_coefficients(coefficients: Coefficients) -> Coefficients | None:
    """The coefficients, None unless each of them is a factor: they explain a premium together or not at all."""
    if not isinstance(coefficients, Coefficients):  # pyright: ignore[reportUnnecessaryIsInstance]
        return None
    changed: dict[str, Any] = {}
    if not all(map(_is_plain, _factors_of(coefficients))):
        given = {name: getattr(coefficients, name) for name in _FACTORS}
        kept = {name: _factor(factor) for name, factor in given.items()}
        if None in kept.values():
            return None
        changed = {name: factor for name, factor in kept.items() if factor is not given[name]}
    if coefficients.drivers is not None:
        drivers = _driver_factors(coefficients.drivers)
        if drivers is not coefficients.drivers:
            changed["drivers"] = drivers
    return msgspec.structs.replace(coefficients, **changed) if changed else coefficients


def offer_start(day: date) -> date | None:
    """The first insured day, None outside of the window of years."""
    if not isinstance(day, date) or isinstance(day, datetime):  # pyright: ignore[reportUnnecessaryIsInstance]
        return None
    return day if STARTS_ON_MIN <= day < STARTS_ON_MAX else None


def offer_moment(moment: datetime) -> datetime | None:
    """The moment in UTC, None outside of the window of years and without an offset."""
    if not isinstance(moment, datetime):  # pyright: ignore[reportUnnecessaryIsInstance]
        return None
    # Years first: at the edges of the calendar `astimezone` raises OverflowError.
    if not VALID_UNTIL_MIN.year - 1 <= moment.year <= VALID_UNTIL_MAX.year or moment.utcoffset() is None:
        return None
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc if VALID_UNTIL_MIN <= utc < VALID_UNTIL_MAX else None


def sealed_link(text: str) -> str | None:
    """A sealed link, as `app.postgres.link_cipher` writes it; it writes no longer ones."""
    if not isinstance(text, str) or not 1 <= len(text) <= SEALED_LENGTH_MAX:  # pyright: ignore[reportUnnecessaryIsInstance]
        return None
    return text if text.isascii() and text.isprintable() and " " not in text else None


def plain_code(text: str | None) -> str | None:
    """An insurer's own code if it is one; free text may echo personal data and is dropped."""
    return text if isinstance(text, str) and _CODE.fullmatch(text) else None


def _driver_factors(drivers: Any) -> tuple[DriverCoefficients, ...] | None:
    """The factors of all drivers, None where one is no factor or they are too many; the premium's own stay."""
    if not isinstance(drivers, tuple) or len(cast("tuple[Any, ...]", drivers)) > DRIVERS_MAX:
        return None
    given, kept = cast("tuple[Any, ...]", drivers), list[DriverCoefficients]()
    for driver in given:
        if not isinstance(driver, DriverCoefficients):
            return None
        bonus_malus, age_experience = _factor(driver.bonus_malus), _factor(driver.age_experience)
        if bonus_malus is None or age_experience is None:
            return None
        is_unchanged = bonus_malus is driver.bonus_malus and age_experience is driver.age_experience
        kept.append(
            driver if is_unchanged else DriverCoefficients(bonus_malus=bonus_malus, age_experience=age_experience)
        )
    return given if all(map(operator.is_, kept, given)) else tuple(kept)


def _few_marks(text: str) -> str:
    if text.isascii():
        return text
    kept: list[str] = []
    marks = MARKS_MAX  # before the first letter there is nothing to mark
    for character in text:
        marks = marks + 1 if unicodedata.category(character)[0] == "M" else 0
        if marks <= MARKS_MAX:
            kept.append(character)
    return "".join(kept)


def _factor(factor: Any) -> Decimal | None:
    if not isinstance(factor, Decimal) or not factor.is_finite() or not 0 < factor <= PREMIUM_MAX:
        return None
    if _is_short(factor):
        return factor
    # A `numeric(20, 10)` column prints 1.8 with ten decimals: zeros behind the last place are none.
    stripped = factor.normalize()
    if stripped == stripped.to_integral_value():
        stripped = factor.to_integral_value()  # 7500, and not 7.5E+3
    return stripped if stripped == factor and _is_short(stripped) else None


def _is_plain(factor: Any) -> bool:
    """Whether it is within every bound, as nearly every factor is: a third of the time that looking at its digits takes."""
    if type(factor) is not Decimal or not factor:
        return False
    text = str(factor)
    return len(text) <= _PLAIN_LENGTH_MAX and text[0].isdigit() and "E" not in text


def _is_short(factor: Decimal) -> bool:
    _, digits, exponent = factor.as_tuple()
    is_within = isinstance(exponent, int) and FACTOR_EXPONENT_MIN <= exponent <= FACTOR_EXPONENT_MAX
    return is_within and len(digits) <= FACTOR_DIGITS_MAX
