"""A worker process: its parts, started together, and ended in the order that loses nothing."""

import asyncio
import re
import secrets
import socket
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import structlog

from app.config.insurers_file import InsurerSettings, load_insurers, naming_the_line
from app.config.settings import Settings
from app.domain.errors import RedisAway, WrongSetting
from app.domain.insurer import Availability
from app.domain.tariff.edition_loader import load_editions
from app.observability import metrics
from app.overview.process_reporter import ProcessReporter, ProcessState, health_of
from app.readiness import Readiness, ReadinessMonitor
from app.redis import keys
from app.redis.fleet.process_reports import WORKER, LaneReport
from app.redis.insurer_states import InsurerStates
from app.redis.job_streams import JobStreams
from app.redis.notifier import Notifier, on_ids
from app.redis.topology import connect_brief
from app.resources import Resources
from app.runtime.cancellation import first_set
from app.runtime.periodic import periodic
from app.runtime.supervision import Part, PartSupervisor
from app.story.inquiries.inquiry_responder import InquiryResponder
from app.story.late_trails import LateTrails
from app.use_cases.settle import QuoteSettler
from workers.adapters.registry import line_of, make_adapter
from workers.adapters.transport.insurer_http import InsurerHttp
from workers.insurer_calls import failure_log
from workers.insurer_calls.call_pacer import CallPacer
from workers.insurer_calls.callback_waiter import CallbackWaiter
from workers.insurer_calls.exchange import InsurerExchange
from workers.insurer_calls.failure_causes import USUAL_RESULTS
from workers.insurer_calls.failure_log import FailureLog
from workers.insurer_calls.offer_examiner import OfferExaminer
from workers.lanes.application_loader import ApplicationLoader
from workers.lanes.held_jobs import HeldJobs
from workers.lanes.job_trails import JobTrails
from workers.lanes.lane import Lane
from workers.lanes.presence import Presence
from workers.maintenance import backlog_metrics, outbox_relay
from workers.maintenance.redis_recovery import RedisRecovery
from workers.poison_jobs.quarantine import Quarantine
from workers.poison_jobs.retry_runner import LetterRetryRunner
from workers.resilience.applied_controls import AppliedControls
from workers.resilience.circuit_breaker import SharedBreaker
from workers.resilience.rate_limit import RateLimits
from workers.resilience.shared_state import ClusterState
from workers.resilience.slot_reservations import Peers

log: Final = structlog.get_logger(__name__)

REPORT_EVERY_S: Final = 1.0
DRAIN_S_MAX: Final = 8.0
_LABEL: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_CIRCUIT_STATES: Final = {
    Availability.AVAILABLE: "closed",
    Availability.RECOVERING: "half open",
    Availability.UNAVAILABLE: "open",
}
_OPENNESS: Final = {Availability.AVAILABLE: 0.0, Availability.RECOVERING: 0.5, Availability.UNAVAILABLE: 1.0}


def check_choice(settings: Settings, insurers: Sequence[str], name: str) -> None:
    """Checks the worker's own options, before anything is opened or waited for.

    Raises:
        WrongSetting: an insurer that the file does not have, a name that is none, or a file of the tariff that cannot be read.
    """
    _chosen(load_insurers(settings.insurers_file), insurers)
    load_editions(settings.tariff_folder)
    _consumer(name)


