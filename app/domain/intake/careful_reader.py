"""Reads an input object by its table and collects every problem with its path, so that a caller can mend all at once.

Its input is a mapping as JSON has it, or with GraphQL's scalars parsed already.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, cast

from app.domain.errors import Problem
from app.domain.intake.field_table import BROKEN, TEXTS, Field, ListTable, ObjectTable, Path
from app.domain.intake.formats import Broken, parse_date, parse_decimal, parse_moment
from app.domain.intake.problems import problem

_TYPE_INVALID: Final = "TYPE_INVALID"
_PARSERS: Final[Any] = {date: parse_date, datetime: parse_moment, Decimal: parse_decimal}


def read_carefully(table: ObjectTable, raw: object, path: Path = ()) -> tuple[Any, list[Problem]]:
    """The value, and every problem of it; with problems, parts of the value are `BROKEN`."""
    problems: list[Problem] = []
    return _object(table, raw, path, problems), problems


def _object(table: ObjectTable, raw: object, path: Path, problems: list[Problem]) -> Any:
    if raw is None:
        return _refuse("REQUIRED", path, problems)
    if not isinstance(raw, Mapping):
        return _refuse(_TYPE_INVALID, path, problems)
    given = cast("Mapping[str, object]", raw)
    values: dict[str, Any] = {}
    # A rule may be chosen by a field that stands behind its own.
    for field in sorted(table.fields, key=lambda field: bool(field.given)):
        values[field.attribute] = _field(field, given.get(field.key), values, (*path, field.key), problems)
    made = table.make(**values)
    for below, code in table.checks(made):
        place = (*path, *below)
        if all(known.path != place for known in problems):
            problems.append(problem(place, code))
    return made


def _field(field: Field, value: object, values: Mapping[str, Any], path: Path, problems: list[Problem]) -> Any:
    if value is None:
        return _refuse("REQUIRED", path, problems) if field.is_required else field.default
    try:
        read = _of_kind(field.kind, value, path, problems)
        if read is BROKEN:
            return BROKEN
        chosen_by = [values[name] for name in field.given]
        if any(value is BROKEN for value in chosen_by):
            return read
        rule = field.rule(*chosen_by) if field.given else field.rule
        return rule(read)
    except Broken as broken:
        return _refuse(broken.code, path, problems)


def _of_kind(kind: Any, value: object, path: Path, problems: list[Problem]) -> Any:
    if isinstance(kind, ObjectTable):
        return _object(kind, value, path, problems)
    if isinstance(kind, ListTable):
        return _list(kind, value, path, problems)
    plain = str if kind in TEXTS else kind
    read = _parsed(value, plain)
    # Neither a bool is a number here nor a moment a date, although Python has it so.
    if type(read) is not plain:
        raise Broken(_TYPE_INVALID)
    return read


def _list(table: ListTable, value: object, path: Path, problems: list[Problem]) -> Any:
    if type(value) is not list:
        raise Broken(_TYPE_INVALID)
    items = table.rule(cast("list[object]", value))
    field = Field("item", table.item)
    return tuple([_field(field, item, {}, (*path, str(place)), problems) for place, item in enumerate(items)])


def _parsed(value: object, kind: type) -> object:
    """A value of the kind where JSON can only write another: a date, a moment, a decimal number and an enum as text, 2021 as 2021.0."""
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if type(value) is not str or kind is str:
        return value
    if kind in _PARSERS:
        return _PARSERS[kind](value)
    if issubclass(kind, Enum) and value in kind.__members__:
        return kind[value]
    return value


def _refuse(code: str, path: Path, problems: list[Problem]) -> Any:
    problems.append(problem(path, code))
    return BROKEN
