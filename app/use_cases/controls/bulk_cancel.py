"""Cancelling in bulk: as the mutation cancels one, in bounded batches, each with its entry in the audit."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from app.domain.errors import ControlRefused
from app.domain.operators.control import AuditAction, AuditEntry, Order
from app.domain.quote import Outcome
from app.postgres.control_rows import record_action, requests_waiting_for
from app.postgres.database import Connection, Pool, reading
from app.runtime.clock import Clock
from app.use_cases.complete import RequestCompleter

log: Final = structlog.get_logger(__name__)

BATCH_MAX: Final = 100
NAMED_MAX: Final = 10_000
COUNTED_MAX: Final = 100_000
KIND: Final = "request"


@dataclass(frozen=True, slots=True)
class BulkCancelled:
    """How many requests were cancelled, and how many of those that were named had ended already, or are not there."""

    cancelled: int
    ended: int = 0
    unknown: int = 0


class BulkCanceller:
    """Cancels many requests. Every method raises Unavailable where PostgreSQL is away; repeating is safe then."""

    def __init__(self, pool: Pool, ending: RequestCompleter, clock: Clock) -> None:
        self._pool = pool
        self._ending = ending
        self._clock = clock

    async def cancel(self, ids: Sequence[UUID], order: Order) -> BulkCancelled:
        """Cancels these requests, those of them that are open.

        Raises:
            ControlRefused: there are too many of them.
        """
        if len(ids) > NAMED_MAX:
            raise ControlRefused(f"at most {NAMED_MAX} requests at once")
        cancelled, known, named = 0, 0, list(dict.fromkeys(ids))
        for first in range(0, len(named), BATCH_MAX):
            ended, found = await self._cancel_batch(named[first : first + BATCH_MAX], "", order)
            cancelled += ended
            known += found
        return BulkCancelled(cancelled, known - cancelled, len(named) - known)

    async def waiting_for(self, insurer_id: str) -> int:
        """How many open requests lack this insurer's quote; counts up to `COUNTED_MAX`."""
        async with reading(self._pool) as connection:
            until = self._clock.now()
            return len(await requests_waiting_for(connection, insurer_id, created_until=until, most=COUNTED_MAX))

    async def cancel_waiting_for(self, insurer_id: str, order: Order) -> BulkCancelled:
        """Cancels every open request that lacks this insurer's quote now; those that come later are left alone."""
        until, cancelled = self._clock.now(), 0
        while True:
            async with reading(self._pool) as connection:
                ids = await requests_waiting_for(connection, insurer_id, created_until=until, most=BATCH_MAX)
            if not ids:
                return BulkCancelled(cancelled)
            ended, _ = await self._cancel_batch(ids, insurer_id, order)
            cancelled += ended

    async def _cancel_batch(self, ids: Sequence[UUID], insurer_id: str, order: Order) -> tuple[int, int]:
        """How many it has ended, and how many are there."""
        ended: list[UUID] = []
        found = await self._ending.complete(
            ids, Outcome.CANCELLED, beside=partial(self._record, order, insurer_id, ended)
        )
        if ended:
            log.info("requests.cancelled", requests=len(ended), insurer=insurer_id)
        return len(ended), len(found)

    async def _record(
        self, order: Order, insurer_id: str, ended: list[UUID], connection: Connection, ids: Sequence[UUID]
    ) -> None:
        ended[:] = ids
        await record_action(
            connection,
            AuditEntry(
                self._clock.now(),
                AuditAction.CANCELLED,
                KIND,
                insurer_id,
                order.author,
                order.why,
                setting=str(len(ids)),
                request_ids=tuple(ids),
            ),
        )
