"""A subscription's messages over graphql-transport-ws, and the connection that it shares with others."""

import asyncio
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog

from app.api.context import Context
from app.api.encoding import encode
from app.api.execution.subscriber import SlowReaders, Subscriber
from app.api.graphql_errors import from_exception
from app.domain.cursor import Cursor
from app.server.peer import Peer
from app.story.frame_book import socket_label


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


@dataclass(frozen=True, slots=True)
class OperationTask:
    """Operations with a task of their own: queries, mutations, and subscriptions that a `Subscriber` cannot run."""

    task: asyncio.Task[None]
    context: Context

    def cancel(self) -> None:
        self.task.cancel()

    @property
    def place(self) -> str | None:
        return self.context.place.cursor

    @property
    def request_id(self) -> UUID | None:
        return None


class SocketWriter:
    """A connection as its subscribers see it: the peer, what runs on it by id, and the subscribers that wait for it to read."""

    def __init__(self, peer: Peer, running: dict[str, RunningOperation]) -> None:
        self.peer = peer
        self.label = socket_label("ws")
        self.running = running
        self.readers = SlowReaders(peer)


class SocketChannel:
    """The messages of one operation."""

    __slots__ = ("_head", "_id", "_line", "label", "peer", "wait")

    def __init__(self, id_: str, line: SocketWriter) -> None:
        self._id = id_
        self._line = line
        self._head = b'{"id":%b,"type":"next","payload":' % encode(id_)
        self.peer = line.peer
        self.label = line.label
        self.wait = line.readers.wait

    def begin(self, subscriber: Subscriber) -> None:
        self._line.running[self._id] = subscriber

    def next(self, payload: bytes, _cursor: Cursor) -> bytes:
        return b"%b%b}" % (self._head, payload)

    def end(self, error: Exception | None) -> None:
        """The id is free again before the client receives the message."""
        del self._line.running[self._id]
        message: dict[str, object] = {"id": self._id, "type": "complete"}
        if error is not None:
            with structlog.contextvars.bound_contextvars(operation=self._id):
                message = {"id": self._id, "type": "error", "payload": [from_exception(error)]}
        self.peer.write(encode(message))
