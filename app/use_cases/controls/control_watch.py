"""The controls as a process knows them: read when a change is announced, and anew every so often.

Announcements come by Redis, which may be away; LISTEN would need a session of its own, which pgbouncer in transaction mode gives to
none. So each process also looks for itself, often enough that every worker knows a change within a second.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from app.domain.errors import Unavailable
from app.domain.operators.control import NO_CONTROLS, SYSTEM, Control, ControlKind, Controls
from app.postgres.control_rows import expire_controls, read_controls
from app.postgres.database import Pool, connected, reading
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import Clock
from app.runtime.periodic import LogThrottle

log: Final = structlog.get_logger(__name__)

WORKERS_EVERY_S: Final = 0.5
"""A change is in every worker within a second, also without an announcement."""
APIS_EVERY_S: Final = 3.0
"""They only show what is paused."""


def _do_nothing(_: Controls) -> None: ...


class ControlWatch:
    """Its owner runs `run` as a part, and has `notify` called when a change is announced.

    `on_change` is called with the controls in force, at the first look and whenever they have changed.
    """

    def __init__(
        self, pool: Pool, clock: Clock, on_change: Callable[[Controls], None] = _do_nothing, *, every_s: float
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._on_change = on_change
        self._every_s = every_s
        self._rows: tuple[Control, ...] = ()
        self._notified = asyncio.Event()
        self._waiting = LogThrottle(clock)
        self.known = asyncio.Event()
        """Set once they have been read."""
        self.in_force: Controls = NO_CONTROLS

    def notify(self, _message: str = "") -> None:
        """Something has changed."""
        self._notified.set()

    def get(self, kind: ControlKind, subject: str) -> Control | None:
        """The control in force."""
        return self.in_force.get((kind, subject))

    async def run(self) -> None:
        while True:
            raise_if_cancelled()
            await self.run_once()
            try:
                async with asyncio.timeout(self._wait_s()):
                    await self._notified.wait()
            except TimeoutError:
                pass

    async def run_once(self) -> None:
        """Looks once. Without PostgreSQL what is known holds, each control as long as it was ordered."""
        self._notified.clear()
        try:
            async with reading(self._pool) as connection:
                self._rows = tuple(await read_controls(connection))
            await self._expire()
        except Unavailable as error:
            if self._waiting.is_due:
                log.warning("controls.wait", of=error.of, error=str(error))
            self._apply()
        else:
            self._apply()
            self.known.set()

    async def _expire(self) -> None:
        now = self._clock.now()
        if any(row.is_over(now) for row in self._rows):
            async with connected(self._pool) as connection:
                await expire_controls(connection, now, SYSTEM)

    def _apply(self) -> None:
        now = self._clock.now()
        in_force = {(row.kind, row.subject): row for row in self._rows if not row.is_over(now)}
        before, self.in_force = self.in_force, in_force
        for key, control in in_force.items():
            known = before.get(key)
            if known is None or known.version != control.version:
                log.warning("control.applied", **_logged(control))
        for key, control in before.items():
            if key not in in_force:
                log.warning("control.lifted", **_logged(control))
        if in_force != before or not self.known.is_set():
            self._on_change(in_force)

    def _wait_s(self) -> float:
        """Until the next look, or until the next control has had its time."""
        ends = [self._clock.seconds_until(one.until) for one in self.in_force.values() if one.until]
        return max(0.0, min([self._every_s, *ends]))


def _logged(control: Control) -> dict[str, object]:
    """All but the reason, which is free text: the audit has it."""
    return {
        "kind": control.kind.value,
        "subject": control.subject,
        "setting": control.setting,
        "author": control.author,
        "until": control.until.isoformat() if control.until else None,
    }
