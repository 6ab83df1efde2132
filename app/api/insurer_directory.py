"""Insurers as customers see them: their names, what the workers say of their circuits, and what operators have ordered."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from app.domain.errors import RedisAway
from app.domain.insurer import Availability, Insurer
from app.domain.operators.control import ControlKind, ForcedCircuit
from app.redis.insurer_states import InsurerStates
from app.redis.redis_client import RedisClient
from app.runtime.clock import Clock
from app.runtime.supervision import failures_of, report_failure
from app.use_cases.controls.control_watch import ControlWatch

FRESH_S: Final = 0.1
"""Seconds for which an answer of Redis's is used again: one read serves a whole response."""
READ_S_MAX: Final = 0.2
AWAY_S: Final = 1.0
"""A Redis that is away, or hangs, is asked again after so long."""


class InsurerDirectory:
    """Names from the settings, availability from Redis and from operators' controls; without Redis every insurer counts as available."""

    def __init__(
        self, insurers: Sequence[Insurer], redis: RedisClient, clock: Clock, controls: ControlWatch | None = None
    ) -> None:
        self._insurers = {insurer.id: insurer for insurer in insurers}
        self.ids = tuple(self._insurers)
        self._states = InsurerStates(redis)
        self._clock = clock
        self._controls = controls
        self._read_from_s = float("-inf")
        failures_of("availabilities")
        self._known: Mapping[str, Availability] = {}

    @property
    def insurers(self) -> Sequence[Insurer]:
        return list(self._insurers.values())

    def insurer(self, insurer_id: str) -> Insurer:
        """Requests outlive the settings: an insurer that is configured no more goes by its id."""
        return self._insurers.get(insurer_id) or Insurer(insurer_id, insurer_id)

    async def of(self, insurer_id: str) -> Availability:
        """As Redis has it, or had it last: it stands between a commit and its answer, and so waits for little and raises nothing."""
        now_s = self._clock.monotonic()
        if now_s >= self._read_from_s:
            self._read_from_s = now_s + FRESH_S
            await self._read()
        return self._ordered(insurer_id) or self._known.get(insurer_id, Availability.AVAILABLE)

    def _ordered(self, insurer_id: str) -> Availability | None:
        """As operators have it, where they have ordered something."""
        if self._controls is None:
            return None
        if self._controls.get(ControlKind.PAUSE, insurer_id):
            return Availability.UNAVAILABLE
        circuit = self._controls.get(ControlKind.CIRCUIT, insurer_id)
        if circuit is None:
            return None
        is_open = circuit.setting == ForcedCircuit.OPEN
        return Availability.UNAVAILABLE if is_open else Availability.AVAILABLE

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(READ_S_MAX):
                states = await self._states.read(list(self._insurers))
        except (RedisAway, TimeoutError):
            self._forget()
        except Exception as error:  # noqa: BLE001 - the request is committed: its answer waits
            report_failure("availabilities", error)
            self._forget()
        else:
            self._known = {id_: state.availability for id_, state in states.of.items()}

    def _forget(self) -> None:
        self._known = {}
        self._read_from_s = self._clock.monotonic() + AWAY_S
