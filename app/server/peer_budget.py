"""A budget for each connection: the work that a peer may cause in a process without the application asking for it.

A request, a subscription or an answer has its own limits. What is counted here costs CPU or memory beside them: control frames,
fragments, trailers, chunks, messages without effect. The protocols (`app.server.http1.http_limits`, `app.server.websocket_limits`) and the sockets of GraphQL
and REST spend from one budget; what the budget does not grant, they close the connection for, or wait for.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

FLOOD: Final = 1008
"""The WebSocket's close code for a peer that has spent its budget: a violation of policy, and not to be retried."""
FLOOD_REASON: Final = "Too many frames without effect"
LATE: Final = 4408
"""The close code for a peer that has not shown a token in time."""
LATE_REASON: Final = "Connection initialisation timeout"


@dataclass(frozen=True, slots=True)
class Allowance:
    """`at_once` units; with `per_s` they come back at that rate, without it with the next message or request."""

    name: str
    at_once: int
    per_s: float = 0.0


class PeerCost(Enum):
    """A kind of cost, in units of one."""

    CONTROL_FRAME = Allowance("control frames", 256, per_s=16.0)
    """Pings and pongs of the WebSocket. A healthy peer sends one every 15 s."""
    EMPTY_MESSAGE = Allowance("empty messages", 16, per_s=1.0)
    IDLE_MESSAGE = Allowance("idle messages", 256, per_s=16.0)
    """Pings and pongs of GraphQL, the completion of an operation that does not run, a message that a REST stream has no use for."""
    ABANDONED_OPERATION = Allowance("abandoned operations", 200, per_s=20.0)
    """Subscribed to and completed by the client before the end. The connection waits for it, and is not closed."""
    FRAGMENT = Allowance("fragments", 1024)
    """The fragments of one message."""
    EMPTY_FRAGMENT = Allowance("empty fragments", 16)
    CHUNK = Allowance("chunks", 16 * 1024)
    """The chunks of one request, as are those below."""
    FRAMING_BYTE = Allowance("framing bytes", 8 * 1024)
    """Bytes of neither head nor body: chunk extensions and trailers, beyond `CHUNK_FRAMING_BYTES` for each chunk."""
    TRAILER = Allowance("trailers", 64)
    TRAILER_BYTE = Allowance("trailer bytes", 8 * 1024)


CHUNK_FRAMING_BYTES: Final = 16
"""A chunk's size and its line ends, which cost nothing."""
_ROUNDING_S: Final = 1e-6


class PeerBudget:
    """The budget of one connection. Moments are those of the event loop, in seconds."""

    __slots__ = ("_authenticated_by_s", "_free_at_s", "_spent")

    def __init__(self) -> None:
        # Most connections never spend anything.
        self._spent: dict[PeerCost, int] | None = None
        self._free_at_s: dict[PeerCost, float] | None = None
        self._authenticated_by_s: float | None = None

    def grants(self, cost: PeerCost, amount: int = 1, *, now_s: float = 0.0) -> bool:
        """Spends `amount` units, or gives them back where it is negative; False if that is more than there was.

        `now_s` counts where units come back by the second.
        """
        allowance = cost.value
        if allowance.per_s:
            return self.delay_s(cost, amount, now_s=now_s) == 0.0
        if self._spent is None:
            self._spent = {}
        spent = self._spent[cost] = self._spent.get(cost, 0) + amount
        return spent <= allowance.at_once

    def delay_s(self, cost: PeerCost, amount: int = 1, *, now_s: float) -> float:
        """Spends `amount` units that come back by the second; returns for how many seconds the peer is ahead of its allowance."""
        allowance = cost.value
        if self._free_at_s is None:
            self._free_at_s = {}
        free_at_s = max(self._free_at_s.get(cost, 0.0), now_s) + amount / allowance.per_s
        self._free_at_s[cost] = free_at_s
        delay_s = free_at_s - now_s - allowance.at_once / allowance.per_s
        return delay_s if delay_s > _ROUNDING_S else 0.0

    def renew(self) -> None:
        """A new message or request begins: what is counted for each of them starts again."""
        self._spent = None

    def expect_authentication(self, by_s: float) -> None:
        """From now on the peer is late once this moment has passed, until it is authenticated."""
        self._authenticated_by_s = by_s

    def authenticated(self) -> None:
        """The peer has shown a good token."""
        self._authenticated_by_s = None

    def is_late(self, now_s: float) -> bool:
        """Whether the peer should have been authenticated by now. A protocol asks whenever it receives something: a timer's turn
        may come late while a peer floods.
        """
        return self._authenticated_by_s is not None and now_s >= self._authenticated_by_s
