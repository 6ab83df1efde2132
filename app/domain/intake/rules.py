"""Rules of single fields that several tables share."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

from app.domain.age import last_birth_date
from app.domain.intake.formats import Broken, finds, prose

Number = TypeVar("Number", int, Decimal)
Day = Callable[[date], date]


def between(minimum: Number, maximum: Number, code: str) -> Callable[[Number], Number]:
    """The rule of a number with bounds, both inclusive."""

    @finds(code)
    def rule(number: Number) -> Number:
        if minimum <= number <= maximum:
            return number
        raise Broken(code)

    return rule


@lru_cache(maxsize=64)
def until(today: date, code: str) -> Day:
    """The rule of a day that has come."""

    @finds(code)
    def rule(day: date) -> date:
        if day <= today:
            return day
        raise Broken(code)

    return rule


def text(length_max: int, code: str) -> Callable[[str], str]:
    """The rule of free text."""

    @finds(code, "TEXT_UNPRINTABLE")
    def rule(typed: str) -> str:
        if 0 < len(typed) <= length_max and typed.isprintable() and typed[0] != " " != typed[-1]:
            return typed
        return prose(typed, length_max, code)

    return rule


def aged(today: date, youngest: tuple[int, str], oldest: tuple[int, str]) -> Day:
    """The rule of a birth date between two ages in full years, each with the code of a date beyond it."""
    born_by, born_after = last_birth_date(youngest[0], today), last_birth_date(oldest[0] + 1, today)

    @finds("BIRTH_DATE_IN_FUTURE", youngest[1], oldest[1])
    def rule(birth_date: date) -> date:
        if born_after < birth_date <= born_by:
            return birth_date
        if birth_date > today:
            raise Broken("BIRTH_DATE_IN_FUTURE")
        raise Broken(youngest[1] if birth_date > born_by else oldest[1])

    return rule
