"""`Retry-After`: a hint that may be read, and that breaks nothing where it may not."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import RETRY_AFTER_S_MAX
from workers.adapters.transport.retry_after import retry_after_s

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0", 0.0),
        (" 5 ", 5.0),
        ("86400", 86_400.0),
        (7, 7.0),
        (1.5, 1.5),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 12:00:30", 30.0),
        ("Sunday, 22-Nov-26 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 15:00:30 +0300", 30.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_seconds_and_dates_are_read(said: object, seconds: float) -> None:
    """A date that has passed is no time to wait."""
    assert retry_after_s(said, NOW) == seconds


@pytest.mark.parametrize(
    "said",
    [
        None,
        "",
        "soon",
        "-5",
        "1.5",
        "٥",
        "5, 5",
        "86401",
        "9" * 60,
        "9" * 5_000,
        "Wed, 21 Oct 2015 07:28:00 +99999999999999999999",
        "Mon, 01 Jan 99999999999 00:00:00 GMT",
        "Mon, 01 Jan 2030 99999999999:00:00 GMT",
        "Mon, 01 Jan 2030 00:00:00 +9999999999999",
        "Mon, 01 Jan 0000 00:00:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 32 Jan 2027 00:00:00 GMT",
        float("nan"),
        float("inf"),
        -1,
        10**400,
        [5],
        {"seconds": 5},
    ],
)
def test_what_cannot_be_meant_is_as_if_missing(said: object) -> None:
    """Numbers that overflow, moments outside the calendar, waits of years."""
    assert retry_after_s(said, NOW) in (None, 0.0)


DATE = "Mon, {} {} {} {}:{}:{} {}"
ANY = st.one_of(st.integers().map(str), st.sampled_from(["01", "Jan", "GMT", "+0300", "", "-99999999999", "1e9"]))


@given(st.one_of(st.text(), st.builds(DATE.format, ANY, st.sampled_from(["Jan", "Dec"]), ANY, ANY, ANY, ANY, ANY)))
def test_no_wait_is_longer_than_a_day(said: str) -> None:
    """A longer wait is read as a day, without an error."""
    seconds = retry_after_s(said, NOW)
    assert seconds is None or 0 <= seconds <= RETRY_AFTER_S_MAX
