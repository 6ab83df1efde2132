"""Insurers as customers see them: their names, and what the workers say of their circuits."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.domain.insurer import Availability, Insurer
from app.redis.insurer_states import InsurerStates
from app.redis.redis_client import Client
from app.redis.topology import GONE
from app.runtime.clock import Clock

FRESH_S: Final = 0.1
"""For so long an answer of Redis's is used again: one read serves a whole response."""


class Availabilities:
    """Names from the settings, availability from Redis; without Redis everybody counts as available."""

    def __init__(self, insurers: Sequence[Insurer], redis: Client, clock: Clock) -> None:
        self._insurers = {insurer.id: insurer for insurer in insurers}
        self.ids = tuple(self._insurers)
        self._states = InsurerStates(redis)
        self._clock = clock
        self._read_at = float("-inf")
        self._known: Mapping[str, Availability] = {}

    @property
    def insurers(self) -> Sequence[Insurer]:
        return list(self._insurers.values())

    def insurer(self, insurer_id: str) -> Insurer:
        """Requests outlive the settings: an insurer that is configured no more goes by its id."""
        return self._insurers.get(insurer_id) or Insurer(insurer_id, insurer_id)

    async def of(self, insurer_id: str) -> Availability:
        if self._clock.monotonic() - self._read_at > FRESH_S:
            self._read_at = self._clock.monotonic()
            self._known = await self._read()
        return self._known.get(insurer_id, Availability.AVAILABLE)

    async def _read(self) -> Mapping[str, Availability]:
        try:
            states = await self._states.read(list(self._insurers))
        except GONE:
            return {}
        return {id_: state.availability for id_, state in states.of.items()}
