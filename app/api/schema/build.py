"""The schema. What runs it is `app.api.execution.operation`; nothing of a document is ever logged."""

from functools import cache
from typing import Any, Final

import strawberry
from graphql import GraphQLSchema, is_input_object_type
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.api.schema.event_resolvers import resolve_events
from app.api.schema.federation.entities import REPRESENTATION, Representation
from app.api.schema.federation.subgraph_query import SubgraphQuery
from app.api.schema.federation.subgraph_sdl import subgraph_sdl
from app.api.schema.mutations import Mutation
from app.api.schema.queries import Query
from app.api.schema.scalars import SCALARS
from app.api.schema.subscriptions import Subscription

DESCRIPTION: Final = "Asks every OSAGO insurer for a quote and pushes each answer as it arrives."
_ROOTS: Final = "schema {\n  query: Query\n  mutation: Mutation\n  subscription: Subscription\n}"


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Runs one operation."""

    def build_per_event_executor(self, payload: Any) -> Any:
        """Forgets after each event what graphql-core 3.3.2 would gather until the subscription ends: 2 KB an event."""
        executor: Any = super().build_per_event_executor(payload)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        executor._relevant_sub_fields = {}  # noqa: SLF001 - there is no other way to reach it
        return executor


def _schema(query: type) -> strawberry.Schema:
    made = strawberry.Schema(
        query=query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map={**SCALARS, Representation: REPRESENTATION}),
        execution_context_class=Executor,
        schema_directives=[],
    )
    # strawberry's own resolver fails at lists and at non-null types.
    introspected: Any = made._schema.type_map["__Type"]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    introspected.fields["isOneOf"].resolve = _is_one_of
    return made


def _is_one_of(of: Any, _info: object) -> bool | None:
    """Of an input object alone (GraphQL, 4.2.2)."""
    return of.extensions["strawberry-definition"].is_one_of if is_input_object_type(of) else None


schema: Final = _schema(SubgraphQuery)
GRAPHQL: Final[GraphQLSchema] = schema._schema  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
"""The same as graphql-core has it."""
resolve_events(GRAPHQL)


@cache
def sdl() -> str:
    """The schema as text, as it stands in `schema.graphql`: what gateways alone ask is left out."""
    return f'"""\n{DESCRIPTION}\n"""\n{_ROOTS}\n\n{print_schema(_schema(Query))}\n'


def federation_sdl() -> str:
    """The schema as a subgraph of Apollo Federation 2, for composition."""
    return subgraph_sdl(schema)
