"""Reads input objects field by field and collects what is wrong, so that a caller hears of everything at once."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Final, TypeVar, cast

from app.domain.errors import Problem
from app.domain.intake.formats import Broken, parse_date, parse_decimal, prose
from app.domain.intake.problems import problem

Value = TypeVar("Value")
Read = TypeVar("Read")
Number = TypeVar("Number", int, Decimal)

_LIST: Final = cast("type[list[object]]", list)


class Reader:
    """One input object: what it holds and where it stands. All readers of one input share one list of problems.

    A field that is missing or broken reads as None, and then its problem is in the list.
    """

    __slots__ = ("_path", "_raw", "problems")

    def __init__(self, raw: Mapping[str, object], path: tuple[str, ...], problems: list[Problem]) -> None:
        self._raw = raw
        self._path = path
        self.problems = problems

    def required(self, key: str, kind: type[Value], rule: Callable[[Value], Read]) -> Read | None:
        """What the rule makes of the field, which must be there."""
        value = self._raw.get(key)
        if value is None:
            return self.refuse("REQUIRED", key)
        return self._read(key, value, kind, rule)

    def optional(
        self, key: str, kind: type[Value], rule: Callable[[Value], Read], default: Read | None = None
    ) -> Read | None:
        """What the rule makes of the field, or the default where the field is absent or null."""
        value = self._raw.get(key)
        return default if value is None else self._read(key, value, kind, rule)

    def inside(self, key: str) -> "Reader | None":
        """The reader of the object in this field, which must be there."""
        return self._reader(self._raw.get(key), key)

    def each(self, key: str, rule: Callable[[list[object]], list[object]]) -> "list[Reader]":
        """The readers of the objects in this list, which must be there; the rule says how many are welcome."""
        items = self.required(key, _LIST, rule) or []
        readers = [self._reader(item, key, str(index)) for index, item in enumerate(items)]
        return [reader for reader in readers if reader]

    def has(self, key: str) -> bool:
        return self._raw.get(key) is not None

    def refuse(self, code: str, *keys: str) -> None:
        """Notes that what stands there is wrong."""
        self.problems.append(problem((*self._path, *keys), code))

    def _read(self, key: str, value: object, kind: type[Value], rule: Callable[[Value], Read]) -> Read | None:
        try:
            # Neither a bool is a number here nor a moment a date, although Python has it so.
            if type(value) is kind:
                return rule(value)
            if type(value) is float and kind is int and value.is_integer():
                return rule(cast("Value", int(value)))  # JSON has one kind of number, and so has GraphQL
            if type(value) is not str:
                return self.refuse("TYPE_INVALID", key)
            read = _parsed(value, kind)  # plain JSON: most of GraphQL's scalars are parsed already
            return rule(read) if type(read) is kind else self.refuse("TYPE_INVALID", key)
        except Broken as broken:
            return self.refuse(broken.code, key)

    def _reader(self, value: object, *keys: str) -> "Reader | None":
        if value is None:
            return self.refuse("REQUIRED", *keys)
        if type(value) is not dict and not isinstance(
            value, Mapping
        ):  # asking an abstract class costs as much as a rule
            return self.refuse("TYPE_INVALID", *keys)
        return Reader(cast("Mapping[str, object]", value), (*self._path, *keys), self.problems)


def _parsed(written: str, kind: type) -> object:
    """What a string stands for where a date, a decimal number or one of certain values is wanted."""
    if kind is date:
        return parse_date(written)
    if kind is Decimal:
        return parse_decimal(written)
    if issubclass(kind, Enum) and written in kind.__members__:
        return kind[written]
    return written


def same(value: Value) -> Value:
    """The rule of a field that is right as soon as its type is."""
    return value


@lru_cache(maxsize=64)
def between(least: Number, most: Number, code: str) -> Callable[[Number], Number]:
    """The rule of a number with bounds, both inclusive."""

    def rule(number: Number) -> Number:
        if least <= number <= most:
            return number
        raise Broken(code)

    return rule


@lru_cache(maxsize=64)
def until(today: date, code: str) -> Callable[[date], date]:
    """The rule of a day that has come."""

    def rule(day: date) -> date:
        if day <= today:
            return day
        raise Broken(code)

    return rule


def text(length_max: int, code: str) -> Callable[[str], str]:
    """The rule of free text."""
    return lambda typed: prose(typed, length_max, code)
