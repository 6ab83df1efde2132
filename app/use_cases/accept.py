"""Accepting a quote request: stored with its outbox row in one transaction, then enqueued.

A request is accepted when it is committed, and only then. What a crash leaves after that, the relay sweeps up.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from app.codecs.application_codec import UnknownForm, decode_application, encode_application
from app.domain.errors import InvalidApplication, Overloaded, RedisAway, Unavailable
from app.domain.ids import uuid7
from app.domain.intake.problems import problem
from app.domain.quote import QuoteRequest
from app.intake.new_request import NewRequestInput
from app.observability import metrics
from app.observability.recent_activity import RECENT
from app.observability.tracing.spans import CURRENT, Attributes, SpanRole, child_span, current_wire
from app.postgres.cipher import Cipher, Undecryptable
from app.postgres.database import Pool, connected, reading
from app.postgres.outbox import Kind, Notice, delete_notices
from app.postgres.request_rows import NewRequest, Repeated, find_repeated, insert_requests, read_requests
from app.redis.job_streams import Enqueued, JobStreams
from app.redis.keys import customer_mark, shard_of
from app.runtime.clock import Clock
from app.runtime.group_commit import GroupCommit
from app.runtime.split_commit import SplitCommit
from app.runtime.supervision import Part, report_failure
from app.use_cases.acknowledged import AcknowledgedRequests
from app.use_cases.admission import Admission
from app.use_cases.caller_rate_limit import CallerRateLimiter

log: Final = structlog.get_logger(__name__)

ACCEPT_S_MAX: Final = 2.0
DELETE_AFTER_S: Final = 0.1
"""Published rows of the outbox may stay so long: the relay reads none that is younger than a second."""

_INSERT: Final[Attributes] = {
    "db.system.name": "postgresql",
    "db.operation.name": "INSERT",
    "db.collection.name": "osago_requests",
}


class RequestAcceptor:
    """Takes requests in. Its owner runs `parts`."""

    def __init__(
        self,
        pool: Pool,
        jobs: JobStreams,
        cipher: Cipher,
        clock: Clock,
        admission: Admission,
        limiting: CallerRateLimiter,
        *,
        insurers: Sequence[str],
        deadline_s: float,
    ) -> None:
        self._pool = pool
        self._jobs = jobs
        self._cipher = cipher
        self._clock = clock
        self.admission = admission
        self._limiting = limiting
        self._insurers = tuple(insurers)
        self._deadline = timedelta(seconds=deadline_s)
        self._acknowledged = AcknowledgedRequests(pool, clock)
        self._commits = GroupCommit(self._commit, name="accept-commits", wait_s_max=ACCEPT_S_MAX)
        self._enqueues = SplitCommit(
            "accept-enqueues",
            self._enqueue,
            count=jobs.shards,
            number_of=lambda one: shard_of(one.request_id, jobs.shards),
        )
        self._deletions = GroupCommit(self._delete, name="accept-deletions", gather_s=DELETE_AFTER_S)

    def parts(self) -> list[Part]:
        return [
            *self._acknowledged.parts(),
            Part("accept-commits", self._commits.run),
            *self._enqueues.parts(),
            Part("accept-deletions", self._deletions.run),
        ]

    async def accept(self, tenant: str, wanted: NewRequestInput) -> QuoteRequest:
        """The request as it is stored: a new one, or the first that this client reference named.

        Raises:
            InvalidApplication: the client reference names a request of other content.
            RateLimitExceeded: this caller, or this customer of it, asks too often.
            Overloaded: too much is waiting to be asked already.
            Unavailable: it could not be stored in time; asking again with the same client reference is safe.
        """
        self.admission.check(wanted.insurers or self._insurers)
        await self._limiting.check(tenant, wanted.customer_id)
        new = self._seal(tenant, wanted)
        until_s = asyncio.get_running_loop().time() + ACCEPT_S_MAX
        try:
            with child_span("store request", SpanRole.CLIENT, _INSERT):
                repeated = await self._commits.put(new)
            if repeated is None:
                if span := CURRENT.get():
                    span.set("osago.request_id", str(new.request.id))
                return new.request
            if isinstance(repeated, Exception):
                raise repeated
            async with asyncio.timeout_at(until_s):
                return await self._repeat(wanted, repeated)
        except TimeoutError:
            raise Unavailable("PostgreSQL is too slow") from None

    def _seal(self, tenant: str, wanted: NewRequestInput) -> NewRequest:
        now = self._clock.now()
        request = QuoteRequest(
            id=uuid7(now),
            tenant=tenant,
            customer_id=wanted.customer_id,
            client_reference=wanted.client_reference,
            insurers=wanted.insurers or self._insurers,
            created_at=now,
            expires_at=now + self._deadline,
            trace=current_wire() or None,
        )
        sealed = self._cipher.seal(request.id, encode_application(wanted.application))
        return NewRequest(request, wanted.insurers is not None, sealed)

    async def _commit(self, batch: Sequence[NewRequest]) -> Sequence[Repeated | Exception | None]:
        """None for each that is accepted; else the request that its client reference named first, or why that is not known."""
        async with connected(self._pool) as connection:
            lost = await insert_requests(connection, batch)
        self._begin_asking([new.request for new in batch if new.request.id not in lost])
        if not lost:
            return [None] * len(batch)
        losers = [new.request for new in batch if new.request.id in lost]
        first = await self._first(losers)
        return [first[new.request.id] if new.request.id in lost else None for new in batch]

    def _begin_asking(self, accepted: Sequence[QuoteRequest]) -> None:
        """Never raises: the requests are committed, and the relay enqueues what fails here."""
        self._acknowledged.add(request.id for request in accepted)
        try:
            for request in accepted:
                mark = customer_mark(request.tenant, request.customer_id)
                self._enqueues.put(
                    Enqueued(request.id, request.insurers, request.expires_at, mark, request.trace or "")
                )
        except Overloaded:  # what does not fit is left to the relay
            pass
        except Exception as error:  # noqa: BLE001 - nothing that can fail stands between a commit and its answer
            report_failure("accept-enqueues", error)
        try:
            metrics.ACCEPTED.inc(len(accepted))
            RECENT.accepted(len(accepted))
        except Exception as error:  # noqa: BLE001 - a full disk, where several processes share their metrics
            report_failure("metrics", error)

    async def _first(self, losers: Sequence[QuoteRequest]) -> Mapping[UUID, Repeated | Exception]:
        """By loser. What fails here fails for the losers: others of their batch are accepted."""
        references = [(loser.tenant, loser.client_reference or "") for loser in losers]
        try:
            async with reading(self._pool) as connection:
                found = await find_repeated(connection, references)
            await self._pool.confirm()
        except Exception as error:  # noqa: BLE001 - it is raised again in each loser
            return {loser.id: error for loser in losers}
        gone = Unavailable("the first request of this reference was destroyed just now")
        return {loser.id: found.get(reference, gone) for loser, reference in zip(losers, references, strict=True)}

    async def _enqueue(self, batch: Sequence[Enqueued]) -> list[None]:
        try:
            await self._jobs.enqueue(batch)
        except RedisAway as error:
            log.warning("enqueue.left_to_relay", requests=len(batch), error=str(error))
        else:
            with contextlib.suppress(Overloaded):
                for one in batch:
                    self._deletions.put(Notice(one.request_id, Kind.ACCEPTED))
        return [None] * len(batch)

    async def _delete(self, batch: Sequence[Notice]) -> list[None]:
        async with connected(self._pool) as connection:
            await delete_notices(connection, batch)
        return [None] * len(batch)

    async def _repeat(self, wanted: NewRequestInput, first: Repeated) -> QuoteRequest:
        if not self._is_same(wanted, first):
            raise InvalidApplication([problem(("clientReference",), "CLIENT_REFERENCE_REUSED")])
        async with reading(self._pool) as connection:
            found = (await read_requests(connection, [first.request.id])).get(first.request.id)
        if found is None:
            raise Unavailable("the first request of this reference was destroyed just now")
        await self._pool.confirm()
        return found

    def _is_same(self, wanted: NewRequestInput, first: Repeated) -> bool:
        chosen = first.request.insurers if first.insurers_chosen else None
        if (wanted.customer_id, wanted.insurers) != (first.request.customer_id, chosen):
            return False
        if first.application is None:  # purged long ago: there is nothing left to compare
            return True
        try:
            document = self._cipher.open(first.request.id, first.application)
            return decode_application(document) == wanted.application
        except (
            Undecryptable,
            UnknownForm,
        ):  # its key was dropped, or a later release wrote it: the content is not known
            return True
