"""Full years between two dates: a person's age, a driver's experience."""

from calendar import isleap
from datetime import date


def full_years(since: date, on: date) -> int:
    """A person born on 29 February grows older on 1 March in the other years."""
    years, months = on.year - since.year, on.month - since.month
    return years - 1 if months < 0 or (months == 0 and on.day < since.day) else years


def last_birth_date(years: int, on: date) -> date:
    """The latest birth date with which a person is so many full years old on this day."""
    year = on.year - years
    is_missing = (on.month, on.day) == (2, 29) and not isleap(year)
    return date(year, 2, 28) if is_missing else on.replace(year=year)


def has_turned(years: int, since: date, on: date) -> bool:
    """Whether so many full years have passed."""
    return on.year - since.year > years or full_years(since, on) >= years


def birthday(born_on: date, age: int) -> date:
    """The day on which a person becomes so old."""
    try:
        return born_on.replace(year=born_on.year + age)
    except ValueError:  # 29 February
        return date(born_on.year + age, 3, 1)
