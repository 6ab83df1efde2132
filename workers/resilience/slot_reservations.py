"""Slots of one rate limit: moments on a grid of Redis's time that all workers share, reserved a few at a time.

They are spread evenly, a little wider than agreed, so that what is delayed on the way still never comes too densely; one
that cannot be used in its moment, or that passes before its request is sent, is lost. Without Redis each worker takes every n-th slot of the same grid.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

import structlog

from app.config.quantities import Rate
from app.domain.errors import RedisAway
from app.redis.insurer_states import InsurerStates, ReservedSlots
from app.runtime.clock import Clock

log: Final = structlog.get_logger(__name__)

PACE: Final = 0.96
"""The share of a limit that is used: what comes up to 40 ms late keeps the limit all the same."""
RESERVED_S_MAX: Final = 0.1
"""Seconds of the limit that one worker reserves: if it stalls, they are lost."""
LATE_S_MAX: Final = 0.012
"""A slot may be used so long after its moment."""
SENT_LATE_S_MAX: Final = 0.02
"""A request may be sent so long after the moment of its slot. As much again is left for what is being written when the
process stalls, and for what Redis's replies leave uncertain about its time."""
CREDIT_S: Final = -LATE_S_MAX / 2
"""An unused slot may be given so long after its moment."""
SWITCH_S: Final = 0.5
"""All workers notice within it that Redis is gone, or back; until then none takes more than its share."""
_OFFSETS: Final = 16
_AGAIN_S: Final = 0.005
_ROUNDING: Final = 0.01
"""A part of an interval: the moment of a slot, divided by it, may come out as slightly less than the slot's number."""


@dataclass(slots=True)
class Peers:
    """The other workers, and whether Redis is there to agree with them. `rank`: this worker's place among `count`."""

    is_redis_there: bool = True
    rank: int = 0
    count: int = 1


@dataclass(frozen=True, slots=True)
class Together:
    """This worker reserves its slots in Redis."""


@dataclass(frozen=True, slots=True)
class Alone:
    """Redis is away: this worker takes its share of the grid. `until`: its last slot; at first, when the others have noticed."""

    until: float


@dataclass(frozen=True, slots=True)
class Returning:
    """Redis is back: this worker keeps to its share until `at`, when all others have come back, too."""

    until: float
    at: float


