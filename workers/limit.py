"""Rate limits of one insurer, over all workers together: slots on a grid of Redis's time, reserved a few at a time.

Slots are spread evenly, a little wider than agreed, so that what is delayed on the way still never comes too densely;
one that cannot be used in its moment is lost. Without Redis each worker takes every n-th slot of the same grid.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from app.cancelling import end_if_cancelled
from app.clock import Clock
from app.domain.errors import OurLimit
from app.insurers import InsurerSettings
from app.observability import metrics
from app.streams.connection import GONE
from app.streams.insurer_states import InsurerStates
from app.units import Rate

log: Final = structlog.get_logger(__name__)

PACE: Final = 0.97
"""The share of a limit that is used: what comes up to 30 ms late keeps the limit all the same."""
RESERVED_S_MOST: Final = 0.1
"""Of the limit, by one worker: if it stalls, what it has reserved is lost."""
LATE_S_MOST: Final = 0.02
"""A slot may be used so long after its moment, and be given so long after it to who comes late."""
PAUSE_S_MOST: Final = 60.0
"""No request lives longer: whoever comes then is told again."""
SWITCH_S: Final = 0.5
"""All workers notice within it that Redis is gone, or back; until then none takes more than its share."""
_LOOK_EVERY_S: Final = 0.25
_AGAIN_S: Final = 0.001
_OFFSETS: Final = 16


@dataclass(slots=True)
class Peers:
    """Who else works, and whether Redis is there to agree with them. `rank`: this worker's place among `count`."""

    is_redis_there: bool = True
    rank: int = 0
    count: int = 1


