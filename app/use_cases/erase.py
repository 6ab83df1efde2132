"""The end of personal data: applications purged when their time is up, a customer forgotten, keys rotated.

All of it in small batches, beside the work that goes on.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from app.domain.errors import RedisAway
from app.domain.ids import uuid7
from app.domain.quote import Outcome
from app.observability import metrics
from app.postgres.cipher import Cipher, Sealed, Undecryptable
from app.postgres.database import Pool, connected, reading, transaction
from app.postgres.erasure import (
    Purge,
    PurgeReason,
    delete_requests,
    purge_applications,
    requests_of,
    reseal,
    sealed_otherwise,
)
from app.postgres.link_cipher import LinkCipher
from app.redis.event_streams import EventStreams
from app.runtime.clock import Clock
from app.use_cases.complete import RequestCompleter
from app.use_cases.link_sealing import LinkSealing

log: Final = structlog.get_logger(__name__)

PURGE_EVERY_S: Final = 60.0
BATCH_MAX: Final = 500
_BEGINNING: Final = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation has done: applications and links sealed anew, and those that no key of ours opens."""

    resealed: int
    links: int
    unreadable: int


class DataEraser:
    """Destroys applications, and seals them anew."""

    def __init__(
        self,
        pool: Pool,
        events: EventStreams,
        ending: RequestCompleter,
        cipher: Cipher,
        links: LinkCipher,
        clock: Clock,
        *,
        retention_s: float,
    ) -> None:
        self._pool = pool
        self._events = events
        self._ending = ending
        self._cipher = cipher
        self._links = LinkSealing(pool, links)
        self._clock = clock
        self._retention = timedelta(seconds=retention_s)

    async def purge_due(self) -> None:
        """Purges every expired application, and seals links that are not sealed yet. Runs in every process: none waits for another.

        Raises:
            Unavailable: PostgreSQL is not there.
        """
        purged = BATCH_MAX
        while purged == BATCH_MAX:
            before = self._clock.now() - self._retention
            async with connected(self._pool) as connection:
                purge = self._purge(PurgeReason.RETENTION)
                ids = await purge_applications(connection, purge, created_before=before, most=BATCH_MAX)
            purged = len(ids)
            if purged:
                metrics.PURGED.inc(purged)
                log.info("applications.purged", purge=str(purge.id), applications=purged)
        await self._links.seal_all()

    async def forget(self, customer_id: str, tenant: str | None = None) -> int:
        """Ends a customer's open requests and destroys all of them, quotes included; returns how many there were.

        Raises:
            Unavailable: PostgreSQL is not there; what is gone by then stays gone.
        """
        forgotten = 0
        while True:
            async with reading(self._pool) as connection:
                ids = await requests_of(connection, customer_id, tenant, most=BATCH_MAX)
            if not ids:
                await self._pool.confirm()
                return forgotten
            await self._ending.complete(ids, Outcome.CANCELLED)  # its subscriptions get the end
            purge = self._purge(PurgeReason.FORGOTTEN)
            async with transaction(self._pool) as connection:
                await delete_requests(connection, purge, ids)
            await self._forget_events(ids)
            forgotten += len(ids)
            log.info("customer.forgotten", purge=str(purge.id), requests=len(ids))

    async def rotate(self) -> Rotation:
        """Seals with the first key what another key has sealed.

        Raises:
            Unavailable: PostgreSQL is not there; call again, and it goes on.
        """
        after, resealed, unreadable = _BEGINNING, 0, 0
        while True:
            async with connected(self._pool) as connection:
                page = await sealed_otherwise(connection, self._cipher.key_id, after=after, most=BATCH_MAX)
                if not page:
                    break
                opened = [
                    (stored, document) for stored in page if (document := self._open(stored.id, stored.application))
                ]
                sealed = [self._cipher.seal(stored.id, document) for stored, document in opened]
                await reseal(connection, [stored for stored, _ in opened], sealed)
            resealed += len(opened)
            unreadable += len(page) - len(opened)
            after = (page[-1].created_at, page[-1].id)
        links, unreadable_links = await self._links.rotate()
        return Rotation(resealed, links, unreadable + unreadable_links)

    def _open(self, request_id: UUID, sealed: Sealed) -> bytes | None:
        try:
            return self._cipher.open(request_id, sealed)
        except Undecryptable:
            return None

    async def _forget_events(self, ids: list[UUID]) -> None:
        try:
            await self._events.forget(ids)
        except RedisAway as error:  # they expire within minutes, and hold nothing that is personal
            log.warning("events.left_to_expire", requests=len(ids), error=str(error))

    def _purge(self, reason: PurgeReason) -> Purge:
        now = self._clock.now()
        return Purge(uuid7(now), reason, now)
