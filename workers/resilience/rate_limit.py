"""The rate limits of one insurer, and its wish not to be called for a while: calls are admitted in the order of coming.

The limit itself is `workers.resilience.slot_reservations`'s; here the waiting calls are queued.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from app.config.insurers_file import InsurerSettings
from app.config.quantities import Rate
from app.domain.errors import InsurerError, OurLimit, RedisAway
from app.domain.operators.control import Control
from app.observability import metrics
from app.redis.insurer_states import InsurerStates
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import Clock
from app.use_cases.controls.operator_controls import control_rate
from workers.resilience.slot_reservations import Peers, SlotGrid

log: Final = structlog.get_logger(__name__)

PAUSE_S_MAX: Final = 60.0
"""No request lives longer; a later one gets a 429 of its own."""
_LOOK_EVERY_S: Final = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    turn: asyncio.Future[float | None]
    left_s: Callable[[], float]
    check: Callable[[], None]

    def refuse(self, error: InsurerError) -> None:
        if not self.turn.done():
            self.turn.set_exception(error)


class RateLimit:
    """The limit of one step at one insurer: `create` or `poll`. Without a rate it only keeps pauses."""

    def __init__(
        self, insurer_id: str, step: str, rate: Rate | None, states: InsurerStates | None, peers: Peers, clock: Clock
    ) -> None:
        self._waited = metrics.LIMITED.labels(insurer_id, step)
        self._make = partial(_slot_grid, insurer_id, step, states, peers, clock)
        self._slots = self._make(rate)
        self._clock = clock
        self._line: deque[_Waiter] = deque()
        self._letting: asyncio.Task[None] | None = None
        """Admits waiting calls, while there are any."""
        self._paused_until = float("-inf")

    @property
    def has_rate(self) -> bool:
        return self._slots is not None

    def set_rate(self, rate: Rate | None, version: int) -> None:
        """Limits by another rate from now on, the one of a control of this version, or the file's (0). None: not at all."""
        self._slots = self._make(rate, version=version, before=self._slots)

    async def take(self, left_s: Callable[[], float], check: Callable[[], None]) -> float | None:
        """Returns when a call may be made, with the moment of its slot; calls are let through in the order of coming.

        `left_s` returns how much time there is; `check` raises where waiting has become pointless. Without a rate there are
        no slots, and None is returned.

        Raises:
            OurLimit: there is not enough time.
        """
        if not self._line and not self._paused_s():
            if self._slots is None:
                return None
            if (slot := self._slots.use()) is not None:
                self._waited.observe(0)
                return slot
        began_at = self._clock.monotonic()
        try:
            return await self._wait(_Waiter(asyncio.get_running_loop().create_future(), left_s, check))
        finally:
            self._waited.observe(self._clock.monotonic() - began_at)

    async def keep(self, slot: float | None) -> None:
        """Returns when a request may be sent that was let through for this slot: at once, while its moment is not past.

        After that the slot is lost, and the request goes with the next one, before those that wait for their first. None:
        it has no slot yet. It never gives up: the caller has an end of its own.
        """
        while (slots := self._slots) is not None and (slot is None or self._paused_s() or slots.is_lost(slot)):
            raise_if_cancelled()
            slot = None if self._paused_s() else slots.use()
            if slot is None:
                waiter = _Waiter(asyncio.get_running_loop().create_future(), lambda: float("inf"), lambda: None)
                slot = await self._join(waiter, is_first=True)

    def pause(self, seconds: float) -> None:
        """No call of this worker begins for so long."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + min(seconds, PAUSE_S_MAX))

    async def _wait(self, waiter: _Waiter) -> float | None:
        # Without regard to other workers, the calls that wait here go first.
        interval_s = self._slots.interval_s if self._slots else 0.0
        soonest_s = self._paused_s() + len(self._line) * interval_s
        if soonest_s >= waiter.left_s():
            raise OurLimit("our own limit", soonest_s)
        return await self._join(waiter)

    async def _join(self, waiter: _Waiter, *, is_first: bool = False) -> float | None:
        self._line.appendleft(waiter) if is_first else self._line.append(waiter)
        if self._letting is None or self._letting.done():
            self._letting = asyncio.create_task(self._let_through())
        return await waiter.turn

    async def _let_through(self) -> None:
        """Until no call waits."""
        try:
            while self._line:
                raise_if_cancelled()
                wait_s = await self._next_in_s()
                self._dismiss(wait_s)
                if wait_s > 0:
                    await self._clock.sleep(min(wait_s, _LOOK_EVERY_S))
                self._call_up()
        except Exception as error:  # noqa: BLE001 - it is raised again in every waiting call
            for waiter in self._line:
                if not waiter.turn.done():
                    waiter.turn.set_exception(error)
            self._line.clear()

    async def _next_in_s(self) -> float:
        if paused_s := self._paused_s():
            return paused_s
        return await self._slots.next_in_s(len(self._line)) if self._slots else 0.0

    def _dismiss(self, wait_s: float) -> None:
        """Ends the waits that are pointless: the circuit has opened, or there is not enough time."""
        while self._line and (self._line[0].turn.done() or not self._is_let(self._line[0])):
            self._line.popleft()
        if wait_s > _LOOK_EVERY_S:
            for waiter in self._line:
                if wait_s >= waiter.left_s():
                    waiter.refuse(OurLimit("our own limit", wait_s))

    def _call_up(self) -> None:
        """Admits the first, as long as there are slots."""
        while self._line:
            waiter = self._line[0]
            if not waiter.turn.done() and self._is_let(waiter):
                if self._paused_s():
                    return
                slot = self._slots.use() if self._slots else None
                if self._slots and slot is None:
                    return
                waiter.turn.set_result(slot)
            self._line.popleft()

    def _is_let(self, waiter: _Waiter) -> bool:
        try:
            waiter.check()
        except InsurerError as error:
            waiter.refuse(error)
            return False
        return True

    def _paused_s(self) -> float:
        """For how long no call is admitted; what was reserved is given up."""
        paused_s = max(0.0, self._paused_until - self._clock.monotonic())
        if paused_s and self._slots:
            self._slots.clear()
        return paused_s


def _slot_grid(
    insurer_id: str,
    step: str,
    states: InsurerStates | None,
    peers: Peers,
    clock: Clock,
    rate: Rate | None,
    *,
    version: int = 0,
    before: SlotGrid | None = None,
) -> SlotGrid | None:
    if rate is None or states is None:
        return None
    return SlotGrid(insurer_id, step, rate, states, peers, clock, version=version, before=before)


class Turn:
    """One step's turn under a limit: taken before the step begins, and kept by each request that it sends."""

    def __init__(self, limit: RateLimit, left_s: Callable[[], float], check: Callable[[], None]) -> None:
        self._limit = limit
        self._left_s = left_s
        self._check = check
        self._slot: float | None = None

    async def take(self) -> None:
        """As `RateLimit.take`, and raises what it raises."""
        self._slot = await self._limit.take(self._left_s, self._check)
        self._check()  # it may have waited for a trial of the circuit before

    async def keep(self) -> None:
        """As `RateLimit.keep`. The first request of the step has the slot that was taken; another one needs another."""
        slot, self._slot = self._slot, None
        await self._limit.keep(slot)


