"""Scalars as they are sent: one exact form of each value."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import example, given
from hypothesis import strategies as st

from app.api.schema.scalars import iso

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEARS = timedelta(days=365 * 1900) // timedelta(microseconds=1)
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))) | st.just(UTC)


@given(st.integers(-YEARS, YEARS) | st.integers(-2_000_000, 2_000_000), OFFSETS)
@example(0, UTC)
@example(999, UTC)
@example(1_000, UTC)
@example(999_999, UTC)
@example(-YEARS, UTC)
def test_a_moment_is_written_in_utc_with_milliseconds(microseconds: int, zone: timezone) -> None:
    """As `isoformat` writes it, `Z` for UTC; what is finer is cut off."""
    moment = EPOCH + timedelta(microseconds=microseconds)
    expected = moment.isoformat("T", "milliseconds").replace("+00:00", "Z")
    assert iso(moment.astimezone(zone)) == expected
