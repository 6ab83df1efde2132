"""How many WebSockets and streams a process admits per second: each waits for its turn, or is refused with the moment to come again.

A burst of connects costs a process seconds of CPU in which no mutation is answered. So connects are admitted in small slices, of
which a busy event loop runs fewer. The moments that refused clients are given follow one another at the pace of the admissions.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

CONNECTS: Final = "connects"
"""In the lifespan's state: a `ConnectAdmission`. Without one every connect is admitted at once."""
SLICE_S: Final = 0.004
"""Connects are admitted in slices, one in a turn of the loop: this part of a second's rate, one at least."""
WAIT_S_MAX: Final = 1.0
"""A connect that has waited longer is refused."""
RETRY_S_MIN: Final = 0.2
RETRY_S_MAX: Final = 5.0
JITTER: Final = 0.25
"""The part of a given wait that is drawn by lot on top."""
_PACE_MEMORY: Final = 0.2
"""The share of the newest turn in the measured pace."""


def try_again_text(retry_after_s: float) -> str:
    """What a refused client reads: `Too many connections: try again in 1.42 s`."""
    return f"Too many connections: try again in {retry_after_s:.2f} s"


class Upgrade(Protocol):
    """A client that asks for a WebSocket, or for an answer that lasts."""

    @property
    def is_open(self) -> bool:
        """False when it has gone while it waited."""
        ...

    def admit(self) -> None: ...

    def refuse_for(self, retry_after_s: float) -> None:
        """Refuses it, with the seconds after which it may come again."""
        ...


class ConnectAdmission:
    """Admits at most `per_s` upgrades per second. `on_refused` counts; `lot` draws from 0 to 1."""

    def __init__(
        self, per_s: float, *, on_refused: Callable[[], None] = lambda: None, lot: Callable[[], float] = random.random
    ) -> None:
        self.per_s = per_s
        self._spacing_s = self._pace_s = 1 / per_s
        self._slice = max(1, int(per_s * SLICE_S))
        self._waiting: deque[tuple[float, Upgrade]] = deque()
        self._free_at_s = 0.0
        self._promised_s = 0.0
        """The last moment that a refused client was given."""
        self._turn: asyncio.TimerHandle | None = None
        self._on_refused = on_refused
        self._lot = lot

    def enter(self, upgrade: Upgrade, now_s: float) -> None:
        """Admits, keeps waiting, or refuses an upgrade that has just come. Moments are those of the event loop."""
        if not self._waiting and self._free_at_s <= now_s:
            self._free_at_s = max(self._free_at_s, now_s - (self._slice - 1) * self._spacing_s) + self._spacing_s
            upgrade.admit()
        elif self._expected_wait_s(now_s) <= WAIT_S_MAX:
            self._waiting.append((now_s, upgrade))
            self._schedule()
        else:
            self._refuse(upgrade, now_s)

    def run_turn(self, now_s: float) -> None:
        """Admits the next slice of those that wait, and refuses those that have waited for too long."""
        due_at_s, admitted = self._free_at_s, 0
        while self._waiting and admitted < self._slice:
            came_at_s, upgrade = self._waiting.popleft()
            if not upgrade.is_open:
                continue
            if now_s - came_at_s > WAIT_S_MAX:
                self._refuse(upgrade, now_s)
                continue
            upgrade.admit()
            admitted += 1
        self._free_at_s = now_s + admitted * self._spacing_s
        if admitted:
            took_s = self._spacing_s + max(now_s - due_at_s, 0.0) / admitted
            self._pace_s += _PACE_MEMORY * (took_s - self._pace_s)
        if self._waiting:
            self._schedule()

    def _expected_wait_s(self, now_s: float) -> float:
        return max(self._free_at_s - now_s, 0.0) + len(self._waiting) * self._pace_s

    def _schedule(self) -> None:
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_at(self._free_at_s, self._run_turn)

    def _run_turn(self) -> None:
        self._turn = None
        self.run_turn(asyncio.get_running_loop().time())

    def _refuse(self, upgrade: Upgrade, now_s: float) -> None:
        first_s = now_s + self._expected_wait_s(now_s)
        self._promised_s = min(max(self._promised_s, first_s) + self._pace_s, now_s + RETRY_S_MAX)
        wait_s = max(self._promised_s - now_s, RETRY_S_MIN)
        self._on_refused()
        upgrade.refuse_for(wait_s * (1 + JITTER * self._lot()))
