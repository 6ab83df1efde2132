"""The state of insurers that all processes share: open circuits, the trial of a half-open one, pauses, rate slots.

Every change notifies `keys.insurers()`. Redis may lose all of it: then every worker decides by its own calls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.domain.insurer import Availability
from app.redis import keys
from app.redis.lua_scripts import (
    CLAIM_TRIAL,
    COUNT_UNANSWERED,
    INSURER_STATES,
    LEAVE_TRIAL,
    NOTIFY,
    OPEN_CIRCUIT,
    PAUSE,
    RESERVE,
)
from app.redis.redis_client import RedisClient

STEPS: Final = ("create", "poll")
_SECOND_US: Final = 1_000_000
REMEMBERED_S: Final = 86_400.0
"""Seconds for which an open circuit, and a row of jobs without an answer, wait for the next job: nights are quiet."""


@dataclass(frozen=True, slots=True)
class OpenCircuit:
    """Open for so many seconds more; half open where none are left. `openings`: how often in a row before.

    `needs_answer`: jobs without an answer have opened it, so that a call that goes well does not close it.
    """

    open_s: float
    openings: int
    needs_answer: bool = False


@dataclass(frozen=True, slots=True)
class InsurerState:
    """An insurer's circuit (None: closed), for how many seconds a step is not called, and the jobs in a row that it has
    left without an answer.
    """

    circuit: OpenCircuit | None = None
    unanswered: int = 0
    paused_s: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def availability(self) -> Availability:
        if self.circuit is None:
            return Availability.AVAILABLE
        return Availability.UNAVAILABLE if self.circuit.open_s > 0 else Availability.RECOVERING


@dataclass(frozen=True, slots=True)
class States:
    """The states of all requested insurers, and the consumers with a fresh beat."""

    of: Mapping[str, InsurerState]
    working: Sequence[str]


@dataclass(frozen=True, slots=True)
class ReservedSlots:
    """Slots of a rate limit, in seconds of Redis's time; `now_s` is when they were given."""

    now_s: float
    first_s: float


class InsurerStates:
    """All of it, in one Redis. Every method raises redis-py's errors when Redis is not there."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    async def read(self, insurers: Sequence[str], *, lease_s: float = 0) -> States:
        """The states of these insurers."""
        names = [keys.heartbeats(0), *(keys.circuit(id_) for id_ in insurers)]
        names += [keys.unanswered(id_) for id_ in insurers]
        names += [keys.pause(id_, step) for id_ in insurers for step in STEPS]
        now_us, working, values = await INSURER_STATES.run(self._client, names, [int(lease_s * 1000)])
        count = len(insurers)
        circuits, rows, pauses = values[:count], values[count : 2 * count], iter(values[2 * count :])
        of: dict[str, InsurerState] = {}
        for id_, circuit, row in zip(insurers, circuits, rows, strict=True):
            paused = {step: (int(till) - now_us) / _SECOND_US for step in STEPS if (till := next(pauses))}
            of[id_] = InsurerState(_open_circuit(now_us, circuit) if circuit else None, int(row or 0), paused)
        return States(of, working)

    async def open(
        self, insurer_id: str, *, first_s: float, max_s: float, jitter: float, needs_answer: bool
    ) -> OpenCircuit:
        """Opens a circuit, for longer each time in a row; returns its state, for another worker may have been quicker."""
        names = [keys.circuit(insurer_id), keys.trial(insurer_id), keys.unanswered(insurer_id)]
        lasting = [int(first_s * 1000), int(max_s * 1000), f"{jitter:.4f}", int(REMEMBERED_S * 1000)]
        arguments = [*lasting, int(needs_answer), keys.insurers(), insurer_id]
        now_us, circuit = await OPEN_CIRCUIT.run(self._client, names, arguments)
        return _open_circuit(now_us, circuit)

    async def close(self, insurer_id: str) -> None:
        """The insurer answers again."""
        await self._client.delete(keys.circuit(insurer_id), keys.trial(insurer_id), keys.unanswered(insurer_id))
        await NOTIFY.run(self._client, [keys.insurers()], [insurer_id])

    async def claim_trial(self, insurer_id: str, token: str, *, lasts_s: float) -> bool:
        """Whether this job is the one trial of a half-open circuit in the whole cluster, for so long without another call."""
        return bool(await CLAIM_TRIAL.run(self._client, [keys.trial(insurer_id)], [token, int(lasts_s * 1000)]))

    async def count_unanswered(self, insurer_id: str) -> int:
        """Counts a job that has ended without an answer; returns how many there are in a row now, over all workers."""
        arguments = [int(REMEMBERED_S * 1000), keys.insurers(), insurer_id]
        return int(await COUNT_UNANSWERED.run(self._client, [keys.unanswered(insurer_id)], arguments))

    async def end_row(self, insurer_id: str) -> None:
        """A job has been answered."""
        await self._client.delete(keys.unanswered(insurer_id))
        await NOTIFY.run(self._client, [keys.insurers()], [insurer_id])

    async def leave_trial(self, insurer_id: str, token: str) -> None:
        """Gives up a trial that proved nothing: the next job may try."""
        await LEAVE_TRIAL.run(self._client, [keys.trial(insurer_id)], [token, keys.insurers(), insurer_id])

    async def pause(self, insurer_id: str, step: str, seconds: float) -> None:
        """No worker calls this step for so long."""
        await PAUSE.run(
            self._client, [keys.pause(insurer_id, step)], [int(seconds * 1000), keys.insurers(), insurer_id]
        )

    async def reserve(
        self, insurer_id: str, step: str, *, interval_s: float, count: int, hold_s: float, version: int = 0
    ) -> ReservedSlots:
        """The next free slots of a rate limit, none of them before `hold_s` from now; negative: lately free ones too.

        `version`: of the control that has set the limit; 0: it is the file's.
        """
        arguments = [f"{interval_s * _SECOND_US:.3f}", count, int(hold_s * _SECOND_US)]
        now_us, first_us = await RESERVE.run(self._client, [keys.limit(insurer_id, step, version)], arguments)
        return ReservedSlots(now_us / _SECOND_US, int(first_us) / _SECOND_US)


def _open_circuit(now_us: int, value: str) -> OpenCircuit:
    till, openings, *needs_answer = value.split()
    return OpenCircuit((int(till) - now_us) / _SECOND_US, int(openings), needs_answer == ["1"])
