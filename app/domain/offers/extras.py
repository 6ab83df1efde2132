"""Extras: what an insurer sells together with the policy, and the bounds of it."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec

from app.domain.errors import InsurerProtocol
from app.domain.money import PREMIUM_MAX
from app.domain.offers.offer_bounds import Bound, field_bounds, in_kopecks, plain_code, visible_text

EXTRAS_MAX: Final = 20
EXTRA_NAME_LENGTH_MAX: Final = 100


def extra_name(text: str) -> str | None:
    """The name as a customer sees it; None if there is nothing to see, or too much."""
    shown = visible_text(text) if isinstance(text, str) else None  # pyright: ignore[reportUnnecessaryIsInstance]
    return shown if shown is not None and len(shown) <= EXTRA_NAME_LENGTH_MAX else None


def extra_price(amount: Decimal) -> Decimal | None:
    """Roubles with two decimals, 0 included; None if it is no such amount."""
    if not isinstance(amount, Decimal) or not amount.is_finite() or not 0 <= amount <= PREMIUM_MAX:  # pyright: ignore[reportUnnecessaryIsInstance]
        return None
    try:
        return in_kopecks(amount.copy_abs() if amount.is_signed() else amount)  # a zero may have a sign
    except InsurerProtocol:
        return None


def extra_flag(flag: bool) -> bool | None:  # noqa: FBT001 - the value that is read
    """The flag itself; None if it is none."""
    return flag if isinstance(flag, bool) else None  # pyright: ignore[reportUnnecessaryIsInstance]


class Extra(msgspec.Struct, frozen=True, kw_only=True, rename={"is_mandatory": "mandatory"}, gc=False):
    """One extra, as JSON has it in answers, rows and events; `price` is in roubles."""

    code: Annotated[str, Bound(plain_code)]
    name: Annotated[str, Bound(extra_name)]
    price: Annotated[Decimal, Bound(extra_price)]
    is_mandatory: Annotated[bool, Bound(extra_flag)] = False
    """The policy is not sold without it."""


EXTRA_BOUNDS: Final = field_bounds(Extra)


def offer_extras(extras: Iterable[Extra]) -> tuple[Extra, ...]:
    """All of them, or none where one is out of its bounds or they are too many: a list with a gap would mislead."""
    if not isinstance(extras, tuple | list) or len(extras) > EXTRAS_MAX:
        return ()
    read = [_bounded(extra) for extra in extras]
    return tuple(extra for extra in read if extra is not None) if None not in read else ()


def mandatory_price(extras: Iterable[Extra]) -> Decimal:
    """The price of all mandatory extras."""
    return sum((extra.price for extra in extras if extra.is_mandatory), start=Decimal(0))


def _bounded(extra: Any) -> Extra | None:
    if not isinstance(extra, Extra):
        return None
    values = {name: read(getattr(extra, name)) for name, read, _ in EXTRA_BOUNDS}
    if None in values.values():
        return None
    # By identity: decimals of one value are equal in every writing, also in one of a million zeros.
    return extra if all(value is getattr(extra, name) for name, value in values.items()) else Extra(**values)
