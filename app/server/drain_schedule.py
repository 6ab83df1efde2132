"""When each WebSocket of a process that ends is closed, and each answer that lasts: spread over the drain, so that its clients come to others a few at a time."""

from collections.abc import MutableMapping
from typing import Any, Final

from app.server.connect_admission import CONNECTS, ConnectAdmission

DRAIN: Final = "osago.drain"
CLOSES_PER_S: Final = 750.0
"""The rate where no rate of connects is known. With one: half of it, for another process may drain at the same time."""
SPREAD_S_MAX: Final = 5.0
"""Seconds, of the eight that a process has: clients that are slow to read their close frame need the rest."""


class DrainSchedule:
    """Moments for the last words of one process on each connection, the first one at once."""

    def __init__(self, per_s: float) -> None:
        self._spacing_s = 1 / per_s
        self._next_s = 0.0

    @classmethod
    def of(cls, app_state: MutableMapping[str, Any]) -> "DrainSchedule":
        """The one that all connections of a process share."""
        admission: ConnectAdmission | None = app_state.get(CONNECTS)
        return app_state.setdefault(DRAIN, cls(admission.per_s / 2 if admission else CLOSES_PER_S))

    def next_delay_s(self, connections: int) -> float:
        """Seconds from now; `connections` are all that are open, this one included."""
        spacing_s = min(self._spacing_s, SPREAD_S_MAX / max(connections, 1))
        delay_s, self._next_s = self._next_s, self._next_s + spacing_s
        return min(delay_s, SPREAD_S_MAX)
