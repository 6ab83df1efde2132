"""Walks through a table of fields: every field with its path, its problem codes, and the example that the fields' examples make."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from app.domain.intake.field_table import Field, ListTable, ObjectTable, Path, codes_of
from app.domain.intake.formats import parse_date, parse_decimal, parse_moment

EACH: Final = "*"
"""Stands in a path for the place of an item in its list."""
_PARSERS: Final[Any] = {date: parse_date, datetime: parse_moment, Decimal: parse_decimal}


def fields_of(table: ObjectTable, path: Path = ()) -> Iterator[tuple[Path, ObjectTable, Field]]:
    """Every field of the table and of those below it, in their order, with the table in which it stands."""
    for field in table.fields:
        place = (*path, field.key)
        yield place, table, field
        if isinstance(field.kind, ListTable):
            place = (*place, EACH)
        kind = item_kind(field)
        if isinstance(kind, ObjectTable):
            yield from fields_of(kind, place)


def item_kind(field: Field) -> Any:
    """The kind of the field, or of the items of its list."""
    return field.kind.item if isinstance(field.kind, ListTable) else field.kind


def codes_at(field: Field) -> tuple[str, ...]:
    """Every code that a problem at this field may have."""
    kind = item_kind(field)
    codes = [*(["REQUIRED"] if field.is_required else []), "TYPE_INVALID", *codes_of(_PARSERS.get(kind)), *field.codes]
    if isinstance(field.kind, ListTable):
        codes += field.kind.codes
    if isinstance(kind, ObjectTable):
        codes += kind.codes
    return tuple(dict.fromkeys(codes))


def example_of(table: ObjectTable) -> dict[str, Any]:
    """A valid input as JSON has it: each field with its example, objects that are required, the first way of a choice.

    It is the caller's to change: nothing of it is part of the table.
    """
    chosen = table.fields[:1] if table.is_one_of else table.fields
    examples = ((field.key, _example(field, is_chosen=table.is_one_of)) for field in chosen)
    return {key: example for key, example in examples if example is not None}


def _example(field: Field, *, is_chosen: bool) -> object:
    if field.example is not None or not (field.is_required or is_chosen):
        return deepcopy(field.example)
    kind = item_kind(field)
    example = example_of(kind) if isinstance(kind, ObjectTable) else None
    return [example] if isinstance(field.kind, ListTable) else example
