"""The entities: what a gateway may ask for by key. The caller is the gateway's own caller, and sees what it would see without one."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Final, NewType, Self, TypeAlias, cast
from uuid import UUID

import strawberry
from graphql import GraphQLError
from strawberry import ID
from strawberry.dataloader import DataLoader
from strawberry.types.scalar import ScalarDefinition

from app.api.context import READ, Context
from app.api.schema.queries import request_id_of, visible_requests
from app.api.schema.types import ContextInfo, InsurerType, QuoteRequestType
from app.domain.caller import Service, Watcher
from app.domain.errors import NotAllowed
from app.domain.intake.formats import Broken
from app.domain.quote import QuoteRequest
from app.intake.new_request import CUSTOMER_ID
from app.postgres.database import reading
from app.postgres.request_rows import Customer, open_requests_of, read_requests

ENTITIES: Final = frozenset({"QuoteRequest", "Insurer", "Customer"})
"""Names of their types."""
KEY: Final = "id"
"""The field that names an entity, of each type."""
OPEN_SHOWN_MAX: Final = 20
"""Open requests shown of one customer."""
CUSTOMERS_AT_ONCE: Final = 10
"""Customers of one read: their open requests are read, and decoded, in one turn of the event loop."""

OpenRequests: TypeAlias = DataLoader[Customer, Sequence[QuoteRequest]]


@strawberry.type(name="Customer", description="A customer of the calling service, under the service's own id.")
class CustomerType:
    customer: strawberry.Private[Customer]
    loader: strawberry.Private[OpenRequests]
    id: ID

    @classmethod
    def of(cls, customer: Customer, loader: OpenRequests) -> Self:
        return cls(customer=customer, loader=loader, id=ID(customer[1]))

    @strawberry.field(
        description=f"Requests whose insurers are being asked, the oldest first, at most {OPEN_SHOWN_MAX}; null if they cannot be read now."
    )
    async def open_requests(self, info: ContextInfo) -> list[QuoteRequestType] | None:
        return [QuoteRequestType.of(request, info.context) for request in await self.loader.load(self.customer)]


Entity = Annotated[QuoteRequestType | InsurerType | CustomerType, strawberry.union("_Entity")]
Found: TypeAlias = QuoteRequestType | InsurerType | CustomerType | GraphQLError | None
Representation = NewType("Representation", dict[str, Any])
"""What names an entity: its `__typename`, and the fields of its key."""


def _representation(value: object) -> Representation:
    if isinstance(value, dict) and isinstance(cast("dict[str, object]", value).get("__typename"), str):
        return Representation(cast("dict[str, Any]", value))
    raise GraphQLError("_Any: expected an object with __typename.")


REPRESENTATION: Final[ScalarDefinition] = strawberry.scalar(
    name="_Any", description="An entity's `__typename`, and the fields of its key.", parse_value=_representation
)


async def find_entities(context: Context, representations: Sequence[Representation]) -> list[Found]:
    """The entity of each representation, in their order; None: there is none, or none that the caller may see.

    A GraphQLError stands where a representation names no entity of this subgraph.

    Raises:
        ShareExhausted: the caller asks too often; each request that is read counts as a query.
        Unavailable: PostgreSQL is away.
    """
    named = [_name(representation) for representation in representations]
    ids = [request_id for name in named if isinstance(name, tuple) and (request_id := _request_id(*name))]
    requests = await _read(context, list(dict.fromkeys(ids)))
    loader: OpenRequests = DataLoader(partial(_read_open, context), max_batch_size=CUSTOMERS_AT_ONCE)
    return [name if isinstance(name, GraphQLError) else _entity(context, requests, loader, *name) for name in named]


def _name(representation: Representation) -> tuple[str, str] | GraphQLError:
    """Its type and its key."""
    type_name, key = representation["__typename"], representation.get(KEY)
    if type_name not in ENTITIES:
        return GraphQLError("_entities: no entity of this subgraph has such a __typename.")
    if not isinstance(key, str):
        return GraphQLError(f"_entities: expected the key {KEY}, an ID as a string.")
    return type_name, key


def _request_id(type_name: str, key: str) -> UUID | None:
    return request_id_of(key) if type_name == "QuoteRequest" else None


async def _read(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, QuoteRequest]:
    if isinstance(context.caller, Watcher):
        ids = [request_id for request_id in ids if request_id == context.caller.request_id]
    if not ids:
        return {}
    for _ in ids[1:]:  # the document itself counted as the first
        context.share.take_query()
    return await visible_requests(context, ids)


def _entity(
    context: Context, requests: Mapping[UUID, QuoteRequest], loader: OpenRequests, type_name: str, key: str
) -> Found:
    match type_name:
        case "Insurer":
            return _insurer(context, key)
        case "Customer":
            return _customer(context, loader, key)
        case _:
            request_id = request_id_of(key)
            found = requests.get(request_id) if request_id else None
            return QuoteRequestType.of(found, context) if found else None


def _insurer(context: Context, insurer_id: str) -> InsurerType | None:
    """Insurers are shown as `Query.insurers` shows them: to services."""
    if not isinstance(context.caller, Service) or READ not in context.caller.scopes:
        return None
    insurers = context.services.availabilities
    return InsurerType.of(insurers.insurer(insurer_id)) if insurer_id in insurers.ids else None


def _customer(context: Context, loader: OpenRequests, customer_id: str) -> CustomerType | None:
    """Ids of customers are the calling service's own: another service's customer is never meant."""
    try:
        return CustomerType.of(context.customer(CUSTOMER_ID(customer_id)), loader)
    except (Broken, NotAllowed):
        return None


async def _read_open(context: Context, customers: list[Customer]) -> list[Sequence[QuoteRequest]]:
    """The open requests of each of these customers."""
    async with reading(context.services.pool) as connection:
        ids = await open_requests_of(connection, sorted(customers), most=OPEN_SHOWN_MAX)
        found = await read_requests(connection, [one for of_customer in ids.values() for one in of_customer])
    await context.services.pool.confirm()
    requests = {customer: [found[one] for one in ids.get(customer, ()) if one in found] for customer in customers}
    return [[request for request in requests[customer] if request.ending is None] for customer in customers]
