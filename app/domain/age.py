"""Full years between two dates: a person's age, a driver's experience."""

from datetime import date


def full_years(since: date, on: date) -> int:
    """A person born on 29 February grows older on 1 March in the other years."""
    years, months = on.year - since.year, on.month - since.month
    return years - 1 if months < 0 or (months == 0 and on.day < since.day) else years


def birthday(born_on: date, age: int) -> date:
    """The day on which a person becomes so old."""
    try:
        return born_on.replace(year=born_on.year + age)
    except ValueError:  # 29 February
        return date(born_on.year + age, 3, 1)