class RateLimits:
    """Both limits of one insurer. Without `states` they are not shared, and only pauses are kept."""

    def __init__(
        self,
        settings: InsurerSettings,
        clock: Clock,
        states: InsurerStates | None = None,
        peers: Peers | None = None,
    ) -> None:
        self._insurer_id = settings.id
        self._states = states
        self._rates = {"create": settings.rate_limit, "poll": settings.poll_rate_limit}
        self._versions = dict.fromkeys(self._rates, 0)
        self.of = {
            step: RateLimit(settings.id, step, rate, states, peers or Peers(), clock)
            for step, rate in self._rates.items()
        }

    def set_control(self, step: str, control: Control | None) -> None:
        """A control's rate stands in place of the file's; None: the file's."""
        version = control.version if control else 0
        if version != self._versions[step]:
            self._versions[step] = version
            self.of[step].set_rate(control_rate(control) if control else self._rates[step], version)

    async def pause(self, seconds: float, *steps: str) -> None:
        """The insurer asks for patience: no worker calls these steps for so long."""
        for step in steps:
            self.of[step].pause(seconds)
            if self._states is None:
                continue
            try:
                await self._states.pause(self._insurer_id, step, min(seconds, PAUSE_S_MAX))
            except RedisAway as error:
                log.debug("limit.unpublished", insurer=self._insurer_id, error=str(error))
