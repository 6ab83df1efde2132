"""The end of a request. One place ends it, for every cause: settler, sweeper, cancel, a subscription."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

import structlog

from app.domain.errors import RedisAway, Unavailable
from app.domain.quote import CANCELLED, TIMED_OUT, Outcome, Quote, QuoteRequest
from app.observability import metrics
from app.observability.metrics import EndedRequest
from app.observability.recent_activity import RECENT
from app.postgres.database import RETRY_AFTER_S, Connection, Pool, connected, reading, transaction
from app.postgres.outbox import Kind, Notice, delete_notices
from app.postgres.quote_rows import insert_quotes, missing_quotes
from app.postgres.request_rows import (
    end_full_requests,
    end_requests,
    lock_open,
    overdue_requests,
    read_requests,
)
from app.redis.event_streams import EventStreams, PublishedEnd
from app.redis.keys import shard_of
from app.runtime.clock import Clock
from app.runtime.group_commit import GroupCommit
from app.runtime.supervision import IsolatedTasks, Part

log: Final = structlog.get_logger(__name__)

CANCEL_S_MAX: Final = 2.0
SWEEP_EVERY_S: Final = 0.25
PUBLISH_S_MAX: Final = 0.2
"""The end of a request waits so long for the end to be published; with a Redis that hangs it is published later."""
_SWEEP_MAX: Final = 500

Beside: TypeAlias = Callable[[Connection, Sequence[UUID]], Awaitable[None]]
"""A statement to run in the transaction that ends requests; it gets those that end."""


class RequestCompleter:
    """Ends requests, each once and for ever."""

    def __init__(self, pool: Pool, events: EventStreams, clock: Clock, *, end_margin_s: float) -> None:
        self._pool = pool
        self._events = events
        self._clock = clock
        # Calls stop a whole margin before the deadline; half of it is left to publish the end in time.
        self._lead = timedelta(seconds=end_margin_s / 2)
        self._publishing = IsolatedTasks("ends")
        self._cancels = GroupCommit(self._cancel, name="cancel-commits", wait_s_max=CANCEL_S_MAX)

    def parts(self) -> list[Part]:
        return [Part("cancel-commits", self._cancels.run)]

    async def cancel(self, request_id: UUID) -> QuoteRequest | None:
        """Ends a request, and returns it as it stands then; None: it is not there.

        Raises:
            Unavailable: PostgreSQL is not there; it may end all the same, and asking again is safe.
        """
        try:
            return await self._cancels.submit(request_id)
        except TimeoutError:
            raise Unavailable("PostgreSQL is too slow", RETRY_AFTER_S) from None

    async def _cancel(self, ids: Sequence[UUID]) -> list[QuoteRequest | None]:
        ended = await self.complete(set(ids), Outcome.CANCELLED)
        return [ended.get(id_) for id_ in ids]

    def due_at(self, request: QuoteRequest) -> datetime:
        """When an unanswered request is ended: so early that the end is at the client by `expires_at`."""
        return request.expires_at - self._lead

    async def complete(
        self, ids: Collection[UUID], outcome: Outcome, *, beside: Beside | None = None
    ) -> Mapping[UUID, QuoteRequest]:
        """Ends those of the requests that are open, and returns all of them as PostgreSQL knows them then.

        With ALL_ANSWERED, a request that lacks an answer stays open. With the others the missing answers are written:
        TIMED_OUT, or CANCELLED.

        Raises:
            Unavailable: PostgreSQL is not there; nothing has ended.
        """
        ended = await self.commit(ids, outcome, beside=beside)
        async with reading(self._pool) as connection:
            requests = await read_requests(connection, list(ids))
        _count_ends([requests[id_] for id_ in ended if id_ in requests])
        if len(ended) < len(requests):  # these were ended, or answered, by others
            await self._pool.confirm()
        # Its callers learn of the end from PostgreSQL: a Redis that is frozen must not make it late.
        publishing = self._publishing.start(self._publish_later([requests[id_] for id_ in ended if id_ in requests]))
        await asyncio.wait({publishing}, timeout=PUBLISH_S_MAX)
        return requests

    async def _publish_later(self, requests: Sequence[QuoteRequest]) -> None:
        try:
            await self.publish(requests)
        except Unavailable as error:  # PostgreSQL
            log.warning("end.left_to_relay", requests=len(requests), error=str(error))

    async def commit(self, ids: Collection[UUID], outcome: Outcome, *, beside: Beside | None = None) -> list[UUID]:
        """The first half of `complete`: `publish` publishes what it has written, at the latest the relay does."""
        answer = CANCELLED if outcome is Outcome.CANCELLED else TIMED_OUT
        now = self._clock.now()
        async with transaction(self._pool) as connection:
            locked = await lock_open(connection, list(ids))
            # A new statement, after the lock: it sees every quote that was settled before.
            missing = await missing_quotes(connection, locked) if locked else []
            lacking = {request_id for request_id, _ in missing}
            # With every insurer answered there is nothing left to cut short.
            outcomes = {id_: outcome if id_ in lacking else Outcome.ALL_ANSWERED for id_ in locked}
            if outcome is Outcome.ALL_ANSWERED:
                outcomes = {id_: outcome for id_ in locked if id_ not in lacking}
            elif missing:
                await insert_quotes(connection, [Quote(id_, insurer, answer, now) for id_, insurer in missing])
            ended = await end_requests(connection, outcomes, now) if outcomes else []
            if outcomes and beside:
                await beside(connection, list(outcomes))
        if outcome is not Outcome.ALL_ANSWERED:
            metrics.answered(answer.status, len(missing))
        _count(ended)
        return list(outcomes)

    async def commit_full(self, connection: Connection, ids: Sequence[UUID]) -> list[QuoteRequest]:
        """As `commit` with ALL_ANSWERED, in one round trip, for the settler of these requests' last quotes.

        Needs a statement of its own after theirs: of two settlers at least the later one sees both last quotes.
        """
        requests, ended = await end_full_requests(connection, ids, self._clock.now())
        _count(ended)
        _count_ends(requests)
        return requests

    async def publish(self, requests: Sequence[QuoteRequest]) -> None:
        """Publishes ended requests; without Redis the relay does it later.

        Their quotes need not be there: nearly always Redis has them, and they are read where it has not.
        """
        shards: dict[int, list[QuoteRequest]] = defaultdict(list)
        for request in requests:
            shards[shard_of(request.id, self._events.shards)].append(request)
        await asyncio.gather(*(self._publish_in_shard(group) for group in shards.values()))

    async def _publish_in_shard(self, requests: Sequence[QuoteRequest]) -> None:
        try:
            unpublished = await self._publish(requests)
            if unpublished:
                async with reading(self._pool) as connection:
                    whole = await read_requests(connection, unpublished)
                await self._publish(list(whole.values()))
        except RedisAway as error:
            log.warning("end.left_to_relay", requests=len(requests), error=str(error))
            return
        async with connected(self._pool) as connection:
            await delete_notices(connection, [Notice(request.id, Kind.COMPLETED) for request in requests])

    async def _publish(self, requests: Sequence[QuoteRequest]) -> list[UUID]:
        """Returns those of which Redis lacks quotes that are not there."""
        ends = [PublishedEnd(one, one.ending, _unpublished(one)) for one in requests if one.ending]
        return await self._events.publish_ends(ends)

    async def sweep(self) -> None:
        """Ends what is overdue. Runs in every process: one live process is enough for a request to end."""
        async with reading(self._pool) as connection:
            overdue = await overdue_requests(connection, self._clock.now() + self._lead, most=_SWEEP_MAX)
        if overdue:
            await self.complete(overdue, Outcome.DEADLINE)


def _count(ended: Iterable[EndedRequest]) -> None:
    for one in ended:
        metrics.ended(one)


def _count_ends(requests: Iterable[QuoteRequest]) -> None:
    for request in requests:
        if request.ending:
            RECENT.ended(request.ending.outcome.value, late=request.ending.completed_at > request.expires_at)


def _unpublished(request: QuoteRequest) -> Iterable[str]:
    """The quotes that only the end itself has written."""
    return [quote.insurer_id for quote in request.quotes.values() if quote.answer in {TIMED_OUT, CANCELLED}]
