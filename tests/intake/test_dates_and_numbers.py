"""Dates and decimal numbers as the API takes them: one form each, and a refusal that does not hold the value."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.age import full_years, has_turned, last_birth_date
from app.domain.intake.formats import Broken, parse_date, parse_decimal


@given(st.dates())
def test_dates_are_read_as_they_are_written(day: date) -> None:
    """YYYY-MM-DD is parsed, and written the same way."""
    assert parse_date(day.isoformat()) == day


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20261201",
        "2026-W01-1",
        "2026-335",
        "26-12-01",
        "2026-12-1",
        " 2026-12-01",
        "2026-02-30",
        "2026-12-01T00:00:00",
        "0000-01-01",
        "-2026-12-01",
        "٢٠٢٦-١٢-٠١",
        "2026-12-\uff10\uff11",
        "2026–12–01",
        "01.12.2026",
    ],
)
def test_other_dates_are_refused(text: str) -> None:
    """ISO 8601 has many forms; one of them is ours. The refusal does not hold the value, nor does what caused it."""
    with pytest.raises(Broken, match=r"\ADATE_INVALID\Z") as refusal:
        parse_date(text)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__ is (refusal.value.__context__ is not None)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4))
def test_decimals_are_read_as_they_are_written(number: Decimal) -> None:
    """Digits, a sign and a fraction, and back."""
    assert parse_decimal(f"{number:f}") == number
    assert parse_decimal(f"{number:+f}") == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "sNaN",
        "Infinity",
        "-inf",
        "1e3",
        "1E999999",
        "1_0",
        "١٢",
        "\uff11\uff12",
        "½",
        ".5",
        "5.",
        "1,5",
        "+-1",
        "- 1",
        " 1",
        "0x1",
        "1" * 16,
        "1." + "1" * 11,
        "1.2.3",
    ],
)
def test_other_numbers_are_refused(text: str) -> None:
    """What Decimal takes besides, and what is too long."""
    with pytest.raises(Broken, match=r"\ADECIMAL_INVALID\Z"):
        parse_decimal(text)


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)), st.integers(0, 121), st.integers(-3, 3))
@example(date(2028, 2, 29), 1, 0)
@example(date(2028, 2, 29), 4, 0)
def test_a_last_birth_date_is_that_of_the_youngest_of_an_age(on: date, years: int, days: int) -> None:
    """A person born on that day is so old, one born a day later is not; `has_turned` says the same of each."""
    since = last_birth_date(years, on) + timedelta(days=days)
    assert (days <= 0) is (full_years(since, on) >= years) is has_turned(years, since, on)
