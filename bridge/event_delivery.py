"""Delivers what waits, some events at a time, with backoff and jitter; buries what a destination that takes others would not take.

While a destination is away nothing is buried: the queues fill up, and the feed is read no further.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog

from app.domain.errors import Unavailable
from app.observability import metrics
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import Clock
from app.runtime.periodic import LogThrottle
from app.runtime.supervision import Part
from bridge.bridge_file import DestinationSettings
from bridge.destinations.destination import Destination, DestinationAway, EventNotTaken
from bridge.request_queues import RequestQueue, RequestQueues, WaitingEvent

log: Final = structlog.get_logger(__name__)

OPENS_AFTER: Final = 5
"""Failures in a row, of any events: from then on one event at a time is tried."""
DELIVERED_IDS_MAX: Final = 50_000


class DestinationCircuit:
    """Slows down when nothing goes through: one event at a time, after waits that grow."""

    def __init__(self, settings: DestinationSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._failures = 0
        self._due_s = 0.0
        self._probing = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether nothing has gone through for a while."""
        return self._failures >= OPENS_AFTER

    @asynccontextmanager
    async def admitted(self) -> AsyncGenerator[None, None]:
        """Waits while the circuit is open, then lets one attempt at a time through."""
        if not self.is_open:
            yield
            return
        async with self._probing:
            if self.is_open:
                await self._clock.sleep(max(0.0, self._due_s - self._clock.monotonic()))
            yield

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        wait_s = self._settings.retry.after(max(0, self._failures - OPENS_AFTER))
        self._due_s = self._clock.monotonic() + jittered(wait_s)


class DeliveredIds:
    """The newest ids that went through: what comes again after a gap need not be sent again."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._ids

    def add(self, event_id: str) -> None:
        self._ids[event_id] = None
        if len(self._ids) > DELIVERED_IDS_MAX:
            self._ids.popitem(last=False)


class EventDelivery:
    """Takes from the queues and sends. `bury` keeps what is given up."""

    def __init__(
        self,
        settings: DestinationSettings,
        destination: Destination,
        queues: RequestQueues,
        clock: Clock,
        bury: Callable[[WaitingEvent, str], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._destination = destination
        self._queues = queues
        self._clock = clock
        self._bury = bury
        self.delivered = DeliveredIds()
        self._delivered_at_s = float("-inf")
        self._circuit = DestinationCircuit(settings, clock)
        self._waiting = LogThrottle(clock)
        self._under_way = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._is_draining = False

    def parts(self) -> list[Part]:
        """As many as events may be under way at once."""
        return [Part(f"delivery:{number}", self._run) for number in range(self._settings.in_flight)]

    async def drain(self, *, max_s: float) -> None:
        """Begins nothing more, and waits for what is under way."""
        self._is_draining = True
        try:
            async with asyncio.timeout(max_s):
                await self._quiet.wait()
        except TimeoutError:
            log.warning("bridge.left_under_way", destination=self._settings.name, events=self._under_way)

    async def _run(self) -> None:
        while True:
            raise_if_cancelled()
            queue = await self._queues.take()
            try:
                await self._deliver_first(queue)
            except BaseException:
                self._queues.again(queue)
                raise

    async def _deliver_first(self, queue: RequestQueue) -> None:
        delivery = queue.deliveries[0]
        if delivery.first_tried_at_s is None:
            delivery.first_tried_at_s = self._clock.monotonic()
        try:
            async with self._circuit.admitted():
                await self._send(delivery)
        except DestinationAway as error:
            self._report(error, "away")
            self._again_later(queue, error.retry_after_s)
        except EventNotTaken as error:
            delivery.attempts += 1
            self._report(error, "refused")
            if error.is_final or self._is_hopeless(delivery):
                await self._give_up(queue, str(error))
            else:
                self._again_later(queue, error.retry_after_s)
        else:
            self._circuit.succeeded()
            self._delivered_at_s = self._clock.monotonic()
            self.delivered.add(delivery.event.id)
            metrics.BRIDGE_EVENTS.labels(self._settings.name, "delivered").inc()
            self._queues.done(queue)

    async def _send(self, delivery: WaitingEvent) -> None:
        if self._is_draining:
            await asyncio.Event().wait()  # until the process ends
        self._under_way += 1
        self._quiet.clear()
        try:
            await self._destination.send(delivery.event)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._quiet.set()

    def _report(self, error: DestinationAway | EventNotTaken, result: str) -> None:
        self._circuit.failed()
        metrics.BRIDGE_EVENTS.labels(self._settings.name, result).inc()
        if self._waiting.is_due:
            log.warning("bridge.waits", destination=self._settings.name, result=result, why=str(error))

    def _is_hopeless(self, delivery: WaitingEvent) -> bool:
        """Whether the event was tried often while others went through: the event is at fault, not the destination."""
        tried_at_s = delivery.first_tried_at_s or 0.0
        return delivery.attempts >= self._settings.retry.attempts and self._delivered_at_s > tried_at_s

    async def _give_up(self, queue: RequestQueue, why: str) -> None:
        delivery = queue.deliveries[0]
        try:
            await self._bury(delivery, why)
        except Unavailable:
            self._again_later(queue, None)
            return
        metrics.BRIDGE_EVENTS.labels(self._settings.name, "dead").inc()
        log.warning("bridge.gave_up", destination=self._settings.name, event_id=delivery.event.id, why=why)
        delivery.is_given_up = True
        self._queues.done(queue)

    def _again_later(self, queue: RequestQueue, retry_after_s: float | None) -> None:
        delivery = queue.deliveries[0]
        wait_s = jittered(self._settings.retry.after(delivery.failures))
        delivery.failures += 1
        self._clock.call_later(max(wait_s, retry_after_s or 0.0), lambda: self._queues.again(queue))


def jittered(seconds: float) -> float:
    """Between half of it and all of it."""
    return seconds * random.uniform(0.5, 1.0)
