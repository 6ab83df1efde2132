"""Reads an input object by its table in one go, and stops at the first thing that is wrong or rare.

Its input is plain JSON. What it takes is valid GraphQL input, too: no field that the table does not have, no null where GraphQL
allows none. `careful_reader` reads the rest by the same table and finds out what it is.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from app.domain.intake.field_table import REQUIRED, Identifier, ListTable, ObjectTable, no_checks, same
from app.domain.intake.formats import Broken, parse_date, parse_decimal

RARE_OR_WRONG: Final = "RARE_OR_WRONG"
INT_MAX: Final = 2**31 - 1
"""The largest of GraphQL's integers."""
_ABSENT: Final = object()


def read_fast(table: ObjectTable, raw: dict[str, Any]) -> Any:  # noqa: C901 - a call for each field would cost a third more
    """The value, exactly as the careful reader would have made it.

    Raises:
        Broken: read it with care.
    """
    given = raw.get
    left = len(raw)
    values = list(table.defaults)
    for place, key, json_type, convert, rule, chosen_by in table.steps or _prepare(table):
        value = given(key, _ABSENT)
        if value is _ABSENT:
            if values[place] is REQUIRED:
                raise Broken(RARE_OR_WRONG)
            continue
        left -= 1
        if type(value) is not json_type:
            if value is None and values[place] is None:
                continue
            raise Broken(RARE_OR_WRONG)
        if convert is not None:
            value = convert(value)
        if chosen_by is not None:
            value = rule(*[values[each] for each in chosen_by])(value)
        elif rule is not None:
            value = rule(value)
        values[place] = value
    if left or (table.is_one_of and len(raw) != 1):
        raise Broken(RARE_OR_WRONG)
    made = table.make(*values)
    if table.checks is not no_checks:
        for _ in table.checks(made):
            raise Broken(RARE_OR_WRONG)
    return made


def _prepare(table: ObjectTable) -> tuple[Any, ...]:
    """The steps of a table, made when it is read for the first time; a rule that other fields choose comes last."""
    places = {field.attribute: place for place, field in enumerate(table.fields)}
    ordered = sorted(table.fields, key=lambda field: bool(field.given))
    table.steps = tuple(
        (
            places[field.attribute],
            field.key,
            *_conversion(field.kind),
            None if field.rule is same else field.rule,
            tuple(places[name] for name in field.given) or None,
        )
        for field in ordered
    )
    return table.steps


def _conversion(kind: Any) -> tuple[type, Callable[[Any], Any] | None]:
    """The type that JSON has for a kind, and the function that makes a value of the kind of it, or raises `Broken`."""
    if isinstance(kind, ObjectTable):
        return dict, partial(read_fast, kind)
    if isinstance(kind, ListTable):
        return list, partial(_list, *_conversion(kind.item), kind.rule)
    if kind in _CONVERSIONS:
        return _CONVERSIONS[kind]
    return str, partial(_member, kind.__members__)


def _list(
    json_type: type, convert: Callable[[Any], Any] | None, rule: Callable[[list[Any]], list[Any]], value: list[Any]
) -> tuple[Any, ...]:
    items = rule(value)
    for item in items:
        if type(item) is not json_type:
            raise Broken(RARE_OR_WRONG)
    return tuple([convert(item) for item in items] if convert else items)


def _member(members: Mapping[str, Enum], name: str) -> Enum:
    try:
        return members[name]
    except KeyError:
        raise Broken(RARE_OR_WRONG) from None


def _integer(number: int) -> int:
    if -INT_MAX - 1 <= number <= INT_MAX:
        return number
    raise Broken(RARE_OR_WRONG)


_CONVERSIONS: Final[Mapping[Any, tuple[type, Callable[[Any], Any] | None]]] = MappingProxyType(
    {
        str: (str, None),
        Identifier: (str, None),
        date: (str, parse_date),
        Decimal: (str, parse_decimal),
        int: (int, _integer),
        bool: (bool, None),
    }
)
