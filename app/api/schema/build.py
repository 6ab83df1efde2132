"""The schema. What runs it is `app.api.execution.operation`; nothing of a document is ever logged."""

from typing import Final

import strawberry
from graphql import GraphQLSchema
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig

from app.api.schema.event_resolvers import resolve_events
from app.api.schema.executor import Executor
from app.api.schema.mutations import Mutation
from app.api.schema.queries import Query
from app.api.schema.scalars import SCALARS
from app.api.schema.subscriptions import Subscription

DESCRIPTION: Final = "Asks every OSAGO insurer for a quote and pushes each answer as it arrives."
_ROOTS: Final = "schema {\n  query: Query\n  mutation: Mutation\n  subscription: Subscription\n}"

schema: Final = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map=SCALARS),
    execution_context_class=Executor,
    schema_directives=[],
)
GRAPHQL: Final[GraphQLSchema] = schema._schema  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
"""The same as graphql-core has it."""
resolve_events(GRAPHQL)


def sdl() -> str:
    """The schema as text, as it stands in `schema.graphql`."""
    return f'"""\n{DESCRIPTION}\n"""\n{_ROOTS}\n\n{print_schema(schema)}\n'
