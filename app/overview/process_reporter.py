"""Reports on this process every two seconds, whether or not a viewer is there: what happened before is of interest afterwards."""

import contextlib
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.domain.errors import RedisAway
from app.observability.recent_activity import RECENT
from app.observability.recent_calls import RECENT_CALLS
from app.readiness import ReadinessMonitor
from app.redis.fleet.process_health import ProcessHealth
from app.redis.fleet.process_reports import FORM, LaneReport, ProcessReport, ProcessReports
from app.redis.notifier import Notifier
from app.redis.redis_client import RedisClient
from app.runtime.clock import Clock
from app.runtime.periodic import periodic
from app.runtime.supervision import Part

REPORT_EVERY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class ProcessState:
    """The state that only the process itself knows: the parts that keep failing, how it finds its servers, its lanes, its open sockets."""

    is_draining: bool
    failing: Sequence[str]
    health: ProcessHealth = field(default_factory=ProcessHealth)
    lanes: Mapping[str, LaneReport] = field(default_factory=dict[str, LaneReport])
    sockets: int = 0


class ProcessReporter:
    """The reports of one process. `state` is called for each of them."""

    def __init__(
        self, redis: RedisClient, clock: Clock, *, kind: str, name: str, state: Callable[[], ProcessState]
    ) -> None:
        self._reports = ProcessReports(redis)
        self._clock = clock
        self._kind = kind
        self._name = name
        self._state = state
        self._started_at = clock.now()

    def part(self) -> Part:
        return periodic("report", self.run_once, every_s=REPORT_EVERY_S, clock=self._clock)

    async def run_once(self) -> None:
        """Reports once.

        Raises:
            RedisAway: Redis is not there.
        """
        state = self._state()
        await self._reports.write(
            ProcessReport(
                form=FORM,
                kind=self._kind,
                name=self._name,
                host=socket.gethostname(),
                pid=os.getpid(),
                started_at=self._started_at,
                is_draining=state.is_draining,
                failing=tuple(state.failing),
                lanes=dict(state.lanes),
                sockets=state.sockets,
                activity=RECENT.activity(),
                calls=RECENT_CALLS.calls(),
                health=state.health,
            )
        )

    async def leave(self) -> None:
        """The process ends as it should; without this it is shown as lost for a minute."""
        with contextlib.suppress(RedisAway):
            await self._reports.withdraw(self._name)


def health_of(readiness: ReadinessMonitor, notifier: Notifier, clock: Clock) -> ProcessHealth:
    """How this process finds what it depends on."""
    looks = {name: round(seconds, 4) for name, seconds in readiness.looks.items()}
    unheard_s = notifier.unheard_s
    return ProcessHealth(looks, round(clock.ahead_s, 3), None if unheard_s is None else round(unheard_s, 1))
