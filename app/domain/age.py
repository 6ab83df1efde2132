"""Full years between two dates: a person's age, a driver's experience."""

from datetime import date


def full_years(since: date, on: date) -> int:
    """A person born on 29 February grows older on 1 March in the other years."""
    return on.year - since.year - ((on.month, on.day) < (since.month, since.day))