class SlotGrid:
    """The slots of one step at one insurer."""

    def __init__(
        self,
        insurer_id: str,
        step: str,
        rate: Rate,
        states: InsurerStates,
        peers: Peers,
        clock: Clock,
        *,
        version: int = 0,
        before: "SlotGrid | None" = None,
    ) -> None:
        """`version`: of the control that has set the rate. `before`: the grid that it replaces, which knows Redis's time."""
        self._insurer_id = insurer_id
        self._step = step
        self._version = version
        self.interval_s = self._interval_s = 1 / (rate.per_second * PACE)
        self._batch = max(1, int(RESERVED_S_MAX / self._interval_s))
        self._states = states
        self._peers = peers
        self._clock = clock
        self._reserving: asyncio.Task[None] | None = None
        """Under way while the slots that are left are used; a call without one waits for it."""
        self._slots: deque[float] = deque()
        """Monotonic moments, the next one first."""
        self._used = float("-inf")
        """The last slot that was used."""
        self._offsets: deque[float] = deque(before._offsets if before else (), maxlen=_OFFSETS)  # noqa: SLF001 - of its own class
        """Redis's time less ours. A delayed reply makes it smaller, so that the greatest is the truest."""
        self._mode: Together | Alone | Returning = Together()
        self._hold_s = CREDIT_S
        """From when, seen from now, slots are asked for; later ones where a reply took so long that all were late."""

    def use(self) -> float | None:
        """The moment of a slot that is there now, and used up with that; None if there is none."""
        self._drop_late()
        if self._slots and self._slots[0] <= self._clock.monotonic():
            self._used = self._slots.popleft()
            return self._used
        return None

    def is_lost(self, slot: float) -> bool:
        """Whether it is too late to send what was let through for this moment."""
        return self._clock.monotonic() - slot > SENT_LATE_S_MAX

    def clear(self) -> None:
        """Gives up what is reserved."""
        self._slots.clear()

    async def next_in_s(self, waiting: int) -> float:
        """Seconds until the next slot, for so many waiting calls; reserves what they need."""
        self._drop_late()
        wanted = min(waiting, self._batch)
        if len(self._slots) <= wanted // 2 and (self._reserving is None or self._reserving.done()):
            self._reserving = asyncio.create_task(self._reserve(wanted - len(self._slots)))
        if not self._slots and self._reserving:
            await asyncio.shield(self._reserving)
            self._drop_late()
        return self._slots[0] - self._clock.monotonic() if self._slots else _AGAIN_S

    def _drop_late(self) -> None:
        late = self._clock.monotonic() - LATE_S_MAX
        while self._slots and self._slots[0] < late:
            self._slots.popleft()

    async def _reserve(self, count: int) -> None:
        if self._peers.is_redis_there:
            try:
                if await self._is_together():
                    await self._reserve_together(count)
                    return
            except RedisAway as error:
                log.debug("limit.alone", insurer=self._insurer_id, error=str(error))
                self._peers.is_redis_there = False
        if isinstance(self._mode, Returning) and not self._peers.is_redis_there:
            self._mode = Alone(self._mode.until)
        self._slots.extend(self._share(self._clock.monotonic(), count))

    async def _is_together(self) -> bool:
        """Whether this worker reserves in Redis now."""
        now = self._clock.monotonic()
        match self._mode:
            case Together():
                return True
            case Alone(until) | Returning(until) if now > until + SWITCH_S:
                self._mode = Together()
                return True
            case Alone(until):
                await self._slots_of_redis(count=0, hold_s=SWITCH_S)
                self._mode = Returning(until, now + SWITCH_S)
                return False
            case Returning(at=at) if now < at:
                return False
            case Returning():
                self._mode = Together()
                self._slots.clear()
                return True

    async def _reserve_together(self, count: int) -> None:
        asked_at = self._clock.monotonic()
        slots = await self._slots_of_redis(count=count, hold_s=self._hold_s)
        now = self._clock.monotonic()
        self._offsets.append(slots.now_s - now)
        first = slots.first_s - max(self._offsets)
        was_in_vain = first + (count - 1) * self._interval_s < now - LATE_S_MAX
        self._hold_s = now - asked_at if was_in_vain else CREDIT_S
        # Where Redis's time has become better known, slots move closer: those of moments that are used already are lost.
        newest = self._slots[-1] if self._slots else self._used
        moments = (first + number * self._interval_s for number in range(count))
        self._slots.extend(moment for moment in moments if moment > newest)

    async def _slots_of_redis(self, *, count: int, hold_s: float) -> ReservedSlots:
        return await self._states.reserve(
            self._insurer_id,
            self._step,
            interval_s=self._interval_s,
            count=count,
            hold_s=hold_s,
            version=self._version,
        )

    def _share(self, now: float, count: int) -> list[float]:
        """Every n-th slot of the grid is this worker's; the first ones only when all workers have noticed."""
        if isinstance(self._mode, Together):
            self._mode = Alone(now + SWITCH_S)
            self._slots.clear()
        offset = max(self._offsets, default=0.0)
        begin = max(self._mode.until, now) + offset
        first = int(begin / self._interval_s + _ROUNDING) + 1
        first += (self._peers.rank - first) % self._peers.count
        numbers = range(first, first + count * self._peers.count, self._peers.count)
        slots = [number * self._interval_s - offset for number in numbers]
        if isinstance(self._mode, Returning):
            slots = [slot for slot in slots if slot < self._mode.at]
        self._mode = replace(self._mode, until=max(self._mode.until, *slots, now))
        return slots
