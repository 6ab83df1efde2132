"""The events that wait to be delivered: a queue for each request keeps its order, and requests are independent."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.cloud_event import CloudEvent


@dataclass(slots=True)
class WaitingEvent:
    """An event on its way. `on_done` is called once it is delivered, or given up."""

    event: CloudEvent
    on_done: Callable[[], None]
    failures: int = 0
    attempts: int = 0
    """The failures that count against this event, not against its destination."""
    is_given_up: bool = False
    is_done: bool = False
    first_tried_at_s: float | None = None


@dataclass(eq=False, slots=True)
class RequestQueue:
    """One request's events, the next one first."""

    request_id: str
    deliveries: deque[WaitingEvent] = field(default_factory=deque[WaitingEvent])


class RequestQueues:
    """All that waits. Of each request one event is under way at a time."""

    def __init__(self, size_max: int) -> None:
        self._size_max = size_max
        self._queues: dict[str, RequestQueue] = {}
        self._ready: asyncio.Queue[RequestQueue] = asyncio.Queue()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self.size = 0

    @property
    def room(self) -> int:
        """How many events may still be put."""
        return max(0, self._size_max - self.size)

    async def wait_for_room(self) -> None:
        """Returns once an event may be put."""
        await self._has_room.wait()

    def put(self, delivery: WaitingEvent) -> None:
        """Behind the other events of its request. The caller keeps to `room`."""
        self.size += 1
        if self.size >= self._size_max:
            self._has_room.clear()
        queue = self._queues.get(delivery.event.request_id)
        if queue is None:
            queue = self._queues[delivery.event.request_id] = RequestQueue(delivery.event.request_id)
            self._ready.put_nowait(queue)
        queue.deliveries.append(delivery)

    async def take(self) -> RequestQueue:
        """A request with an event that may be delivered now. Then `done` or `again` is called."""
        return await self._ready.get()

    def again(self, queue: RequestQueue) -> None:
        """Its next event is to be tried once more."""
        self._ready.put_nowait(queue)

    def done(self, queue: RequestQueue) -> None:
        """Its next event needs nothing more."""
        delivery = queue.deliveries.popleft()
        self.size -= 1
        self._has_room.set()
        if queue.deliveries:
            self._ready.put_nowait(queue)
        else:
            del self._queues[queue.request_id]
        delivery.is_done = True
        delivery.on_done()
