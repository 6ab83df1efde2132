"""The resources that a process opens first and closes last: PostgreSQL, Redis, the clock, the cipher, the insurers."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from app.config.insurers_file import InsurerSettings, load_insurers
from app.config.settings import Settings
from app.domain.errors import Unavailable
from app.observability.tracing.tracing import Tracing, check_tracing
from app.postgres.application_cache import ApplicationCache
from app.postgres.cipher import Cipher, parse_keys
from app.postgres.database import Pool, open_pool
from app.postgres.link_cipher import LinkCipher
from app.postgres.servers.addresses import check_url, place_of
from app.redis.authenticity import EventAuthenticator
from app.redis.event_streams import EventStreams
from app.redis.job_streams import JobStreams
from app.redis.master_changes import MasterChanges
from app.redis.redis_client import RedisClient
from app.redis.topology import RedisAddress, connect, parse_address
from app.runtime import loop_lag
from app.runtime.clock import Clock
from app.runtime.periodic import periodic
from app.runtime.supervision import Part
from app.use_cases.clock_follower import ClockFollower
from app.use_cases.complete import SWEEP_EVERY_S, RequestCompleter
from app.use_cases.controls.bulk_cancel import BulkCanceller
from app.use_cases.controls.operator_controls import OperatorControls
from app.use_cases.erase import PURGE_EVERY_S, DataEraser
from app.use_cases.insurer_callbacks import InsurerCallbacks
from app.use_cases.link_sealing import LinkSealing
from app.use_cases.personal.key_rotation import KeyRotation
from app.use_cases.personal.purge_records import Operator, PurgeRecorder
from app.use_cases.personal.retention import Retention
from app.use_cases.personal.subject_identifiers import SubjectKeys

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Resources:
    """Open for the life of a process."""

    settings: Settings
    insurers: Mapping[str, InsurerSettings]
    clock: Clock
    pool: Pool
    redis_address: RedisAddress
    redis: RedisClient
    cipher: Cipher
    links: LinkCipher
    opened: ApplicationCache
    jobs: JobStreams
    authenticator: EventAuthenticator
    events: EventStreams
    ending: RequestCompleter
    purging: DataEraser
    rotation: KeyRotation
    callbacks: InsurerCallbacks
    masters: MasterChanges
    clock_follower: ClockFollower
    controls: OperatorControls
    tracing: Tracing | None
    bulk_cancel: BulkCanceller

    def parts(self) -> list[Part]:
        """The parts of every process: it follows PostgreSQL's clock, ends overdue requests, purges old applications."""
        return [
            *self.pool.parts(),
            *self.masters.parts(),
            *self.ending.parts(),
            *self.clock_follower.parts(),
            Part("loop-lag", loop_lag.measure),
            periodic("sweeper", self.ending.sweep, every_s=SWEEP_EVERY_S, clock=self.clock),
            periodic("purge", self.purging.purge_due, every_s=PURGE_EVERY_S, clock=self.clock),
            periodic("audit", self.controls.forget_old_audit, every_s=PURGE_EVERY_S, clock=self.clock),
        ]


def check(settings: Settings) -> None:
    """Whether a process can work with these settings, before it begins to.

    Raises:
        WrongSetting: it cannot; the text says what to mend.
    """
    check_tracing()
    load_insurers(settings.insurers_file)
    Cipher.from_setting(settings.encryption_keys.get_secret_value())
    parse_address(settings.redis_url)
    check_url(settings.database_url)


@asynccontextmanager
async def open_resources(settings: Settings, tracing: Tracing | None = None) -> AsyncGenerator[Resources, None]:
    """Opens everything; PostgreSQL and Redis may still be down. What is sent through Redis is in `tracing`.

    Raises:
        WrongSetting: with these settings the process cannot work.
    """
    insurers = load_insurers(settings.insurers_file)
    encryption_keys = parse_keys(settings.encryption_keys.get_secret_value())
    cipher = Cipher(encryption_keys)
    links = LinkCipher(cipher)
    address = parse_address(settings.redis_url)
    clock = Clock(deadline_s=settings.quote_deadline)
    pool = await open_pool(settings.database_url, connections=settings.database_connections)
    redis = connect(address)
    authenticator = EventAuthenticator(encryption_keys)
    events = _event_streams(settings, redis, authenticator, tracing)
    ending = RequestCompleter(pool, events, clock, end_margin_s=settings.end_margin)
    resources = Resources(
        settings=settings,
        insurers=insurers,
        clock=clock,
        pool=pool,
        redis_address=address,
        redis=redis,
        cipher=cipher,
        links=links,
        opened=ApplicationCache(cipher),
        jobs=JobStreams(redis, shards=settings.shards, tracing=tracing),
        authenticator=authenticator,
        events=events,
        ending=ending,
        purging=_eraser(settings, pool, events, ending, cipher, clock),
        rotation=KeyRotation(pool, cipher, SubjectKeys(pool, cipher), LinkSealing(pool, links)),
        callbacks=_callbacks(settings, insurers, cipher, redis, clock, tracing),
        masters=MasterChanges(redis, clock, has_sentinel=address.is_sentinel),
        clock_follower=ClockFollower(pool, redis, clock),
        controls=make_controls(settings, insurers, pool, redis, clock),
        tracing=tracing,
        bulk_cancel=BulkCanceller(pool, ending, clock),
    )
    try:
        try:
            await resources.clock_follower.begin()
        except Unavailable as error:
            why = type(error.__cause__ or error).__name__
            log.warning("clock.own", of=error.of, at=place_of(settings.database_url), why=why)
        yield resources
    finally:
        await redis.aclose()
        pool.terminate()


def _event_streams(
    settings: Settings, redis: RedisClient, authenticator: EventAuthenticator, tracing: Tracing | None
) -> EventStreams:
    shards, feed_length = settings.shards, settings.feed_length
    return EventStreams(redis, authenticator, shards=shards, feed_length=feed_length, tracing=tracing)


def _eraser(
    settings: Settings, pool: Pool, events: EventStreams, ending: RequestCompleter, cipher: Cipher, clock: Clock
) -> DataEraser:
    recorder = PurgeRecorder(cipher, Operator(settings.operator, settings.system_name))
    retention = Retention(timedelta(seconds=settings.retention), timedelta(seconds=settings.offer_retention))
    keys, sealing = SubjectKeys(pool, cipher), LinkSealing(pool, LinkCipher(cipher))
    return DataEraser(pool, events, ending, recorder, keys, sealing, clock, retention=retention)


def make_controls(
    settings: Settings, insurers: Mapping[str, InsurerSettings], pool: Pool, redis: RedisClient, clock: Clock
) -> OperatorControls:
    """The controls, for processes and for commands that open nothing else."""
    return OperatorControls(
        pool,
        redis,
        clock,
        insurers=list(insurers),
        lease_s=settings.lease,
        audit_retention_s=settings.audit_retention,
    )


def _callbacks(
    settings: Settings,
    insurers: Mapping[str, InsurerSettings],
    cipher: Cipher,
    redis: RedisClient,
    clock: Clock,
    tracing: Tracing | None,
) -> InsurerCallbacks:
    return InsurerCallbacks(
        cipher,
        redis,
        clock,
        lambda insurer_id: insurers[insurer_id].secret("callback_secret"),
        shards=settings.shards,
        public_url=settings.public_url,
        deadline_s=settings.quote_deadline,
        tracing=tracing,
    )
