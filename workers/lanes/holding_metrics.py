"""Metrics of a lane at a scrape: how many jobs it holds, and how long ago the oldest one's request was accepted."""

from collections.abc import Collection
from uuid import UUID

from app.domain.ids import made_at
from app.observability import metrics
from app.runtime.clock import Clock


def measure_holdings(insurer_id: str, held: Collection[UUID], clock: Clock) -> None:
    """`held` are the requests in the order in which the lane took them; it is read when `/metrics` is."""

    def oldest_s() -> float:
        oldest = next(iter(held), None)
        return max(0.0, -clock.seconds_until(made_at(oldest))) if oldest else 0.0

    metrics.IN_FLIGHT.labels(insurer_id).set_function(lambda: len(held))
    metrics.ASKING_OLDEST.labels(insurer_id).set_function(oldest_s)
