"""How long an answer took to reach its subscriber."""

from app.clock import Clock
from app.following import Event, Received
from app.observability import metrics


def measure(event: Event, clock: Clock) -> None:
    """Call it when the frame is out. What was there before the subscriber came does not count."""
    if isinstance(event, Received) and event.is_live:
        metrics.PUSHED.observe(-clock.seconds_until(event.told.received_at))
