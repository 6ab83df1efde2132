"""Waiting for insurers that call back: the calls of a job are read when Redis notifies of them, and now and then without it."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Protocol
from uuid import UUID

from app.domain.errors import InsurerError, RedisAway
from app.domain.insurer_call import InsurerCall
from app.domain.quote import Answer
from app.observability import metrics
from app.observability.tracing.spans import SpanRole, child_span
from app.observability.tracing.trace_context import read_wire
from app.runtime.cancellation import raise_if_cancelled
from workers.adapters.adapter import Adapter
from workers.adapters.containment import Containment, checked
from workers.insurer_calls.failure_causes import OK, why_of
from workers.job import Job

LOOK_EVERY_S: Final = 2.0
"""A notification may be missed; a call that lies there is found so much later."""
STEP: Final = "callback"


class Mailbox(Protocol):
    """The place where calls wait until they are read."""

    async def heard(self, request_id: UUID, insurer_id: str) -> Mapping[str, InsurerCall]:
        """The calls that have come so far, the oldest first, by a name that never changes."""
        ...


class CallbackWaiter:
    """The jobs of this process that wait for a call."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._waiting: dict[UUID, set[asyncio.Event]] = defaultdict(set)

    def notify(self, ids: list[UUID]) -> None:
        """Something has come about these requests."""
        for id_ in ids:
            for event in self._waiting.get(id_, ()):
                event.set()

    async def answer(self, job: Job, adapter: Adapter, containment: Containment) -> Answer:
        """The first answer among the calls; waits for ever. A call that cannot be read is as if it had not come."""
        known: set[tuple[str, str | None]] = set()
        with self._listening(job.request_id) as calls_came:
            while True:
                raise_if_cancelled()
                calls_came.clear()
                application_id = job.holding.application_id
                for name, call in (await self._heard(job)).items():
                    # A call that names the application by the insurer's id is read again once that id is known.
                    if (name, application_id) not in known:
                        known.add((name, application_id))
                        about = replace(call, idempotency_key=job.idempotency_key, application_id=application_id)
                        answer = _read(adapter, about, job, containment)
                        if answer is not None:
                            return answer
                await _wait(calls_came)

    async def _heard(self, job: Job) -> Mapping[str, InsurerCall]:
        try:
            return await self._mailbox.heard(job.request_id, job.insurer_id)
        except RedisAway:
            return {}

    @contextmanager
    def _listening(self, request_id: UUID) -> Generator[asyncio.Event, None, None]:
        event = asyncio.Event()
        self._waiting[request_id].add(event)
        try:
            yield event
        finally:
            self._waiting[request_id].discard(event)
            if not self._waiting[request_id]:
                del self._waiting[request_id]


def _read(adapter: Adapter, call: InsurerCall, job: Job, containment: Containment) -> Answer | None:
    result, why = "ok", OK
    try:
        called = read_wire(call.trace)
        with (
            child_span("callback", SpanRole.CONSUMER, {"osago.insurer": job.insurer_id}, [called] if called else ()),
            containment.around(STEP),
        ):
            return checked(STEP, adapter.called(call))
    except InsurerError as error:
        result, why = type(error).__name__, why_of(error)
        return None
    finally:
        metrics.CALLS.labels(job.insurer_id, STEP, result, why).inc()


async def _wait(calls_came: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LOOK_EVERY_S):
            await calls_came.wait()
