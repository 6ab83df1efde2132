"""Changing controls: each verb once, for the console and the command line.

A control is a row in PostgreSQL; Redis only announces that there is something to read. So a flush or a restart loses none.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

import structlog

from app.config.quantities import Rate, parse_rate
from app.domain.errors import ControlRefused, RedisAway
from app.domain.operators.control import (
    SYSTEM,
    AuditAction,
    AuditEntry,
    Control,
    ControlKind,
    ForcedCircuit,
    Order,
    PauseMode,
)
from app.postgres.control_rows import (
    forget_audit,
    lift_control,
    read_audit,
    read_controls,
    record_action,
    set_control,
)
from app.postgres.database import Pool, connected, reading
from app.redis import keys
from app.redis.fleet.worker_reports import LiveWorker, WorkerReports
from app.redis.lua_scripts import NOTIFY
from app.redis.redis_client import RedisClient
from app.runtime.clock import Clock

log: Final = structlog.get_logger(__name__)

RATE_PER_S_MAX: Final = 10_000.0
DRAIN_LASTS_S: Final = 3600.0
"""A worker that does not hear of its drain for so long is not drained any more."""
AUDIT_PAGE_MAX: Final = 500
_FORGET_MAX: Final = 1000
BY_FILE: Final = "file"
BY_ITSELF: Final = "auto"


class OperatorControls:
    """The controls, with their audit. Every method raises Unavailable where PostgreSQL is away."""

    def __init__(
        self,
        pool: Pool,
        redis: RedisClient,
        clock: Clock,
        *,
        insurers: Collection[str],
        lease_s: float,
        audit_retention_s: float,
    ) -> None:
        self._pool = pool
        self._redis = redis
        self._clock = clock
        self._insurers = insurers
        self._audit_retention = timedelta(seconds=audit_retention_s)
        self.reports = WorkerReports(redis, lease_s=lease_s)

    async def in_force(self) -> Sequence[Control]:
        """Every control that holds now, by kind and subject."""
        async with reading(self._pool) as connection:
            controls = await read_controls(connection)
        now = self._clock.now()
        return [control for control in controls if not control.is_over(now)]

    async def audit(
        self, *, before: int | None = None, subject: str | None = None, most: int = 100
    ) -> Sequence[AuditEntry]:
        """A page of the audit, the newest first; `before`: the id of the last entry of the page before."""
        async with reading(self._pool) as connection:
            return await read_audit(connection, before=before, subject=subject, most=min(most, AUDIT_PAGE_MAX))

    async def record(self, entry: AuditEntry) -> None:
        """Keeps in the audit what an operator has done that is no control: a look, a retry, a drop."""
        async with connected(self._pool) as connection:
            await record_action(connection, entry)

    async def workers(self) -> Sequence[LiveWorker]:
        """Every worker with a beat.

        Raises:
            RedisAway: it knows them.
        """
        return await self.reports.read()

    async def pause(self, insurer_id: str, order: Order, *, holds: bool = False) -> Control:
        """The insurer gets no new application, from any worker; one that is paused already is paused as this order says.

        Its quotes are UNAVAILABLE, `INSURER_PAUSED`, at once, or with `holds` wait until it is resumed. What was asked before
        is polled on.

        Raises:
            ControlRefused: there is no such insurer.
        """
        self._check_insurer(insurer_id)
        return await self._set(ControlKind.PAUSE, insurer_id, PauseMode.HOLD if holds else PauseMode.REFUSE, order)

    async def resume(self, insurer_id: str, order: Order) -> None:
        """The insurer is asked again.

        Raises:
            ControlRefused: it is not paused.
        """
        await self._lift(ControlKind.PAUSE, insurer_id, order, otherwise="is not paused")

    async def limit(self, insurer_id: str, rate: str, order: Order, *, polls: bool = False) -> Control | None:
        """Limits calls to the insurer, over all workers together: a rate (`50/s`), `off`, or `file`, which lifts the limit (None).

        Raises:
            ControlRefused: there is no such insurer, the rate is none, or there is no limit to lift.
        """
        kind = ControlKind.POLL_LIMIT if polls else ControlKind.LIMIT
        if rate == BY_FILE:
            await self._lift(kind, insurer_id, order, otherwise="has the limit of the file already")
            return None
        self._check_insurer(insurer_id)
        _read_rate(rate)
        return await self._set(kind, insurer_id, rate, order)

    async def circuit(self, insurer_id: str, state: str, order: Order) -> Control | None:
        """Forces the circuit `open` or `closed`; `auto` leaves it to itself (None).

        Raises:
            ControlRefused: there is no such insurer or state, or the circuit is left to itself already.
        """
        if state == BY_ITSELF:
            await self._lift(ControlKind.CIRCUIT, insurer_id, order, otherwise="has its circuit left to itself already")
            return None
        self._check_insurer(insurer_id)
        if state not in set(ForcedCircuit):
            raise ControlRefused(f"{state}: a circuit is forced open or closed, or left to itself by auto")
        return await self._set(ControlKind.CIRCUIT, insurer_id, state, order)

    async def drain(self, name: str, order: Order) -> Control:
        """The worker ends, as on SIGTERM: it takes no new job, hands back what it asks, and finishes what it settles.

        `name`: of its consumer, or its label where one worker alone has it.

        Raises:
            ControlRefused: there is no such worker, it is not alive, or several have the label.
            RedisAway: it knows the workers.
        """
        living = [worker.name for worker in await self.workers() if worker.is_alive]
        found = [one for one in living if one == name] or [one for one in living if one.rpartition("-")[0] == name]
        if not found:
            raise ControlRefused(f"{name}: no worker of this name is alive; `osago workers` lists them")
        if len(found) > 1:
            raise ControlRefused(f"{name}: several workers have this label: {', '.join(found)}")
        lasting = Order(order.author, order.why, order.lasts_s or DRAIN_LASTS_S)
        return await self._set(ControlKind.DRAIN, found[0], "", lasting)

    async def drained(self, name: str) -> None:
        """The worker has ended, as it was ordered."""
        async with connected(self._pool) as connection:
            await lift_control(
                connection,
                ControlKind.DRAIN,
                name,
                action=AuditAction.DONE,
                now=self._clock.now(),
                why="",
                author=SYSTEM,
            )

    async def forget_old_audit(self) -> None:
        """Removes the entries of the audit that have had their time. Runs in every process."""
        removed = _FORGET_MAX
        while removed == _FORGET_MAX:
            async with connected(self._pool) as connection:
                before = self._clock.now() - self._audit_retention
                removed = await forget_audit(connection, before=before, most=_FORGET_MAX)

    async def _set(self, kind: ControlKind, subject: str, setting: str, order: Order) -> Control:
        now = self._clock.now()
        until = None if order.lasts_s is None else now + timedelta(seconds=order.lasts_s)
        control = Control(kind, subject, setting, order.why, order.author, now, until, 0)
        async with connected(self._pool) as connection:
            version = await set_control(connection, control)
        await self._announce()
        return Control(kind, subject, setting, order.why, order.author, now, until, version)

    async def _lift(self, kind: ControlKind, subject: str, order: Order, *, otherwise: str) -> None:
        async with connected(self._pool) as connection:
            was_there = await lift_control(
                connection,
                kind,
                subject,
                action=AuditAction.LIFTED,
                now=self._clock.now(),
                why=order.why,
                author=order.author,
            )
        if not was_there:
            self._check_insurer(subject)
            raise ControlRefused(f"{subject} {otherwise}")
        await self._announce()

    async def _announce(self) -> None:
        try:
            await NOTIFY.run(self._redis, [keys.controls()], [""])
        except RedisAway as error:  # workers look every second anyway
            log.info("control.unannounced", error=str(error))

    def _check_insurer(self, insurer_id: str) -> None:
        if insurer_id not in self._insurers:
            raise ControlRefused(f"{insurer_id}: not in the file of insurers, which has {', '.join(self._insurers)}")


def control_rate(control: Control) -> Rate | None:
    """The rate of a control of `LIMIT` or `POLL_LIMIT`; None: off."""
    return parse_rate(control.setting)


def _read_rate(text: str) -> None:
    try:
        rate = parse_rate(text)
    except ValueError as error:
        raise ControlRefused(f"{error}, or {BY_FILE}") from None
    if rate and rate.per_second > RATE_PER_S_MAX:
        raise ControlRefused(f"a rate is at most {RATE_PER_S_MAX:.0f}/s; off is no limit at all")
