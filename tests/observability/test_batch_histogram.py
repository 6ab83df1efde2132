"""Many values at once are counted as each by itself."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from app.observability.batch_histogram import BatchHistogram

BOUNDS = (0.25, 1, 8)


@given(st.lists(st.sampled_from((0.0, 0.125, 0.25, 0.5, 1.0, 8.0, 8.5)) | st.integers(0, 100).map(float)))
def test_values_at_once_are_counted_as_one_by_one(values: list[float]) -> None:
    """A value on a bound counts below it; the sums of these values are exact."""
    registries = CollectorRegistry(), CollectorRegistry()
    single = Histogram("took", "It.", buckets=BOUNDS, registry=registries[0])
    batch = BatchHistogram("took", "It.", buckets=BOUNDS, registry=registries[1])
    for value in values:
        single.observe(value)
    batch.observe_all(values)
    written, expected = (
        [line for line in generate_latest(one).decode().splitlines() if "_created" not in line]
        for one in reversed(registries)
    )
    assert written == expected
