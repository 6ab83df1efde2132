"""Strict scalars. What is sent is a string of one exact form; messages never repeat it, for it may be personal."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, TypeVar

import msgspec
import strawberry
from graphql import GraphQLError, StringValueNode, ValueNode
from strawberry.types.scalar import ScalarDefinition

from app.domain.intake.field_table import CountryCode
from app.domain.intake.formats import Broken, parse_date, parse_decimal, parse_moment

Value = TypeVar("Value")

PLACES_MAX: Final = 24
_SECONDS: Final = len("2026-01-01T00:00:00")
_MILLISECONDS: Final = _SECONDS + len(".000")


def _scalar(
    name: str, description: str, form: str, parse: Callable[[str], Value], serialize: Callable[[Value], str]
) -> ScalarDefinition:
    def parse_value(value: object) -> Value:
        if isinstance(value, str):
            try:
                return parse(value)
            except Broken:
                pass
        raise GraphQLError(f"{name}: expected {form}.")

    def parse_literal(node: ValueNode, _variables: object = None) -> Value:
        return parse_value(node.value if isinstance(node, StringValueNode) else None)

    return strawberry.scalar(
        name=name, description=description, parse_value=parse_value, parse_literal=parse_literal, serialize=serialize
    )


def iso(moment: datetime) -> str:
    """In UTC, with milliseconds: what is finer is cut off."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    text: str = msgspec.to_builtins(utc)  # with six decimals or none, in a fifth of `isoformat`'s time
    return f"{text[:_MILLISECONDS]}Z" if utc.microsecond else f"{text[:_SECONDS]}.000Z"


def plain(number: Decimal) -> str:
    """The number without an exponent.

    Raises:
        ValueError: zeros would make it longer than any number of the API.
    """
    if not -PLACES_MAX <= number.adjusted() <= PLACES_MAX:
        raise ValueError("a decimal number out of bounds")
    return f"{number:f}"


SCALARS: Final[dict[object, ScalarDefinition]] = {
    date: _scalar("Date", "A calendar date, ISO 8601 (YYYY-MM-DD).", "YYYY-MM-DD", parse_date, date.isoformat),
    datetime: _scalar(
        "DateTime", "A moment with its UTC offset, ISO 8601.", "an ISO 8601 moment with its offset", parse_moment, iso
    ),
    Decimal: _scalar(
        "Decimal",
        "A decimal number, sent as a string so that no kopeck is rounded away.",
        'a decimal number as a string, such as "110.5"',
        parse_decimal,
        plain,
    ),
    # Which ones exist a field's rule knows: its problem has a path.
    CountryCode: _scalar("CountryCode", "ISO 3166-1 alpha-2, e.g. RU.", "two letters", str, str),
}
