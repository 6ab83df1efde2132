"""Lanes: no-op jobs per second and core, with all that settling means, beside a bare loop that has no PostgreSQL.

A job is read from its stream, its application loaded and opened, its quote committed and read for completeness; the
event goes out once, the notification goes out, the job is acknowledged and deleted; the last of a request's twelve ends it. Only
no insurer is called. The yardstick reads a hundred jobs at a time and runs the same last script on them: that is all it does.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import uvloop

from app.codecs.application_codec import encode_application
from app.config.settings import Settings
from app.domain.application import Application
from app.domain.ids import uuid7
from app.domain.money import Money
from app.domain.offers.coefficients import Coefficients
from app.domain.quote import Answer, Offer, Quote, QuoteRequest
from app.intake.new_request import IntakeRules, read_new_request
from app.observability import logs
from app.postgres.database import connected
from app.postgres.request_rows import NewRequest, insert_requests
from app.redis import keys
from app.redis.event_streams import Published
from app.redis.job_streams import Enqueued, JobReader
from app.resources import Resources, open_resources
from app.runtime import gc_tuning
from app.runtime.supervision import run_parts
from app.story.late_trails import LateTrails
from app.use_cases.settle import QuoteSettler
from bench.rows import Row, Target
from bench.system import system, wish
from workers.insurer_calls.exchange import InsurerExchange
from workers.job import Job, Ownership
from workers.lanes.application_loader import ApplicationLoader
from workers.lanes.job_trails import JobTrails
from workers.lanes.lane import Lane
from workers.lanes.presence import Presence
from workers.poison_jobs.quarantine import Quarantine

LINE: Final = "lane"
REQUESTS: Final = 1500
ROUNDS: Final = 3
BATCH: Final = 100
STOP_S_MAX: Final = 5.0
_ONE: Final = Decimal(1)
OFFER: Final = Offer(
    number="BENCH-0123456789AB",
    premium=Money(Decimal("7535.00"), "RUB"),
    coefficients=Coefficients(
        base_rate=Decimal(5000),
        territory=_ONE,
        bonus_malus=_ONE,
        age_experience=_ONE,
        driver_restriction=_ONE,
        power=_ONE,
        season=_ONE,
    ),
    valid_until=None,
    purchase_url="https://insurer.example/buy/0123456789AB",
)


class _NoCalls(InsurerExchange):
    """An insurer that has its offer before it is called."""

    def __init__(self) -> None:
        """Needs nothing of what asking needs."""

    async def ask(self, _job: Job, _ownership: Ownership) -> Answer | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return OFFER


def rows() -> list[Row]:
    """The row of this line."""
    logs.configure(log_format="console", level="warning")
    with system(OSAGO_QUOTE_DEADLINE="1h", OSAGO_ADMISSION_AGE="off") as made:
        pairs = [uvloop.run(_round(made.environment)) for _ in range(ROUNDS)]
    jobs_per_s, wall_per_s = max(one[:2] for one in pairs)
    bare_per_s = max(one[2] for one in pairs)
    note = f"of the worker's CPU; by the clock, servers on the other core: {wall_per_s:,.0f}/s"
    return [Row(LINE, "no-op jobs, settled", jobs_per_s, "/s", bare_per_s, Target(10_000, is_most=False), note)]


async def _round(environment: Mapping[str, str]) -> tuple[float, float, float]:
    """Jobs per second of CPU, jobs per second, and those of the bare loop per second of CPU."""
    async with open_resources(settings_of(environment)) as resources:
        requests = await enqueued(resources, REQUESTS)
        jobs = REQUESTS * len(resources.insurers)
        async with lanes(resources):
            gc_tuning.resume()  # as a worker's process does
            cpu, begun = time.process_time(), time.perf_counter()
            while await _left(resources):  # noqa: ASYNC110 - Redis alone knows
                await asyncio.sleep(0.02)
            cpu, elapsed = time.process_time() - cpu, time.perf_counter() - begun
        await _check(resources, requests)
        bare_cpu = await _bare(resources)
    return jobs / cpu, jobs / elapsed, jobs / bare_cpu


def settings_of(environment: Mapping[str, str]) -> Settings:
    """What a process would read from such an environment."""
    given: dict[str, Any] = {
        name.removeprefix("OSAGO_").lower(): value for name, value in environment.items() if name.startswith("OSAGO_")
    }
    return Settings(**given)


async def enqueued(resources: Resources, count: int) -> Sequence[QuoteRequest]:
    """So many new requests, stored, with a job for each insurer."""
    application = _application(resources)
    requests = [_request(resources) for _ in range(count)]
    sealed = encode_application(application)
    news = [NewRequest(one, False, resources.cipher.seal(one.id, sealed)) for one in requests]  # noqa: FBT003
    for first in range(0, count, 500):
        async with connected(resources.pool) as connection:
            await insert_requests(connection, news[first : first + 500])
    await resources.jobs.enqueue([Enqueued(one.id, one.insurers, one.expires_at) for one in requests])
    return requests


def _application(resources: Resources) -> Application:
    given = {name: value for name, value in wish().items() if value is not None}
    wanted = read_new_request(given, now=resources.clock.now(), rules=IntakeRules.of())
    return wanted.application


def _request(resources: Resources) -> QuoteRequest:
    now = resources.clock.now()
    return QuoteRequest(
        id=uuid7(now),
        tenant="bench",
        customer_id="customer-of-a-benchmark",
        client_reference=None,
        insurers=tuple(resources.insurers),
        created_at=now,
        expires_at=now + timedelta(hours=1),
    )


@asynccontextmanager
async def lanes(resources: Resources) -> AsyncGenerator[None, None]:
    """The lanes of a worker, with insurers that have their offers at once."""
    settling = QuoteSettler(resources.pool, resources.events, resources.ending, resources.links, resources.clock)
    loading = ApplicationLoader(resources.pool)
    presence = Presence(resources.jobs, resources.clock, consumer="bench", lease_s=3, on_epoch=_nothing)
    quarantine = Quarantine(resources)
    trails = JobTrails("bench", LateTrails(resources.pool, resources.clock))
    made = [
        Lane(one, resources, _NoCalls(), settling, loading, presence, quarantine, trails, consumer="bench")
        for one in resources.insurers.values()
    ]
    presence.attend({lane.insurer_id: lane for lane in made})
    async with run_parts([*settling.parts(), *loading.parts(), *presence.parts()]) as supervisor:
        await presence.begun.wait()
        for lane in made:
            supervisor.start(lane.parts())
        yield
        for lane in made:
            await lane.stop()
        await supervisor.ended(max_s=STOP_S_MAX)


async def _nothing(_shard: int) -> None:
    """Recovery is another line's."""


