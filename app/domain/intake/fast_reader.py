"""Reads an input object by its table in one go, and stops at the first thing that is wrong or rare.

Its input is plain JSON. What it takes is valid GraphQL input, too: no field that the table does not have, no null where GraphQL
allows none. `careful_reader` reads the rest by the same table and finds out what it is. A table is written out as one function
without loops, which takes half of the time that a loop over its fields takes.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from app.domain.intake.field_table import TEXTS, Field, ListTable, ObjectTable, no_checks, same
from app.domain.intake.formats import Broken, parse_date, parse_decimal, parse_moment

RARE_OR_WRONG: Final = "RARE_OR_WRONG"
INT_MAX: Final = 2**31 - 1
"""The largest of GraphQL's integers."""
_NULL: Final = "elif v is None: {name}, left = None, left - 1"
_OPTIONAL: Final = """\
    v = given({key!r}, absent)
    if {is_right}: {name}, left = {value}, left - 1
    elif v is absent: {name} = {default}
    {null}
    else: raise Broken(RARE_OR_WRONG)
"""
_REQUIRED: Final = """\
    v = given({key!r})
    if not ({is_right}): raise Broken(RARE_OR_WRONG)
    {name} = {value}
"""
_OBJECT: Final = """\
def read(raw):
    given, left = raw.get, len(raw) - {required}
{fields}
    if left{or_not_one}: raise Broken(RARE_OR_WRONG)
    made = make({values})
{checks}
    return made
"""
_LIST: Final = """\
def read(items):
    for v in items:
        if not ({is_right}): raise Broken(RARE_OR_WRONG)
    return tuple([{value} for v in items])
"""
_CHECKS: Final = "    for _ in checks(made): raise Broken(RARE_OR_WRONG)"


class _Kind(NamedTuple):
    """How the JSON of a kind is read, as expressions about `v`."""

    is_right: str
    value: str = "v"


_PLAIN: Final[Mapping[Any, _Kind]] = MappingProxyType(
    {
        str: _Kind("type(v) is str"),
        **dict.fromkeys(TEXTS, _Kind("type(v) is str")),
        date: _Kind("type(v) is str", "parse_date(v)"),
        datetime: _Kind("type(v) is str", "parse_moment(v)"),
        Decimal: _Kind("type(v) is str", "parse_decimal(v)"),
        int: _Kind(f"type(v) is int and {-INT_MAX - 1} <= v <= {INT_MAX}"),
        bool: _Kind("type(v) is bool"),
    }
)
_NAMES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "Broken": Broken,
        "RARE_OR_WRONG": RARE_OR_WRONG,
        "absent": object(),
        "parse_date": parse_date,
        "parse_decimal": parse_decimal,
        "parse_moment": parse_moment,
    }
)


def read_fast(table: ObjectTable, raw: dict[str, Any]) -> Any:
    """The value, exactly as the careful reader would have made it.

    Raises:
        Broken: read it with care.
    """
    return (table.read or _reader(table))(raw)


def _reader(table: ObjectTable) -> Callable[[dict[str, Any]], Any]:
    """The function that reads a table, made when it is needed for the first time.

    Of a table only the keys get into its source, as `repr` writes them; what it calls, it calls by a name of ours.
    """
    names: dict[str, Any] = {"make": table.make, "checks": table.checks}
    places = {field.attribute: f"v{place}" for place, field in enumerate(table.fields)}
    # A rule that other fields choose comes last.
    ordered = sorted(table.fields, key=lambda field: bool(field.given))
    source = _OBJECT.format(
        required=sum(field.is_required for field in table.fields),
        fields="".join(_field(field, places, names) for field in ordered),
        or_not_one=" or len(raw) != 1" if table.is_one_of else "",
        values=", ".join(places.values()),
        checks="" if table.checks is no_checks else _CHECKS,
    )
    table.read = _function(table.name, source, names)
    return table.read


def _function(name: str, source: str, names: dict[str, Any]) -> Callable[[Any], Any]:
    names |= _NAMES
    exec(compile(source, f"<reader of {name}>", "exec"), names)  # noqa: S102 - of our own making, see above
    return names["read"]


def _field(field: Field, places: Mapping[str, str], names: dict[str, Any]) -> str:
    """The statements that read one field into the variable of its place."""
    name = places[field.attribute]
    is_right, value = _kind(field.kind, name, names)
    if field.given:
        names[f"rule_{name}"] = field.rule
        value = f"rule_{name}({', '.join(places[each] for each in field.given)})({value})"
    elif field.rule is not same:
        names[f"rule_{name}"] = field.rule
        value = f"rule_{name}({value})"
    if field.is_required:
        return _REQUIRED.format(key=field.key, is_right=is_right, name=name, value=value)
    names[f"default_{name}"] = field.default
    null = _NULL.format(name=name) if field.default is None else ""
    return _OPTIONAL.format(
        key=field.key, is_right=is_right, name=name, value=value, default=f"default_{name}", null=null
    )


def _kind(kind: Any, name: str, names: dict[str, Any]) -> _Kind:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, ObjectTable):
        names[f"read_{name}"] = kind.read or _reader(kind)
        return _Kind("type(v) is dict", f"read_{name}(v)")
    if isinstance(kind, ListTable):
        items: dict[str, Any] = {}
        source = _LIST.format(**_kind(kind.item, name, items)._asdict())
        names[f"rule_of_{name}"], names[f"read_{name}"] = kind.rule, _function(f"list {name}", source, items)
        return _Kind("type(v) is list", f"read_{name}(rule_of_{name}(v))")
    names[f"members_{name}"] = dict(kind.__members__)
    return _Kind(f"type(v) is str and v in members_{name}", f"members_{name}[v]")
