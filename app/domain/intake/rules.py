"""Rules of single fields that several tables share."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

from app.domain.age import full_years
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
        return prose(typed, length_max, code)

    return rule


def aged(today: date, youngest: tuple[int, str], oldest: tuple[int, str]) -> Day:
    """The rule of a birth date between two ages in full years, each with the code of a date beyond it."""

    @finds("BIRTH_DATE_IN_FUTURE", youngest[1], oldest[1])
    def rule(birth_date: date) -> date:
        if birth_date > today:
            raise Broken("BIRTH_DATE_IN_FUTURE")
        age = full_years(birth_date, today)
        if age < youngest[0]:
            raise Broken(youngest[1])
        if age > oldest[0]:
            raise Broken(oldest[1])
        return birth_date

    return rule
