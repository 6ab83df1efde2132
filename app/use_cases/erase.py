"""The end of personal data: applications purged when their time is up, requests and consents after them, a customer forgotten.

All of it in small batches, beside the work that goes on, each with its record in the same transaction.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from app.domain.errors import RedisAway
from app.domain.quote import Outcome
from app.domain.subjects.data_subject import DataCategory
from app.domain.subjects.purge import CATEGORIES_OF_REQUEST, Purge, PurgedKind, PurgeReason
from app.observability import metrics
from app.postgres.database import Connection, Pool, reading, transaction
from app.postgres.erasure import (
    StoredRequest,
    applications_sealed_by,
    clear_applications,
    clear_links,
    delete_requests,
    due_applications,
    due_requests,
    lock_requests,
    requests_of,
)
from app.postgres.personal.consent_rows import (
    StoredConsent,
    consents_of,
    consents_sealed_by,
    delete_consents,
    due_consents,
    insert_consents,
)
from app.postgres.personal.purge_rows import insert_purge, purges_of_requests
from app.postgres.quote_rows import Key
from app.postgres.stored_links import BEGINNING
from app.redis.event_streams import EventStreams
from app.runtime.clock import Clock
from app.use_cases.complete import RequestCompleter
from app.use_cases.link_sealing import LinkSealing
from app.use_cases.personal.purge_records import PurgeRecorder, by_request, follow_up
from app.use_cases.personal.retention import Retention
from app.use_cases.personal.subject_identifiers import SubjectIdentifiers, SubjectKeys

log: Final = structlog.get_logger(__name__)

PURGE_EVERY_S: Final = 60.0
BATCH_MAX: Final = 500
LINKS_MAX: Final = 5_000
"""Quotes that are looked through at once for links of a dropped key."""


class DataEraser:
    """Destroys applications, requests and consents."""

    def __init__(
        self,
        pool: Pool,
        events: EventStreams,
        ending: RequestCompleter,
        recorder: PurgeRecorder,
        keys: SubjectKeys,
        links: LinkSealing,
        clock: Clock,
        *,
        retention: Retention,
    ) -> None:
        self._pool = pool
        self._events = events
        self._ending = ending
        self._recorder = recorder
        self._keys = keys
        self._links = links
        self._clock = clock
        self.retention = retention

    async def purge_due(self) -> None:
        """Purges every expired application, then requests, then consents, and seals links that are not sealed yet.

        Runs in every process: none waits for another.

        Raises:
            Unavailable: PostgreSQL is not there.
        """
        identifiers = await self._keys.current()

        async def applications(connection: Connection) -> Purge | None:
            before = self._clock.now() - self.retention.applications
            due = await due_applications(connection, before, most=BATCH_MAX)
            _observe_lag(PurgedKind.APPLICATION, before, due[0].created_at if due else None)
            return await self._clear(connection, due, PurgeReason.RETENTION, identifiers)

        async def requests(connection: Connection) -> Purge | None:
            before = self._clock.now() - self.retention.offers
            due = await due_requests(connection, before, most=BATCH_MAX)
            _observe_lag(PurgedKind.REQUEST, before, due[0].created_at if due else None)
            return await self._delete_ended(connection, due)

        async def consents(connection: Connection) -> Purge | None:
            before = self._clock.now() - self.retention.offers
            due = await due_consents(connection, before, most=BATCH_MAX)
            _observe_lag(PurgedKind.CONSENT, before, due[0].accepted_at if due else None)
            return await self._delete_consents(connection, due, PurgeReason.RETENTION)

        await self._in_batches(applications)
        await self._in_batches(requests)
        await self._in_batches(consents)
        await self._links.seal_all()

    async def forget(
        self,
        customer_id: str,
        tenant: str | None = None,
        *,
        reason: PurgeReason = PurgeReason.FORGOTTEN,
        actor: str = "",
    ) -> int:
        """Ends a customer's open requests and destroys all of them, quotes included; returns how many there were.

        Where the consent is withdrawn it stays, sealed, until its time is up: the operator has to prove that it was given.

        Raises:
            Unavailable: PostgreSQL is not there; what is gone by then stays gone.
        """
        identifiers = await self._keys.current()
        forgotten = 0
        while True:
            async with reading(self._pool) as connection:
                ids = await requests_of(connection, customer_id, tenant, most=BATCH_MAX)
            if not ids:
                await self._pool.confirm()
                return forgotten
            await self._ending.complete(ids, Outcome.CANCELLED)  # its subscriptions get the end
            async with transaction(self._pool) as connection:
                purges = await self._forget(connection, ids, reason, actor, identifiers)
            _report(*purges)
            await self._forget_events(ids)
            forgotten += len(ids)

    async def purge_key(self, key_id: str, *, actor: str = "") -> int:
        """Records as destroyed, and clears, what a dropped key has sealed of ended requests; returns how many applications.

        Raises:
            Unavailable: PostgreSQL is not there; call again, and it goes on.
        """
        await self._keys.drop(key_id)
        identifiers = await self._keys.current()

        async def applications(connection: Connection) -> Purge | None:
            sealed = await applications_sealed_by(connection, key_id, most=BATCH_MAX)
            return await self._clear(connection, sealed, PurgeReason.KEY_DESTROYED, identifiers, actor)

        async def consents(connection: Connection) -> Purge | None:
            sealed = await consents_sealed_by(connection, key_id, most=BATCH_MAX)
            return await self._delete_consents(connection, sealed, PurgeReason.KEY_DESTROYED, actor)

        purged = await self._in_batches(applications)
        await self._in_batches(consents)
        after: Key | None = BEGINNING
        while after is not None:
            async with transaction(self._pool) as connection:
                after = await clear_links(connection, key_id, after=after, most=LINKS_MAX)
        return purged

    async def _in_batches(self, purge: Callable[[Connection], Awaitable[Purge | None]]) -> int:
        """Until there is no full one left; between two of them as long as one takes, so that a backlog leaves room for others."""
        purged, batch = 0, BATCH_MAX
        while batch == BATCH_MAX:
            began_s = self._clock.monotonic()
            async with transaction(self._pool) as connection:
                done = await purge(connection)
            batch = len(done.requests) if done else 0
            purged += batch
            if done:
                _report(done)
            if batch == BATCH_MAX:
                await self._clock.sleep(self._clock.monotonic() - began_s)
        return purged

    async def _clear(
        self,
        connection: Connection,
        due: list[StoredRequest],
        reason: PurgeReason,
        identifiers: SubjectIdentifiers | None,
        actor: str = "",
    ) -> Purge | None:
        if not due:
            return None
        assessed = await self._recorder.assess(due, identifiers)
        purge = self._recorder.record(PurgedKind.APPLICATION, reason, self._clock.now(), assessed.requests, actor)
        await insert_purge(connection, purge)
        await insert_consents(connection, assessed.consents)
        await clear_applications(connection, [one.id for one in due])
        return purge

    async def _delete_ended(self, connection: Connection, due: list[StoredRequest]) -> Purge | None:
        if not due:
            return None
        ids = [one.id for one in due]
        earlier = by_request(await purges_of_requests(connection, ids))
        gone = [follow_up(one.id, one.created_at, one.tenant, earlier, *CATEGORIES_OF_REQUEST) for one in due]
        purge = self._recorder.record(PurgedKind.REQUEST, PurgeReason.RETENTION, self._clock.now(), gone)
        await insert_purge(connection, purge)
        await delete_requests(connection, ids)
        return purge

    async def _delete_consents(
        self, connection: Connection, due: list[StoredConsent], reason: PurgeReason, actor: str = ""
    ) -> Purge | None:
        if not due:
            return None
        ids = [one.request_id for one in due]
        earlier = by_request(await purges_of_requests(connection, ids))
        gone = [follow_up(one.request_id, one.accepted_at, one.tenant, earlier, DataCategory.CONSENT) for one in due]
        purge = self._recorder.record(PurgedKind.CONSENT, reason, self._clock.now(), gone, actor)
        await insert_purge(connection, purge)
        await delete_consents(connection, ids)
        return purge

    async def _forget(
        self,
        connection: Connection,
        ids: list[UUID],
        reason: PurgeReason,
        actor: str,
        identifiers: SubjectIdentifiers | None,
    ) -> list[Purge]:
        """The requests first, then their consents, those of purged applications among them."""
        locked = await lock_requests(connection, ids)
        assessed = await self._recorder.assess(locked, identifiers)
        earlier = by_request(await purges_of_requests(connection, ids))
        gone = [
            one if found.application else follow_up(one.request, one.since, one.tenant, earlier, *CATEGORIES_OF_REQUEST)
            for one, found in zip(assessed.requests, locked, strict=True)
        ]
        purge = self._recorder.record(PurgedKind.REQUEST, reason, self._clock.now(), gone, actor)
        await insert_purge(connection, purge)
        await insert_consents(connection, assessed.consents)
        await delete_requests(connection, ids)
        if reason is PurgeReason.CONSENT_WITHDRAWN:
            return [purge]
        consents = await self._delete_consents(connection, await consents_of(connection, ids), reason, actor)
        return [purge, consents] if consents else [purge]

    async def _forget_events(self, ids: list[UUID]) -> None:
        try:
            await self._events.forget(ids)
        except RedisAway as error:  # they expire within minutes, and hold nothing that is personal
            log.warning("events.left_to_expire", requests=len(ids), error=str(error))


def _report(*purges: Purge) -> None:
    """After the commit."""
    for purge in purges:
        kind, reason, count = purge.kind.value, purge.reason.value, len(purge.requests)
        metrics.PURGED.labels(kind, reason).inc(count)
        log.info("data.purged", purge=str(purge.id), kind=kind, reason=reason, requests=count)


def _observe_lag(kind: PurgedKind, before: datetime, oldest: datetime | None) -> None:
    """By how much the oldest of what is due is overdue: about a minute where the purge keeps up."""
    metrics.PURGE_LAG.labels(kind.value).set((before - oldest).total_seconds() if oldest else 0)
