"""The requests that this process has acknowledged, so that after a failover it can report those that are gone.

With an asynchronous standby the last requests before a failover may be lost. They are counted and logged; a subscription to one
ends with REQUEST_LOST.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Final
from uuid import UUID

import structlog

from app.domain.errors import Unavailable
from app.observability import metrics
from app.postgres.database import Pool, reading
from app.postgres.personal.purge_rows import forgotten_requests
from app.postgres.request_rows import missing_requests
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import Clock
from app.runtime.supervision import Part

log: Final = structlog.get_logger(__name__)

REMEMBERED_MAX: Final = 20_000
_BATCH_MAX: Final = 1000
_LOGGED_MAX: Final = 100
_RETRY_S: Final = 0.5


class AcknowledgedRequests:
    """The ids of the last ones. Its owner runs `parts`."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._ids: deque[UUID] = deque(maxlen=REMEMBERED_MAX)
        self._failed_over = asyncio.Event()
        pool.primary.promotions.append(self._failed_over.set)

    def parts(self) -> list[Part]:
        return [Part("acknowledged", self._run)]

    def add(self, ids: Iterable[UUID]) -> None:
        self._ids.extend(ids)

    async def _run(self) -> None:
        while True:
            raise_if_cancelled()
            await self._failed_over.wait()
            self._failed_over.clear()
            try:
                await self.count_lost()
            except Unavailable:
                self._failed_over.set()
                await self._clock.sleep(_RETRY_S)

    async def count_lost(self) -> int:
        """Counts those that PostgreSQL does not have, each once, and returns how many there are."""
        ids, lost = list(self._ids), list[UUID]()
        for first in range(0, len(ids), _BATCH_MAX):
            async with reading(self._pool) as connection:
                gone = await missing_requests(connection, ids[first : first + _BATCH_MAX])
                forgotten = await forgotten_requests(connection, gone) if gone else set[UUID]()
            lost += [id_ for id_ in gone if id_ not in forgotten]
        if lost:
            # Some may have made room for newer ones meanwhile.
            counted = set(lost)
            self._ids = deque((id_ for id_ in self._ids if id_ not in counted), REMEMBERED_MAX)
            metrics.ACKNOWLEDGED_LOST.inc(len(lost))
            log.error("requests.lost", requests=len(lost), ids=[str(id_) for id_ in lost[:_LOGGED_MAX]])
        return len(lost)
