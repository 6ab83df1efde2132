"""The program of an isolated process: asks about suspect jobs in a process of its own, and prints a line for each that has ended.

A failure is reported by its place in the code. Never the text of an error, though: it may hold personal data, and what is printed
here stays in the dead letter.
"""

import asyncio
import os
import sys
import threading
import traceback
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from datetime import datetime
from itertools import count
from typing import Final, NamedTuple
from uuid import UUID

from app.codecs.application_codec import decode_application
from app.codecs.quote_codec import encode_quote
from app.config.settings import Settings
from app.domain.errors import RedisAway, Unavailable
from app.domain.quote import Quote
from app.domain.tariff.edition_loader import load_editions
from app.observability.tracing.spans import NO_SPAN, SpanRole, working_in
from app.observability.tracing.trace_context import read_wire
from app.observability.tracing.tracing import open_tracing
from app.postgres.cipher import Sealed
from app.postgres.database import reading
from app.postgres.quote_rows import Work, read_work
from app.redis.fleet.process_reports import WORKER
from app.redis.insurer_states import InsurerStates
from app.redis.job_streams import Delivery
from app.redis.keys import shard_of
from app.resources import Resources, open_resources
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.supervision import run_parts
from workers.adapters.registry import line_of, make_adapter
from workers.adapters.transport.insurer_http import InsurerHttp
from workers.insurer_calls.callback_waiter import CallbackWaiter
from workers.insurer_calls.exchange import InsurerExchange
from workers.insurer_calls.offer_examiner import OfferExaminer
from workers.job import Holding, Job
from workers.poison_jobs.crash_marker import CrashMarker
from workers.poison_jobs.isolated_process import IsolatedOutcome, encode_outcome
from workers.resilience.applied_controls import AppliedControls
from workers.resilience.circuit_breaker import SharedBreaker
from workers.resilience.rate_limit import RateLimits

RETRY_S: Final = 0.5
_NO_CONSUMER: Final = ""
"""It is no worker: no order drains it."""


class Suspect(NamedTuple):
    """One of the jobs: its number among all, and the span that it goes on in, empty without a trace."""

    number: int
    trace: str


class _Sole:
    """No other worker has the job, and nothing needs to be remembered."""

    async def confirm(self, job: Job) -> None:
        del job

    async def remember(self, job: Job, application_id: str) -> None:
        del job, application_id


async def find_work(resources: Resources, insurer_id: str, ids: Sequence[UUID]) -> Mapping[UUID, Work]:
    """The state of these jobs in PostgreSQL."""
    async with reading(resources.pool) as connection:
        return await read_work(connection, insurer_id, ids)


@asynccontextmanager
async def asking_of(resources: Resources, insurer_id: str) -> AsyncGenerator[InsurerExchange, None]:
    """Asks this insurer, outside of any lane, and by what operators have ordered: a pause, limits, a forced circuit.

    What is ordered is read first, and then every second; with PostgreSQL away it is waited for.
    """
    settings = resources.insurers[insurer_id]
    http = InsurerHttp(settings, resources.clock)
    try:
        adapter = make_adapter(settings, line_of(settings, resources, http))
        circuit = SharedBreaker(settings, resources.clock)
        limits = RateLimits(settings, resources.clock, InsurerStates(resources.redis))
        callback_waiter, margin_s = CallbackWaiter(resources.callbacks), resources.settings.end_margin
        examiner = OfferExaminer(insurer_id, load_editions(resources.settings.tariff_folder), resources.clock)
        controls = AppliedControls(resources, {insurer_id: circuit}, {insurer_id: limits}, _NO_CONSUMER)
        async with run_parts(controls.parts(), resources.clock):
            await controls.known.wait()
            yield InsurerExchange(
                settings,
                adapter,
                circuit,
                limits,
                resources.clock,
                callback_waiter,
                end_margin_s=margin_s,
                examiner=examiner,
                gate=controls.gates[insurer_id],
            )
    finally:
        await http.close()


