"""One subscription without a task, a queue or an executor of its own: its events go from Redis to its socket.

It is called when there is news, and writes it at once. A client that takes nothing is written nothing: its subscribers wait
in their connection, each with nothing but its cursor, until it takes messages again.
"""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import structlog

from app.api.compiled.subscription_plan import CompiledSubscription
from app.api.context import Context, UseCases
from app.api.encoding import encode
from app.api.graphql_errors import from_exception
from app.api.schema.event_sources import RequestEvents
from app.api.schema.unwritable_quotes import written
from app.domain.cursor import Cursor
from app.server.peer import Peer
from app.watch.events import Event, Received, Watch
from app.watch.push_watch import PushWatch


class RunningOperation(Protocol):
    """An operation that has begun."""

    def cancel(self) -> None:
        """Ends it; the client receives nothing more of it."""
        ...

    @property
    def place(self) -> str | None:
        """The cursor of the last event that was sent."""
        ...

    @property
    def request_id(self) -> UUID | None:
        """The quote request that is watched."""
        ...


class SocketWriter:
    """A connection as its subscribers see it: the peer, what runs on it by id, and the subscribers that wait for it to read."""

    def __init__(self, peer: Peer, running: dict[str, RunningOperation]) -> None:
        self.peer = peer
        self.running = running
        self._waiting: dict[Subscriber, None] = {}
        peer.on_writable = self._go_on

    def wait(self, subscriber: "Subscriber") -> None:
        """Has it flushed when the peer reads again, in the order of coming."""
        self._waiting[subscriber] = None

    def _go_on(self) -> None:
        while self._waiting and self.peer.is_writable:
            subscriber = next(iter(self._waiting))
            del self._waiting[subscriber]
            subscriber.flush()


class Subscriber:
    """From `begin` to its last message, or to `cancel`."""

    __slots__ = ("_context", "_head", "_id", "_last", "_line", "_place", "_watch", "_written")

    def __init__(self, id_: str, written: CompiledSubscription, context: Context, line: SocketWriter) -> None:
        self._id = id_
        self._written = written
        self._context = context
        self._line = line
        self._head = b'{"id":%b,"type":"next","payload":' % encode(id_)
        self._place: Cursor | str | None = None
        self._last: Mapping[str, Any] | None = None
        """The message that ends it, from when it is known until it is written."""
        self._watch = PushWatch(context.services.live, self.flush, self._fail)

    async def begin(self, source: RequestEvents) -> None:
        """Raises as `WatchHub.enter`."""
        self._place = source.after
        context = self._context
        await self._watch.start(source.request_id, context.may_see, source.after, context.share)
        self._line.running[self._id] = self
        self._watch.notify()

    @property
    def place(self) -> str | None:
        return self._place.encode() if isinstance(self._place, Cursor) else self._place

    @property
    def request_id(self) -> UUID | None:
        return self._watch.follower.request.id

    def cancel(self) -> None:
        self._watch.stop()
        self._last = None

    def flush(self) -> None:
        """Writes what there is, as far as the peer takes it; then waits for the peer, if there may be more."""
        is_writable = self._write_news() if self._watch.is_on else self._line.peer.is_writable
        if self._last is not None and is_writable:
            self._write_last(self._last)
        elif not is_writable and (self._last is not None or self._watch.is_on):
            self._line.wait(self)

    def _write_news(self) -> bool:
        """Returns whether the peer takes more."""
        peer, follower = self._line.peer, self._watch.follower
        news = follower.news()
        try:
            while (is_writable := peer.is_writable) and (event := next(news, None)):
                peer.write(b"%b%b}" % (self._head, self._payload(event, follower.watch)))
                self._context.services.pushed.measure(event)
                self._place = event.cursor
        except Exception as error:  # noqa: BLE001 - one operation is isolated from the others
            self._end_with(error)
            return peer.is_writable
        if follower.is_over:
            self._end({"type": "complete"})
        return is_writable

    def _payload(self, event: Event, watch: Watch) -> bytes:
        """Subscribers to the same request with the same document share it."""
        if len(watch.listeners) == 1:
            return self._encoded(event)
        key = (self._written, event.cursor.bits, event.quote.insurer_id if isinstance(event, Received) else "")
        if watch.payload is None or watch.payload[0] != key:
            watch.payload = key, self._encoded(event)
        return watch.payload[1]

    def _encoded(self, event: Event) -> bytes:
        return written(self._data, event, self._context.services)

    def _data(self, event: Event, services: UseCases) -> bytes:
        return encode({"data": self._written.write(event, services)})

    def _fail(self, error: Exception) -> None:
        self._end_with(error)
        self.flush()

    def _end_with(self, error: Exception) -> None:
        with structlog.contextvars.bound_contextvars(operation=self._id):
            self._end({"type": "error", "payload": [from_exception(error)]})

    def _end(self, last: Mapping[str, Any]) -> None:
        self._watch.stop()
        self._last = self._last or last

    def _write_last(self, last: Mapping[str, Any]) -> None:
        """The id is free again before the client receives it."""
        self._last = None
        del self._line.running[self._id]
        self._line.peer.write(encode({"id": self._id, **last}))
