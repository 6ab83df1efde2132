"""Operators' controls as this worker applies them: gates, limits, circuits, and whether it drains."""

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from app.domain.errors import Unavailable
from app.domain.operators.control import ControlKind, Controls, ForcedCircuit, PauseMode
from app.observability import metrics
from app.resources import Resources
from app.runtime.supervision import Part
from app.use_cases.controls.control_watch import WORKERS_EVERY_S, ControlWatch
from workers.resilience.circuit_breaker import SharedBreaker
from workers.resilience.pause_gate import PauseGate
from workers.resilience.rate_limit import RateLimits

log: Final = structlog.get_logger(__name__)

_STEPS: Final = ((ControlKind.LIMIT, "create"), (ControlKind.POLL_LIMIT, "poll"))


class AppliedControls:
    """Applies them to the parts of this worker. Its owner runs `parts`, and has `notify` called when a change is announced."""

    def __init__(
        self,
        resources: Resources,
        circuits: Mapping[str, SharedBreaker],
        limits: Mapping[str, RateLimits],
        consumer: str,
    ) -> None:
        self._orders = resources.controls
        self._clock = resources.clock
        self._circuits = circuits
        self._limits = limits
        self._consumer = consumer
        self._watch = ControlWatch(resources.pool, resources.clock, self.apply, every_s=WORKERS_EVERY_S)
        self.gates = {insurer_id: PauseGate() for insurer_id in circuits}
        self.known = self._watch.known
        """Set once they have been read: no job is begun before."""
        self.draining = asyncio.Event()
        """Set when this worker is to end."""
        self.notify = self._watch.notify

    def parts(self) -> list[Part]:
        return [Part("controls", self._watch.run)]

    def apply(self, controls: Controls) -> None:
        """Goes by these controls from now on."""
        now = self._clock.now()
        for insurer_id, gate in self.gates.items():
            pause, circuit = (controls.get((kind, insurer_id)) for kind in (ControlKind.PAUSE, ControlKind.CIRCUIT))
            gate.set(PauseMode(pause.setting) if pause else None, now)
            self._circuits[insurer_id].force(ForcedCircuit(circuit.setting) if circuit else None)
            for kind, step in _STEPS:
                self._limits[insurer_id].set_control(step, controls.get((kind, insurer_id)))
            metrics.PAUSED.labels(insurer_id).set(pause is not None)
        if (ControlKind.DRAIN, self._consumer) in controls:
            self.draining.set()
        for kind in ControlKind:
            metrics.CONTROLS.labels(kind.value).set(sum(one is kind for one, _ in controls))

    async def drained(self) -> None:
        """This worker has ended: if it was ordered to, the order is done with."""
        if self.draining.is_set():
            try:
                await self._orders.drained(self._consumer)
            except Unavailable as error:  # it goes when its time is up
                log.info("control.left_to_expire", consumer=self._consumer, error=str(error))
