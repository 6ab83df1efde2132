"""Tables of fields: each input object described once, in the order of its value's attributes.

Two readers interpret a table: `fast_reader` stops at the first thing that is wrong or rare, `careful_reader` collects every
problem with its path. GraphQL's input types are made from the same tables, and REST and TypeScript from those.
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NewType

Rule = Callable[[Any], Any]
"""Returns a value's one spelling, or raises `Broken` with the code of the problem."""
Path = tuple[str, ...]
Found = Iterable[tuple[Path, str]]
"""Problems of a rule between fields: where, below the object, and the code."""

Identifier = NewType("Identifier", str)
"""The kind of a text that GraphQL calls ID."""
CountryCode = NewType("CountryCode", str)
"""The kind of a text with a country's two letters."""
TEXTS: Final = frozenset({Identifier, CountryCode})
"""Kinds that are plain texts in JSON."""


class _Broken:
    """Stands for a value that is missing or broken. It is falsy, so that a rule between fields skips it with a plain `if`."""

    def __bool__(self) -> bool:
        return False


BROKEN: Final = _Broken()


def same(value: Any) -> Any:
    """The rule of a field that is right as soon as its kind is."""
    return value


def no_checks(_made: Any) -> Found:
    """An object without rules between its fields."""
    return ()


def codes_of(rule: Callable[..., Any]) -> tuple[str, ...]:
    """The codes that `formats.finds` marked a rule with."""
    return getattr(rule, "codes", ())


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an input object."""

    attribute: str
    """Its name in the domain's value."""
    kind: Any
    """str, Identifier, CountryCode, int, bool, Decimal, date, datetime, an Enum, an `ObjectTable` or a `ListTable`."""
    rule: Callable[..., Any] = same
    key: str = ""
    """Its name on the wire; the attribute in camelCase if left out."""
    is_required: bool = True
    default: object = None
    """The value of a field that is not required and left out."""
    given: tuple[str, ...] = ()
    """Attributes that stand before it and choose its rule, which is then `rule(*values)`."""
    codes: tuple[str, ...] = ()
    """Codes of problems that the rule may find, if the rule is not marked with them; REQUIRED and the kind's apart."""
    about: str | None = None
    """The description in the API's documentation."""
    example: object = None
    """As JSON has it."""

    def __post_init__(self) -> None:
        if not self.codes:
            object.__setattr__(self, "codes", codes_of(self.rule))
        if not self.key:
            first, *more = self.attribute.split("_")
            object.__setattr__(self, "key", first + "".join(word.capitalize() for word in more))


optional: Final = partial(Field, is_required=False)
"""A field that may be left out."""


@dataclass(frozen=True, slots=True)
class ListTable:
    """A list of objects, or of plain values of one kind."""

    item: Any
    rule: Callable[[list[object]], list[object]] = same
    """How many there may be."""

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of problems that its rule may find."""
        return codes_of(self.rule)


class ObjectTable:
    """The fields of one input object, and the rules between them.

    Raises:
        ValueError: the fields are not the attributes that `make` takes, in its order.
    """

    __slots__ = ("checks", "codes", "fields", "is_one_of", "make", "name")

    def __init__(
        self,
        name: str,
        make: Callable[..., Any],
        fields: Sequence[Field],
        checks: Callable[[Any], Found] = no_checks,
        *,
        codes: tuple[str, ...] = (),
        is_one_of: bool = False,
    ) -> None:
        taken = tuple(getattr(make, "__struct_fields__", None) or inspect.signature(make).parameters)
        if taken != tuple(field.attribute for field in fields):
            raise ValueError(f"{name}: {taken} is made, {[field.attribute for field in fields]} is described")
        self.name = name
        self.make = make
        self.fields = tuple(fields)
        self.checks = checks
        self.codes = codes
        """Codes of problems that `checks` may find."""
        self.is_one_of = is_one_of
        """Exactly one of the fields is given."""