class Worker:
    """One worker process."""

    def __init__(self, resources: Resources, *, insurers: Sequence[str] = (), name: str = "") -> None:
        self._resources = resources
        self.consumer = _consumer(name)
        settings = _chosen(resources.insurers, insurers)
        states, peers = InsurerStates(resources.redis), Peers()
        self._circuits = {id_: SharedBreaker(one, resources.clock, states) for id_, one in settings.items()}
        self._limits = {id_: RateLimits(one, resources.clock, states, peers) for id_, one in settings.items()}
        self._sharing = ClusterState(
            states,
            peers,
            self._circuits,
            self._limits,
            resources.clock,
            consumer=self.consumer,
            lease_s=resources.settings.lease,
        )
        self._controls = AppliedControls(resources, self._circuits, self._limits, self.consumer)
        with naming_the_line(resources.settings.insurers_file):
            self._https = {id_: InsurerHttp(one, resources.clock) for id_, one in settings.items()}
        self._pace = CallPacer()
        self._editions = load_editions(resources.settings.tariff_folder)
        self._recovery = RedisRecovery(resources)
        self._brief_redis = connect_brief(resources.redis_address)
        self._presence = Presence(
            resources.jobs,
            resources.clock,
            consumer=self.consumer,
            lease_s=resources.settings.lease,
            on_epoch=self._recovery.call,
            beats=JobStreams(self._brief_redis, shards=resources.jobs.shards),
            masters=resources.masters,
        )
        self._settling = QuoteSettler(
            resources.pool, resources.events, resources.ending, resources.links, resources.clock
        )
        self._loading = ApplicationLoader(resources.pool)
        self._trails = JobTrails(self.consumer, LateTrails(resources.pool, resources.clock))
        self._callback_waiter = CallbackWaiter(resources.callbacks)
        self._failures: list[FailureLog] = []
        self._availability = dict.fromkeys(settings, Availability.AVAILABLE)
        self._quarantine = Quarantine(resources)
        with naming_the_line(resources.settings.insurers_file):
            self._lanes = {id_: self._lane(one) for id_, one in settings.items()}
        self._presence.attend(self._lanes)
        self._notifier = self._make_notifier()
        self.supervisor = PartSupervisor(resources.clock)
        self._readiness = ReadinessMonitor(resources)
        self.is_draining = False
        self._reporter = self._make_reporter()

    async def run(self, stopping: asyncio.Event) -> None:
        """Works until it is stopped, then finishes or hands back what it holds."""
        try:
            metrics.begin(self._lanes, USUAL_RESULTS)
            metrics.WORKER.labels(self.consumer).set(1)
            self.supervisor.start(self._parts())
            await self._work(stopping)
        finally:
            await self.supervisor.stop()
            await self._brief_redis.aclose()
            for http in self._https.values():
                await http.close()

    def _parts(self) -> list[Part]:
        clock = self._resources.clock
        return [
            *self._readiness.parts(),
            *self._settling.parts(),
            *self._loading.parts(),
            *self._presence.parts(),
            *self._controls.parts(),
            *self._trails.late.parts(),
            Part("quarantine", self._quarantine.run),
            Part("recovery", self._recovery.run),
            Part("notifier", self._notifier.run),
            Part("sharing", self._sharing.run),
            *self._resources.parts(),
            periodic("relay", self._relay, every_s=outbox_relay.EVERY_S, clock=clock),
            periodic("gauges", self._measure, every_s=backlog_metrics.EVERY_S, clock=clock),
            periodic("circuits", self._report, every_s=REPORT_EVERY_S, clock=clock),
            periodic("failures", self._log_failures, every_s=failure_log.LOOK_EVERY_S, clock=clock),
            self._reporter.part(),
            LetterRetryRunner(self._resources).part(),
        ]

    async def readiness(self) -> Readiness:
        """Whether jobs can be given to this worker; waits for nothing."""
        return await self._readiness.readiness(is_draining=self.is_draining)

    async def _work(self, stopping: asyncio.Event) -> None:
        await first_set(self._presence.begun, stopping)
        await first_set(self._controls.known, stopping)
        lanes = list(self._lanes.values())
        for lane in lanes:
            self.supervisor.start(lane.parts())
        log.info("worker.ready", consumer=self.consumer, lanes=len(lanes))
        await first_set(stopping, self._controls.draining)
        self.is_draining = True
        log.info("worker.draining", consumer=self.consumer)
        await asyncio.gather(*(lane.stop() for lane in lanes))
        # What is left then is taken over when the beat is gone.
        until = self._resources.clock.monotonic() + DRAIN_S_MAX
        await self.supervisor.ended(max_s=DRAIN_S_MAX)
        left_s = max(0.0, until - self._resources.clock.monotonic())
        await asyncio.gather(*(lane.finish(max_s=left_s) for lane in lanes))
        await self._leave()
        await self._controls.drained()

    async def _leave(self) -> None:
        """Without a beat this worker counts as dead at once, not only after the lease."""
        await self._reporter.leave()
        for shard in range(self._resources.jobs.shards):
            try:
                await self._resources.redis.zrem(keys.heartbeats(shard), self.consumer)
            except RedisAway:
                log.warning("worker.left_silently", consumer=self.consumer, shard=shard)

    def _make_reporter(self) -> ProcessReporter:
        redis, clock = self._resources.redis, self._resources.clock
        return ProcessReporter(redis, clock, kind=WORKER, name=self.consumer, state=self._process_state)

    def _process_state(self) -> ProcessState:
        lanes = {id_: LaneReport(lane.in_flight(), lane.places) for id_, lane in self._lanes.items()}
        health = health_of(self._readiness, self._notifier, self._resources.clock)
        return ProcessState(self.is_draining, self.supervisor.failing, health, lanes)

    def _lane(self, settings: InsurerSettings) -> Lane:
        return Lane(
            settings,
            self._resources,
            self._asking(settings),
            self._settling,
            self._loading,
            self._presence,
            self._quarantine,
            self._trails,
            consumer=self.consumer,
        )

    def _asking(self, settings: InsurerSettings) -> InsurerExchange:
        exchange = InsurerExchange(
            settings,
            make_adapter(settings, line_of(settings, self._resources, self._https[settings.id])),
            self._circuits[settings.id],
            self._limits[settings.id],
            self._resources.clock,
            self._callback_waiter,
            end_margin_s=self._resources.settings.end_margin,
            pace=self._pace,
            examiner=OfferExaminer(settings.id, self._editions, self._resources.clock),
            gate=self._controls.gates[settings.id],
        )
        self._failures.append(exchange.failures)
        return exchange

    def _make_notifier(self) -> Notifier:
        notifier, shards = Notifier(self._resources.redis), range(self._resources.jobs.shards)
        notifier.listen([keys.ended(shard) for shard in shards], on_ids(self._on_ended))
        notifier.listen([keys.called(shard) for shard in shards], on_ids(self._callback_waiter.notify))
        notifier.listen([keys.insurers()], self._sharing.notify)
        notifier.listen([keys.controls()], self._controls.notify)
        known = HeldJobs(self.consumer, self._lanes, self._trails).of
        InquiryResponder(self._resources, known).listen(notifier)
        self._resources.masters.on_change(self._drop_connections)
        return notifier

    async def _drop_connections(self) -> None:
        """Another server has taken over. In a Cluster it serves some shards: each tick drops the reads of its own, and has it recovered."""
        await asyncio.gather(self._notifier.reconnect(), self._brief_redis.drop_connections())
        if not self._brief_redis.is_cluster:
            shards = range(self._resources.jobs.shards)
            await asyncio.gather(*(lane.drop_connection(shard) for lane in self._lanes.values() for shard in shards))
            for shard in shards:
                await self._recovery.call(shard)  # half a second before the next beat would

    def _on_ended(self, ids: list[UUID]) -> None:
        for lane in self._lanes.values():
            for id_ in ids:
                lane.end(id_)

    async def _relay(self) -> None:
        await outbox_relay.relay_once(self._resources)

    async def _measure(self) -> None:
        await backlog_metrics.measure(self._resources)

    async def _report(self) -> None:
        for insurer_id, circuit in self._circuits.items():
            availability = circuit.availability
            metrics.CIRCUIT.labels(insurer_id).set(_OPENNESS[availability])
            if self._availability[insurer_id] is not availability:
                self._availability[insurer_id] = availability
                log.warning("insurer.circuit", insurer=insurer_id, state=_CIRCUIT_STATES[availability])

    async def _log_failures(self) -> None:
        for failures in self._failures:
            failures.report()


def _consumer(label: str) -> str:
    """A label, and a random part: a worker that is started anew is another one."""
    label = label or socket.gethostname()
    if not _LABEL.fullmatch(label):
        raise WrongSetting("--name: letters, digits, dots, hyphens and underscores, at most 64")
    return f"{label}-{secrets.token_hex(4)}"


def _chosen(insurers: Mapping[str, InsurerSettings], wanted: Sequence[str]) -> Mapping[str, InsurerSettings]:
    unknown = [id_ for id_ in wanted if id_ not in insurers]
    if unknown:
        known = ", ".join(insurers)
        raise WrongSetting(f"--insurers: {', '.join(unknown)}: not in the file of insurers, which has {known}")
    return {id_: one for id_, one in insurers.items() if not wanted or id_ in wanted}
