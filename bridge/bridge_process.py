"""A bridge process: it stands by until it has the lease of its destination, carries events while it has it, and hands it back."""

import asyncio
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Final

import structlog

from app.config.settings import Settings
from app.domain.errors import Unavailable, WrongSetting
from app.observability import metrics
from app.readiness import Readiness, ReadinessMonitor
from app.resources import Resources
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import Clock
from app.runtime.periodic import LogThrottle
from app.runtime.supervision import Part, PartSupervisor
from bridge.bridge_file import AnyDestination, load_destination
from bridge.cloud_event import CloudEventMaker
from bridge.destinations.destination import Destination
from bridge.event_carrier import EventCarrier, first_of
from bridge.feed_streams import FeedStreams
from bridge.lease import DestinationLease

log: Final = structlog.get_logger(__name__)

DRAIN_S_MAX: Final = 6.0
RETRY_S: Final = 0.5
_KINDS: Final = {
    "kafka": "KafkaDestination",
    "activemq": "ActivemqDestination",
    "nats": "NatsDestination",
    "webhook": "WebhookDestination",
}


def make_destination(settings: AnyDestination, clock: Clock) -> Destination:
    """The destination that a table of bridge.toml describes; it connects later.

    Raises:
        WrongSetting: its extra is not installed, or a variable of its own is missing.
    """
    try:
        module = import_module(f"bridge.destinations.{settings.kind}")
    except ImportError as error:
        extra = f"osago-aggregator[{settings.kind}]"
        raise WrongSetting(f"--to {settings.name}: needs {extra} ({error.name} is not installed)") from None
    make: Callable[[AnyDestination, Clock], Destination] = getattr(module, _KINDS[settings.kind])
    return make(settings, clock)


def check_bridge(settings: Settings, name: str) -> None:
    """Whether a bridge can work with these settings, before anything is opened.

    Raises:
        WrongSetting: it cannot; the text says what to mend.
    """
    destination, _ = load_destination(settings.bridge_file, name)
    make_destination(destination, Clock())
    if not settings.feed_length:
        raise WrongSetting("OSAGO_FEED_LENGTH: a bridge reads the feed, which 0 turns off")


class BridgeProcess:
    """The process of one destination."""

    def __init__(self, resources: Resources, name: str) -> None:
        self._resources = resources
        self._settings, source = load_destination(resources.settings.bridge_file, name)
        self._maker = CloudEventMaker(source)
        self._feed = FeedStreams(resources.redis, resources.events.authenticator, shards=resources.settings.shards)
        self._lease = DestinationLease(resources.pool, resources.clock, destination=name, lease_s=self._settings.lease)
        self._readiness = ReadinessMonitor(resources)
        self._supervisor = PartSupervisor(resources.clock)
        self._carrying: PartSupervisor | None = None
        self._waiting = LogThrottle(resources.clock)
        self._is_draining = False

    @property
    def failing(self) -> list[str]:
        """Names of parts that keep failing."""
        return [*self._supervisor.failing, *(self._carrying.failing if self._carrying else ())]

    async def readiness(self) -> Readiness:
        """Whether it carries events, or could."""
        found = await self._readiness.readiness(is_draining=self._is_draining)
        return Readiness(found.is_ready, {**found.detail, "bridge": "active" if self._carrying else "stands by"})

    async def run(self, stopping: asyncio.Event) -> None:
        """Stands by or carries events until it is stopped, then hands back."""
        metrics.begin_bridge(self._settings.name)
        over = asyncio.Event()
        self._supervisor.start([*self._parts(), Part("bridge", partial(self._work, stopping, over), may_end=True)])
        try:
            await over.wait()
        finally:
            await self._supervisor.stop()

    async def _work(self, stopping: asyncio.Event, over: asyncio.Event) -> None:
        while not stopping.is_set():
            raise_if_cancelled()
            try:
                await self._serve(stopping)
            except Unavailable as error:
                if self._waiting.is_due:
                    log.warning("loop.waits", of=error.of, loop="bridge", error=str(error))
                await self._pause(stopping, RETRY_S)
        over.set()

    def _parts(self) -> list[Part]:
        resources = self._resources
        return [
            *self._readiness.parts(),
            *resources.pool.parts(),
            *resources.masters.parts(),
            *resources.clock_follower.parts(),
        ]

    async def _serve(self, stopping: asyncio.Event) -> None:
        if not await self._lease.take():
            await self._pause(stopping, self._lease.every_s)
            return
        destination = make_destination(self._settings, self._resources.clock)
        carrier = EventCarrier(
            self._settings, destination, self._maker, self._feed, self._resources, holder=self._lease.holder
        )
        try:
            await carrier.begin()
            await self._carry(carrier, stopping)
        finally:
            try:
                await destination.close()
            finally:
                await self._lease.leave()

    async def _carry(self, carrier: EventCarrier, stopping: asyncio.Event) -> None:
        name = self._settings.name
        self._carrying = PartSupervisor(self._resources.clock)
        self._carrying.start([Part("lease", self._lease.keep, may_end=True), *carrier.parts()])
        metrics.BRIDGE_ACTIVE.labels(name).set(1)
        log.info("bridge.ready", destination=name, holder=self._lease.holder)
        try:
            await first_of(stopping, self._lease.lost)
            self._is_draining = stopping.is_set()
            log.info("bridge.draining", destination=name)
            await carrier.drain(max_s=DRAIN_S_MAX)
        finally:
            metrics.BRIDGE_ACTIVE.labels(name).set(0)
            await self._carrying.stop()
            self._carrying = None
        await carrier.save()

    async def _pause(self, stopping: asyncio.Event, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await stopping.wait()
        except TimeoutError:
            return
