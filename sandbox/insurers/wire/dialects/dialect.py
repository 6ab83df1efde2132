"""What a dialect is: how an insurer's API reads calls off the wire, and writes what it says onto it.

What is said, when, and how an insurer misbehaves is the same in all dialects and decided elsewhere (`sandbox.insurers.wire.http_api`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from app.domain.application import Application
from sandbox.insurers.model.handle import Desk
from sandbox.insurers.model.http_call import Call
from sandbox.insurers.model.outcome import Refusal
from sandbox.insurers.model.replies import Reply, Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Handles the create of an application."""

    key: str
    """The idempotency key, as it came."""
    read: Callable[[], tuple[Application, bytes]]
    """The application and its content; raises `Unpriceable`."""
    patience_s: float = 0.0
    """So long the caller is ready to wait for the answer itself; after that it gets an id to poll with."""
    callback_url: str | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """Handles a poll for the answer."""

    application_id: str


class Dialect(ABC):
    """One way to speak."""

    paths: ClassVar[Sequence[tuple[str, str]]]
    """(method, path behind the insurer's address); parts in braces are read with `call.path`."""

    options: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What insurers.toml has to say to the adapter, so that it gets along with the sandbox."""

    errors_in_bodies: ClassVar[bool] = False
    """Whether errors stand in the body, under any HTTP status."""

    @abstractmethod
    def read(self, call: Call, body: bytes, desk: Desk) -> Create | Poll | Reply:
        """What is asked for; a reply where it is answered, or turned away, by the dialect itself."""

    @abstractmethod
    def created(self, application_id: str) -> Reply:
        """The application is taken in."""

    @abstractmethod
    def said(self, said: Said | None) -> Reply:
        """The answer; None: still at it."""

    @abstractmethod
    def error(self, status: int, code: str, retry_after: str | None = None) -> Reply:
        """A breakdown of the kind that this HTTP status means, in the form of the dialect."""

    def refused(self, refusal: Refusal) -> Reply:
        """A refusal at the door: nothing was taken in."""
        return self.said(refusal)

    def callback(self, key: str, application_id: str, said: Said) -> bytes:
        """The body of a call back."""
        raise NotImplementedError(application_id)