async def _left(resources: Resources) -> int:
    """Jobs that are still in their streams: waiting, or not yet acknowledged."""
    waiting = [resources.redis.xlen(keys.jobs(0, insurer_id)) for insurer_id in resources.insurers]
    return sum(await asyncio.gather(*waiting))


async def _check(resources: Resources, requests: Sequence[QuoteRequest]) -> None:
    """Nothing counts that is not settled, published and ended."""
    ids = [one.id for one in requests]
    async with connected(resources.pool) as connection:
        quotes = await connection.fetchval("SELECT count(*) FROM osago_quotes WHERE request_id = ANY($1)", ids)
        ended = await connection.fetchval(
            "SELECT count(*) FROM osago_requests WHERE id = ANY($1) AND outcome = 'ALL_ANSWERED'", ids
        )
    [events] = await resources.events.read([resources.events.beginning(ids[-1])])
    published = len(events.quotes)
    if (quotes, ended, published) != (len(ids) * len(resources.insurers), len(ids), len(resources.insurers)):
        raise ValueError(f"{quotes} quotes, {ended} ends, {published} events")


async def _bare(resources: Resources) -> float:
    """The CPU that reading and the last script cost alone, for as many jobs."""
    requests = [_request(resources) for _ in range(REQUESTS)]
    await resources.jobs.enqueue([Enqueued(one.id, one.insurers, one.expires_at) for one in requests])
    expires_at = requests[0].expires_at
    cpu = time.process_time()
    for insurer_id in resources.insurers:
        reader = JobReader(resources.redis_address, shard=0, insurer_id=insurer_id, consumer="bare")
        left = REQUESTS
        while left:
            deliveries = await reader.read(BATCH)
            left -= len(deliveries)
            quotes = [(Quote(d.request_id, insurer_id, OFFER, expires_at), d.entry) for d in deliveries]
            await resources.events.publish([Published(quote, expires_at, entry) for quote, entry in quotes])
        await reader.close()
    return time.process_time() - cpu
