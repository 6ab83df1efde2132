"""The caller, and what it may see. A token has been checked before one of these is made."""

from dataclasses import dataclass
from uuid import UUID

from app.domain.quote import QuoteRequest


@dataclass(frozen=True, slots=True)
class Service:
    """A service such as core-app; it sees its own requests, all of them and no others."""

    tenant: str
    scopes: frozenset[str]

    def may_see(self, request: QuoteRequest) -> bool:
        return request.tenant == self.tenant


@dataclass(frozen=True, slots=True)
class Watcher:
    """A browser with a watch token: it sees one request and may change nothing."""

    request_id: UUID

    def may_see(self, request: QuoteRequest) -> bool:
        return request.id == self.request_id


@dataclass(frozen=True, slots=True)
class CustomerWatcher:
    """A browser with a customer token: it sees all requests of one customer of one service, and may change nothing."""

    tenant: str
    customer_id: str

    def may_see(self, request: QuoteRequest) -> bool:
        return (request.tenant, request.customer_id) == (self.tenant, self.customer_id)


Caller = Service | Watcher | CustomerWatcher
