"""One subscription without a task, a queue or an executor of its own: its events go from Redis to its connection.

It is called when there is news, and writes it at once. A client that takes nothing is written nothing: its subscribers wait
in their connection, each with nothing but its cursor, until it takes messages again.
"""

from typing import Protocol
from uuid import UUID

from app.api.context import Context, UseCases
from app.api.schema.event_sources import RequestEvents
from app.api.schema.unwritable_quotes import written
from app.domain.cursor import Cursor
from app.server.peer import Peer
from app.story.frame_book import DONE, GONE
from app.watch.events import Event, Received, Watch
from app.watch.push_watch import PushWatch


class EventWriter(Protocol):
    """How an event becomes bytes. One that is equal to another writes the same."""

    def __call__(self, event: Event, services: UseCases, /) -> bytes:
        """The payload of a message."""
        ...


class Channel(Protocol):
    """The way to the client of one subscription: messages of a WebSocket, or pieces of an answer."""

    peer: Peer
    label: str
    """Names the connection in what operators read."""

    def begin(self, subscriber: "Subscriber") -> None:
        """Called when the subscription has its place; its first message follows."""
        ...

    def next(self, payload: bytes, cursor: Cursor, /) -> bytes:
        """The message of an event."""
        ...

    def end(self, error: Exception | None) -> None:
        """Writes the message that ends it. Nothing of it is left before the client receives that."""
        ...

    def wait(self, writer: "Waiting") -> None:
        """Has it flushed when the peer reads again, in the order of coming."""
        ...


class Waiting(Protocol):
    """A subscriber that has something to write, while its peer does not read."""

    def flush(self) -> None:
        """Called when it reads again."""
        ...


class SlowReaders:
    """The subscribers on one connection that wait until the peer reads again."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._waiting: dict[Waiting, None] = {}
        peer.on_writable = self._go_on

    def wait(self, writer: Waiting) -> None:
        self._waiting[writer] = None

    def _go_on(self) -> None:
        while self._waiting and self._peer.is_writable:
            writer = next(iter(self._waiting))
            del self._waiting[writer]
            writer.flush()


class Subscriber:
    """From `begin` to its last message, or to `cancel`."""

    __slots__ = ("_channel", "_context", "_error", "_is_ending", "_place", "_watch", "_write")

    def __init__(self, write: EventWriter, context: Context, channel: Channel) -> None:
        self._write = write
        self._context = context
        self._channel = channel
        self._place: Cursor | str | None = None
        self._is_ending = False
        """True once its last message is known, until that is written."""
        self._error: Exception | None = None
        """The error that it ends with, if it ends before its request."""
        self._watch = PushWatch(context.services.live, self.flush, self._fail)

    async def begin(self, source: RequestEvents) -> None:
        """Raises as `WatchHub.enter`."""
        self._place = source.after
        context = self._context
        await self._watch.start(source.request_id, context.may_see, source.after, context.share)
        answered = self._watch.follower.cursor.answered
        frames = context.services.frames
        frames.began(source.request_id, self._channel.label, resumed=source.after is not None, answered=answered)
        self._channel.begin(self)
        self._watch.notify()

    @property
    def is_over(self) -> bool:
        """Whether the client has all that there will ever be."""
        return self._watch.follower.is_over

    @property
    def place(self) -> str | None:
        return self._place.encode() if isinstance(self._place, Cursor) else self._place

    @property
    def request_id(self) -> UUID | None:
        return self._watch.follower.request.id

    def cancel(self) -> None:
        self._stop(GONE)
        self._is_ending = False

    def flush(self) -> None:
        """Writes what there is, as far as the peer takes it; then waits for the peer, if there may be more."""
        is_writable = self._write_news() if self._watch.is_on else self._channel.peer.is_writable
        if self._is_ending and is_writable:
            self._is_ending = False
            self._channel.end(self._error)
        elif not is_writable and (self._is_ending or self._watch.is_on):
            self._channel.wait(self)

    def _write_news(self) -> bool:
        """Returns whether the peer takes more."""
        channel, follower, services = self._channel, self._watch.follower, self._context.services
        peer, news, request_id = channel.peer, follower.news(), follower.request.id
        try:
            while (is_writable := peer.is_writable) and (event := next(news, None)):
                peer.write(channel.next(self._payload(event, follower.watch), event.cursor))
                services.pushed.measure(event)
                services.frames.sent(request_id, channel.label, event)
                self._place = event.cursor
        except Exception as error:  # noqa: BLE001 - one operation is isolated from the others
            self._end(error)
            return peer.is_writable
        if follower.is_over:
            self._end(None)
        return is_writable

    def _payload(self, event: Event, watch: Watch) -> bytes:
        """Subscribers to the same request with the same document share it."""
        if len(watch.listeners) == 1:
            return written(self._write, event, self._context.services)
        key = (self._write, event.cursor.bits, event.quote.insurer_id if isinstance(event, Received) else "")
        if watch.payload is None or watch.payload[0] != key:
            watch.payload = key, written(self._write, event, self._context.services)
        return watch.payload[1]

    def _fail(self, error: Exception) -> None:
        self._end(error)
        self.flush()

    def _stop(self, result: str) -> None:
        if self._watch.is_on:
            self._context.services.frames.ended(self._watch.follower.request.id, self._channel.label, result)
        self._watch.stop()

    def _end(self, error: Exception | None) -> None:
        self._stop(DONE if error is None else type(error).__name__)
        if not self._is_ending:
            self._is_ending, self._error = True, error
