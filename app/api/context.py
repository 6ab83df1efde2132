"""The context of resolvers: the use cases, and the caller."""

from dataclasses import dataclass
from typing import Final

import msgspec

from app.api.auth.tokens import Tokens
from app.api.insurer_directory import InsurerDirectory
from app.api.request_spans import RequestSpans, TraceHeaders
from app.domain.caller import Caller, CustomerWatcher, Service
from app.domain.errors import NotAllowed
from app.domain.quote import QuoteRequest
from app.intake.new_request import IntakeRules
from app.postgres.database import Pool
from app.postgres.link_cipher import LinkCipher
from app.postgres.request_rows import Customer
from app.runtime.clock import Clock
from app.story.frame_book import FrameBook
from app.use_cases.accept import RequestAcceptor
from app.use_cases.caller_shares import CallerShare, CallerShares
from app.use_cases.complete import RequestCompleter
from app.watch.customer_watch import CustomerWatches
from app.watch.hub import WatchHub
from app.watch.push_latency import PushLatency

WRITE: Final = "quotes:write"
READ: Final = "quotes:read"
ADMIN: Final = "admin"
OPERATOR: Final = "operator"
OPERATOR_ACT: Final = "operator:act"
"""Scopes of the operator's console: looking, and changing something."""


@dataclass(frozen=True, slots=True)
class UseCases:
    """For the life of the process."""

    pool: Pool
    clock: Clock
    links: LinkCipher
    accepting: RequestAcceptor
    ending: RequestCompleter
    live: WatchHub
    customers: CustomerWatches
    availabilities: InsurerDirectory
    intake_rules: IntakeRules
    tokens: Tokens
    shares: CallerShares
    pushed: PushLatency
    frames: FrameBook
    spans: RequestSpans | None
    """None where this process makes no traces."""


class Place(msgspec.Struct):
    """How far a subscription's client has come: the cursor of the last event that was sent."""

    cursor: str | None = None
    sending: str | None = None
    """The cursor of the event that is on its way."""
    resumed: str | None = None
    """The cursor of a reconnect, from its own header: it takes precedence over the document's."""


class Context(msgspec.Struct, frozen=True):
    """One operation's context; nothing in it outlives the operation."""

    services: UseCases
    caller: Caller
    place: Place = msgspec.field(default_factory=Place)
    created: object = None
    """The result of `createQuoteRequest`, if it has run: a request is created once, also when its answer is lost."""
    trace: TraceHeaders | None = None
    """The caller's, where this process makes traces."""

    @property
    def share(self) -> CallerShare:
        """The caller's share of this process."""
        return self.services.shares.of(self.caller)

    def service(self, scope: str) -> Service:
        """The caller: a service with this scope.

        Raises:
            NotAllowed: the caller is a browser, or a service without the scope.
        """
        if not isinstance(self.caller, Service) or scope not in self.caller.scopes:
            raise NotAllowed
        return self.caller

    def customer(self, customer_id: str) -> Customer:
        """The customer that the caller may watch.

        Raises:
            NotAllowed: it is another tenant's, or the caller may watch one request alone.
        """
        if isinstance(self.caller, CustomerWatcher) and self.caller.customer_id == customer_id:
            return self.caller.tenant, customer_id
        return self.service(READ).tenant, customer_id

    def may_see(self, request: QuoteRequest) -> bool:
        """Whether this request is the caller's to look at."""
        if isinstance(self.caller, Service) and READ not in self.caller.scopes:
            return False
        return self.caller.may_see(request)
