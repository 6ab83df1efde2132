"""How long answers took to reach their subscribers."""

import asyncio
from datetime import datetime

from app.observability import metrics
from app.observability.recent_activity import RECENT
from app.runtime.clock import Clock
from app.watch.events import Event, Received


class PushLatency:
    """Measures every push of this process. Answers from before the subscriber came do not count."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._received_at: list[datetime] = []

    def measure(self, event: Event) -> None:
        """Call it when the frame is out, or is to go out in this turn of the event loop: the turn's end counts."""
        if isinstance(event, Received) and event.is_live:
            if not self._received_at:
                asyncio.get_running_loop().call_soon(self._observe)
            self._received_at.append(event.quote.received_at)

    def _observe(self) -> None:
        """Observes all at once, which takes a fraction of the time of one by one in between."""
        now = self._clock.now()
        received_at, self._received_at = self._received_at, []
        took_s = [(now - moment).total_seconds() for moment in received_at]
        metrics.PUSHED.observe_all(took_s)
        RECENT.pushed(took_s)
