"""Rates, counted over all processes in Redis, or in this one alone: the same arithmetic, GCRA, in both places.

A cell of rate 10/min gives ten at once and one every six seconds from then on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.config.quantities import Rate
from app.redis.lua_scripts import GCRA
from app.redis.redis_client import RedisClient
from app.runtime.clock import Clock

_US: Final = 1_000_000
LOCAL_CELLS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Cell:
    """A counter under a key of Redis. Cells that are taken from together share a hash tag."""

    key: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class Wait:
    """How long until the units can be had, and the place of the cell that lacks them."""

    seconds: float
    place: int


async def take(client: RedisClient, cells: Sequence[Cell], units: int = 1) -> Wait | None:
    """Takes units from every cell, or from none: then it returns how long to wait.

    Raises:
        RedisAway: Redis is not there.
    """
    arguments: list[str | int] = [units]
    for cell in cells:
        arguments += [f"{cell.rate.per_s * _US / cell.rate.count:.3f}", cell.rate.count]
    wait_us, number = await GCRA.run(client, [cell.key for cell in cells], arguments)
    return Wait(wait_us / _US, number - 1) if wait_us else None


class LocalRates:
    """The same for this process alone, while Redis is away."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def take(self, cells: Sequence[Cell], units: int = 1) -> Wait | None:
        """As the function of that name."""
        now = self._clock.monotonic()
        full_at = {cell.key: max(self._full_at.get(cell.key, now), now) + units * _interval_s(cell) for cell in cells}
        waits = [Wait(full_at[c.key] - c.rate.per_s - now, place) for place, c in enumerate(cells)]
        longest = max(waits, key=lambda wait: wait.seconds, default=None)
        if longest and longest.seconds > 0:
            return longest
        self._forget(now)
        self._full_at |= full_at
        return None

    def _forget(self, now: float) -> None:
        """Cells that are full again need not be remembered; of too many others the oldest go."""
        if len(self._full_at) < LOCAL_CELLS_MAX:
            return
        left = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        self._full_at = dict(list(left.items())[-LOCAL_CELLS_MAX // 2 :])


def _interval_s(cell: Cell) -> float:
    return cell.rate.per_s / cell.rate.count