async def ask_about(
    resources: Resources,
    asking: InsurerExchange,
    request_id: UUID,
    sealed: Sealed,
    expires_at: datetime,
    recalled: str | None,
) -> Quote | None:
    """Calls the insurer, also when the request has ended; None where the end came first."""
    job = Job(
        insurer_id=asking.insurer_id,
        request_id=request_id,
        application=decode_application(resources.cipher.open(request_id, sealed)),
        expires_at=expires_at,
        application_id=recalled,
        holding=Holding(Delivery(shard_of(request_id, resources.settings.shards), "", request_id)),
    )
    answer = await asking.ask(job, _Sole())
    return Quote(request_id, asking.insurer_id, answer, resources.clock.now()) if answer else None


async def main(marker: CrashMarker, suspects: Mapping[str, Mapping[UUID, Suspect]]) -> None:
    """Runs all of them side by side; each result is reported at once."""
    async with (
        open_tracing(WORKER, f"isolated-{os.getpid()}") as tracing,
        open_resources(Settings.load(), tracing) as resources,
        asyncio.TaskGroup() as tasks,
    ):
        for insurer_id, requests in suspects.items():
            tasks.create_task(_ask_all(resources, insurer_id, requests, marker))


async def _ask_all(
    resources: Resources, insurer_id: str, suspects: Mapping[UUID, Suspect], marker: CrashMarker
) -> None:
    works = await _found(resources, insurer_id, list(suspects))
    recalled: Mapping[UUID, str] = {}
    with suppress(RedisAway):  # the same idempotency key brings it back from the insurer
        recalled = await resources.jobs.recall(insurer_id, list(suspects))
    async with asking_of(resources, insurer_id) as asking, asyncio.TaskGroup() as tasks:
        for request_id, suspect in suspects.items():
            asked = _asked(
                resources, asking, request_id, works.get(request_id), recalled.get(request_id), suspect.trace
            )
            tasks.create_task(marker.marking(suspect.number, asked))


async def _found(resources: Resources, insurer_id: str, ids: Sequence[UUID]) -> Mapping[UUID, Work]:
    """PostgreSQL's absence is no fault of a job: it is waited for, as long as the parent process allows."""
    while True:
        raise_if_cancelled()
        try:
            return await find_work(resources, insurer_id, ids)
        except Unavailable:
            await resources.clock.sleep(RETRY_S)


async def _asked(
    resources: Resources,
    asking: InsurerExchange,
    request_id: UUID,
    work: Work | None,
    recalled: str | None,
    trace: str,
) -> None:
    outcome = IsolatedOutcome(asking.insurer_id, request_id)
    try:
        if work and work.application and not (work.ended or work.settled):
            with _span_of(resources, asking.insurer_id, trace):
                quote = await ask_about(resources, asking, request_id, work.application, work.expires_at, recalled)
            outcome.quote = encode_quote(quote).decode() if quote else None
    except Exception as error:  # noqa: BLE001 - every error is reported without its text
        places = "".join(traceback.format_tb(error.__traceback__))
        outcome.trace = f"{type(error).__module__}.{type(error).__qualname__}\n{places}"
    sys.stdout.buffer.write(encode_outcome(outcome) + b"\n")
    sys.stdout.buffer.flush()


def _span_of(resources: Resources, insurer_id: str, trace: str) -> AbstractContextManager[object]:
    job = read_wire(trace)
    if resources.tracing is None or job is None:
        return NO_SPAN
    named = {"osago.insurer": insurer_id}
    return working_in(resources.tracing.tracer.start("ask apart", SpanRole.INTERNAL, job, named))


def _read_suspects() -> dict[str, dict[UUID, Suspect]]:
    """The requests by insurer."""
    suspects: dict[str, dict[UUID, Suspect]] = {}
    for number in count():
        line = sys.stdin.buffer.readline().decode().split()
        if not line:
            break
        suspects.setdefault(line[0], {})[UUID(line[1])] = Suspect(number, "".join(line[2:]))
    return suspects


def _end_with_the_worker() -> None:
    """Its end of the pipe is closed when it dies: by then another worker has the jobs."""
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    read = _read_suspects()
    threading.Thread(target=_end_with_the_worker, daemon=True).start()
    asyncio.run(main(CrashMarker(int(sys.argv[1])), read))