class RateLimit:
    """The limit of one step at one insurer: `create` or `poll`. Without a rate it only keeps pauses."""

    def __init__(
        self, insurer_id: str, step: str, rate: Rate | None, states: InsurerStates, peers: Peers, clock: Clock
    ) -> None:
        self._insurer_id = insurer_id
        self._step = step
        self._interval_s = 0.0 if rate is None else 1 / (rate.per_second * PACE)
        self._batch = 1 if rate is None else max(1, int(RESERVED_S_MOST / self._interval_s))
        self._states = states
        self._peers = peers
        self._clock = clock
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._reserving: asyncio.Task[None] | None = None
        """Under way while the slots that are left are used; whoever finds none waits for it."""
        self._slots: deque[float] = deque()
        """Monotonic moments, the next one first."""
        self._paused_until = float("-inf")
        self._offsets: deque[float] = deque(maxlen=_OFFSETS)
        """Redis's time less ours. A delayed reply makes it smaller, so that the greatest is the truest."""
        self._alone_from: float | None = None
        """Since when, or from when, this worker goes by its share of the grid; None: by Redis."""
        self._alone_until = float("-inf")
        """Its last slot of the share."""
        self._together_from: float | None = None
        """When it goes by Redis again."""

    async def take(self, left_s: Callable[[], float], check: Callable[[], None]) -> None:
        """Returns when a call may be made; calls are let through in the order in which they came.

        `left_s` tells how much time there is; `check` raises where waiting has become pointless.

        Raises:
            OurLimit: there is not enough time.
        """
        if not self._interval_s and self._clock.monotonic() >= self._paused_until:
            return
        began_at = self._clock.monotonic()
        try:
            await self._take(left_s, check)
        finally:
            waited_s = self._clock.monotonic() - began_at
            metrics.LIMITED.labels(self._insurer_id, self._step).observe(waited_s)

    def pause(self, seconds: float) -> None:
        """Nobody in this worker calls for so long."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + min(seconds, PAUSE_S_MOST))

    async def _take(self, left_s: Callable[[], float], check: Callable[[], None]) -> None:
        # Whatever the others do, those who wait here go first.
        self._refuse_beyond(left_s(), self._paused_s() + self._waiting * self._interval_s)
        self._waiting += 1
        try:
            async with self._turn:
                while True:
                    end_if_cancelled()
                    check()
                    wait_s = await self._wait_s()
                    if wait_s <= 0:
                        break
                    self._refuse_beyond(left_s(), wait_s)
                    await self._clock.sleep(min(wait_s, _LOOK_EVERY_S))
                if self._slots:
                    self._slots.popleft()
        finally:
            self._waiting -= 1

    def _refuse_beyond(self, left_s: float, wait_s: float) -> None:
        if wait_s >= left_s:
            raise OurLimit("our own limit", wait_s)

    def _paused_s(self) -> float:
        return max(0.0, self._paused_until - self._clock.monotonic())

    async def _wait_s(self) -> float:
        """Seconds until the next slot."""
        if paused_s := self._paused_s():
            self._slots.clear()
            return paused_s
        if not self._interval_s:
            return 0.0
        self._drop_late()
        wanted = min(self._waiting, self._batch)
        if len(self._slots) <= wanted // 2 and (self._reserving is None or self._reserving.done()):
            self._reserving = asyncio.create_task(self._reserve(wanted - len(self._slots)))
        if not self._slots and self._reserving:
            await asyncio.shield(self._reserving)
            self._drop_late()
        return self._slots[0] - self._clock.monotonic() if self._slots else _AGAIN_S

    def _drop_late(self) -> None:
        late = self._clock.monotonic() - LATE_S_MOST
        while self._slots and self._slots[0] < late:
            self._slots.popleft()

    async def _reserve(self, count: int) -> None:
        try:
            if self._peers.is_redis_there and await self._is_together():
                await self._reserve_together(count)
                return
        except GONE as error:
            log.debug("limit.alone", insurer=self._insurer_id, error=type(error).__name__)
            self._peers.is_redis_there = False
        self._slots.extend(self._share(self._clock.monotonic(), count))

    async def _is_together(self) -> bool:
        """Whether this worker goes by Redis. Who comes back keeps to its share until all others have come back too."""
        now = self._clock.monotonic()
        if self._alone_from is None or now > self._alone_until + SWITCH_S:
            self._alone_from = self._together_from = None
            return True
        if self._together_from is None:
            await self._states.reserve(
                self._insurer_id, self._step, interval_s=self._interval_s, count=0, hold_s=SWITCH_S
            )
            self._together_from = now + SWITCH_S
        if now < self._together_from:
            return False
        self._alone_from = self._together_from = None
        self._slots.clear()
        return True

    async def _reserve_together(self, count: int) -> None:
        slots = await self._states.reserve(
            self._insurer_id, self._step, interval_s=self._interval_s, count=count, hold_s=-LATE_S_MOST
        )
        self._offsets.append(slots.now_s - self._clock.monotonic())
        first = slots.first_s - max(self._offsets)
        self._slots.extend(first + number * self._interval_s for number in range(count))

    def _share(self, now: float, count: int) -> list[float]:
        """Every n-th slot of the grid is this worker's; the first ones only when everybody has noticed."""
        if self._alone_from is None:
            self._alone_from = self._alone_until = now + SWITCH_S
            self._slots.clear()
        offset = max(self._offsets, default=0.0)
        begin = max(self._alone_from, self._alone_until, now) + offset
        first = int(begin / self._interval_s) + 1
        first += (self._peers.rank - first) % self._peers.count
        numbers = range(first, first + count * self._peers.count, self._peers.count)
        slots = [number * self._interval_s - offset for number in numbers]
        if self._together_from is not None:
            slots = [slot for slot in slots if slot < self._together_from]
        self._alone_until = max(self._alone_until, *slots, now)
        return slots


class Limits:
    """Both limits of one insurer."""

    def __init__(self, settings: InsurerSettings, states: InsurerStates, peers: Peers, clock: Clock) -> None:
        self._insurer_id = settings.id
        self._states = states
        self.of = {
            step: RateLimit(settings.id, step, rate, states, peers, clock)
            for step, rate in (("create", settings.rate_limit), ("poll", settings.poll_rate_limit))
        }

    async def pause(self, seconds: float, *steps: str) -> None:
        """The insurer asks for patience: no worker calls these steps for so long."""
        for step in steps:
            self.of[step].pause(seconds)
            try:
                await self._states.pause(self._insurer_id, step, min(seconds, PAUSE_S_MOST))
            except GONE as error:
                log.debug("limit.untold", insurer=self._insurer_id, error=type(error).__name__)
