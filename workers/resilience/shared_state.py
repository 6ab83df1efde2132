"""Circuits and pauses of the other workers, as this one knows them: notified within milliseconds, reread now and then."""

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from app.domain.errors import RedisAway
from app.redis.insurer_states import InsurerStates, States
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import Clock
from workers.resilience.circuit_breaker import SharedBreaker
from workers.resilience.rate_limit import RateLimits
from workers.resilience.slot_reservations import Peers

log: Final = structlog.get_logger(__name__)

EVERY_S: Final = 1.0
AWAY_EVERY_S: Final = 0.2


class ClusterState:
    """Its owner runs `run` as a part, and has `notify` called when an insurer's state has changed."""

    def __init__(
        self,
        states: InsurerStates,
        peers: Peers,
        circuits: Mapping[str, SharedBreaker],
        limits: Mapping[str, RateLimits],
        clock: Clock,
        *,
        consumer: str,
        lease_s: float,
    ) -> None:
        self._states = states
        self._peers = peers
        self._circuits = circuits
        self._limits = limits
        self._clock = clock
        self._consumer = consumer
        self._lease_s = lease_s
        self._notified = asyncio.Event()
        self._away_at = float("-inf")

    def notify(self, insurer_id: str) -> None:
        """This insurer's shared state has changed."""
        if insurer_id in self._circuits:
            self._notified.set()

    async def run(self) -> None:
        while True:
            raise_if_cancelled()
            await self.run_once()
            try:
                async with asyncio.timeout(EVERY_S if self._peers.is_redis_there else AWAY_EVERY_S):
                    await self._notified.wait()
            except TimeoutError:
                pass

    async def run_once(self) -> None:
        """Takes over what is shared, and shares what could not be shared before."""
        self._notified.clear()
        try:
            for circuit in self._circuits.values():
                await circuit.share()
            states = await self._states.read(list(self._circuits), lease_s=self._lease_s)
        except RedisAway as error:
            log.debug("sharing.waits", of=error.of, error=str(error))
            self._peers.is_redis_there = False
            self._away_at = self._clock.monotonic()
            return
        self._peers.is_redis_there = True
        self._apply(states)

    def _apply(self, states: States) -> None:
        # After an outage every worker looks dead until its next beat.
        if self._clock.monotonic() >= self._away_at + self._lease_s:
            working = sorted({*states.working, self._consumer})
            self._peers.rank, self._peers.count = working.index(self._consumer), len(working)
        for insurer_id, state in states.of.items():
            self._circuits[insurer_id].apply(state.circuit, unanswered=state.unanswered)
            for step, seconds in state.paused_s.items():
                self._limits[insurer_id].of[step].pause(seconds)
