"""A second subgraph, as another team would have it: names of customers, ratings of insurers, and the customer of a request."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Self

import strawberry
from starlette.applications import Starlette
from starlette.routing import Mount
from strawberry import ID
from strawberry.asgi import GraphQL

from app.server.serve import listen, serve_here


@strawberry.federation.type(keys=["id"])
class Customer:
    id: ID

    @strawberry.field
    def name(self) -> str:
        return f"Name of {self.id}"

    @classmethod
    def resolve_reference(cls, id: ID) -> Self:  # noqa: A002 - the schema's name
        return cls(id=id)


@strawberry.federation.type(keys=["id"])
class QuoteRequest:
    id: ID
    customer_id: ID = strawberry.federation.field(external=True)

    @strawberry.federation.field(requires=["customerId"])
    def customer(self) -> Customer:
        return Customer(id=self.customer_id)

    @classmethod
    def resolve_reference(cls, id: ID, customerId: ID) -> Self:  # noqa: A002, N803 - as above
        return cls(id=id, customer_id=customerId)


@strawberry.federation.type(keys=["id"])
class Insurer:
    id: ID

    @strawberry.field
    def rating(self) -> str:
        return f"ru{self.id.upper()}"

    @classmethod
    def resolve_reference(cls, id: ID) -> Self:  # noqa: A002 - as above
        return cls(id=id)


@strawberry.type
class Query:
    @strawberry.field
    def customers(self, ids: list[ID]) -> list[Customer]:
        return [Customer(id=one) for one in ids]


_schema: Any = strawberry.federation.Schema(
    query=Query, types=[Customer, QuoteRequest, Insurer], federation_version="2.5"
)
SDL = _schema.as_str()


@asynccontextmanager
async def crm_subgraph() -> AsyncGenerator[str, None]:
    """Serves it beside the block; its URL."""
    listening = listen("127.0.0.1", 0)
    app = Starlette(routes=[Mount("/graphql", GraphQL(_schema))])
    async with serve_here(app, listening):
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/graphql/"
