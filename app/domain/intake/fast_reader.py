"""Reads an input object by its table in one go, and stops at the first thing that is wrong or rare.

Its input is plain JSON. msgspec checks all kinds at once, by a type made of the table: what it takes is valid GraphQL input, too,
without a field that the table does not have and without null where GraphQL allows none. Then the rules are applied, by a function
without loops that is written out for each table, which takes half of the time of a loop over its fields. `careful_reader` reads
the rest by the same table and finds out what it is.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.domain.intake.field_table import TEXTS, Field, ListTable, ObjectTable, no_checks, same
from app.domain.intake.formats import Broken, parse_decimal, parse_moment

RARE_OR_WRONG: Final = "RARE_OR_WRONG"
INT_MAX: Final = 2**31 - 1
"""The largest of GraphQL's integers."""
_OBJECT: Final = """\
def read(raw):
{fields}
    made = make({values})
{checks}
    return made
"""
_LIST: Final = "def read(items): return tuple([{value} for v in items])"
_CHECKS: Final = "    for _ in checks(made): raise Broken(RARE_OR_WRONG)"


class _Kind(NamedTuple):
    """How values of a kind are read: their type for msgspec, and an expression that makes of such a `v` what a rule gets."""

    form: Any
    value: str = "v"


class _Reader(NamedTuple):
    """How an object is read: its type for msgspec, and what makes the value of one."""

    form: type[msgspec.Struct]
    read: Callable[[Any], Any]


_PLAIN: Final[Mapping[Any, _Kind]] = MappingProxyType(
    {
        str: _Kind(str),
        **dict.fromkeys(TEXTS, _Kind(str)),
        date: _Kind(date),
        datetime: _Kind(str, "parse_moment(v)"),
        Decimal: _Kind(str, "parse_decimal(v)"),
        int: _Kind(Annotated[int, Meta(ge=-INT_MAX - 1, le=INT_MAX)]),
        bool: _Kind(bool),
    }
)
_NAMES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "Broken": Broken,
        "RARE_OR_WRONG": RARE_OR_WRONG,
        "UNSET": UNSET,
        "parse_decimal": parse_decimal,
        "parse_moment": parse_moment,
    }
)


def read_fast(table: ObjectTable, raw: dict[str, Any]) -> Any:
    """The value, exactly as the careful reader would have made it.

    Raises:
        Broken: read it with care.
    """
    reader = _reader(table)
    try:
        typed = msgspec.convert(raw, reader.form)
    except msgspec.ValidationError:
        raise Broken(RARE_OR_WRONG) from None
    return reader.read(typed)


@lru_cache(maxsize=8)
def _reader(table: ObjectTable) -> _Reader:
    """The reader of a table, made when it is needed for the first time."""
    return _object(table)


def _object(table: ObjectTable) -> _Reader:
    """Of a table only the number of its fields gets into the source; functions are called by generated names."""
    names: dict[str, Any] = {"make": table.make, "checks": table.checks}
    places = {field.attribute: f"v{place}" for place, field in enumerate(table.fields)}
    kinds = {field.attribute: _kind(field.kind, places[field.attribute], names) for field in table.fields}
    # A rule that other fields choose comes last.
    ordered = sorted(table.fields, key=lambda field: bool(field.given))
    lines = [_line(table, field, places, kinds[field.attribute], names) for field in ordered]
    if table.is_one_of:
        left_out = " + ".join(f"(raw.{place} is UNSET)" for place in places.values())
        lines.append(f"    if {left_out} != {len(places) - 1}: raise Broken(RARE_OR_WRONG)")
    source = _OBJECT.format(
        fields="\n".join(lines),
        values=", ".join(places.values()),
        checks="" if table.checks is no_checks else _CHECKS,
    )
    form = msgspec.defstruct(
        table.name,
        [(places[field.attribute], *_form(table, field, kinds[field.attribute])) for field in table.fields],
        rename={places[field.attribute]: field.key for field in table.fields},
        forbid_unknown_fields=True,
        kw_only=True,
        gc=False,
    )
    return _Reader(form, _function(table.name, source, names))


def _function(name: str, source: str, names: dict[str, Any]) -> Callable[[Any], Any]:
    names |= _NAMES
    exec(compile(source, f"<reader of {name}>", "exec"), names)  # noqa: S102 - of our own making, see above
    return names["read"]


def _is_nullable(table: ObjectTable, field: Field) -> bool:
    return field.default is None and not (field.is_required or table.is_one_of)


def _form(table: ObjectTable, field: Field, kind: _Kind) -> tuple[Any, ...]:
    """The type of a field, and what stands for it where it is left out."""
    if field.is_required:
        return (kind.form,)
    return (kind.form | None, None) if _is_nullable(table, field) else (kind.form | UnsetType, UNSET)


def _line(table: ObjectTable, field: Field, places: Mapping[str, str], kind: _Kind, names: dict[str, Any]) -> str:
    """The statement that reads one field into the variable of its place."""
    name, value = places[field.attribute], kind.value
    if field.given or field.rule is not same:
        names[f"rule_{name}"] = field.rule
        chosen = f"({', '.join(places[each] for each in field.given)})" if field.given else ""
        value = f"rule_{name}{chosen}({value})"
    if _is_nullable(table, field):
        value = f"None if v is None else {value}"
    elif not field.is_required:
        names[f"default_{name}"] = field.default
        value = f"default_{name} if v is UNSET else {value}"
    return f"    v = raw.{name}; {name} = {value}"


def _kind(kind: Any, name: str, names: dict[str, Any]) -> _Kind:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, ObjectTable):
        form, names[f"read_{name}"] = _object(kind)
        return _Kind(form, f"read_{name}(v)")
    if isinstance(kind, ListTable):
        items: dict[str, Any] = {}
        item = _kind(kind.item, name, items)
        source = _LIST.format(value=item.value)
        names[f"rule_of_{name}"], names[f"read_{name}"] = kind.rule, _function(f"list {name}", source, items)
        return _Kind(list[item.form], f"read_{name}(rule_of_{name}(v))")
    names[f"members_{name}"] = dict(kind.__members__)
    return _Kind(Literal[tuple(kind.__members__)], f"members_{name}[v]")
