"""The schema: parsed documents and verdicts of validation are kept, and nothing of a document is ever logged."""

from collections.abc import Generator
from typing import Any, Final

import strawberry
from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.execution import ExecutionContext

from app.api.mutations import Mutation
from app.api.queries import Query
from app.api.scalars import SCALARS
from app.api.subscriptions import Subscription

DOCUMENTS_KEPT: Final = 256


DESCRIPTION: Final = "Asks every OSAGO insurer for a quote and pushes each answer as it arrives."
_ROOTS: Final = "schema {\n  query: Query\n  mutation: Mutation\n  subscription: Subscription\n}"


class _Executor(StrawberryGraphQLCoreExecutionContext):
    """Forgets after each event what graphql-core 3.3.2 would gather until the subscription ends: 2 KB an event."""

    def build_per_event_executor(self, payload: Any) -> Any:
        executor: Any = super().build_per_event_executor(payload)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        executor._relevant_sub_fields = {}  # noqa: SLF001 - there is no other way to reach it
        return executor


class _OneOperation(SchemaExtension):
    """Of several operations the one that is named: without a name Strawberry would run the first."""

    def on_validate(self) -> Generator[None, None, None]:
        context: Any = self.execution_context
        document = context.graphql_document
        if document and not context.pre_execution_errors and not context._provided_operation_name:  # noqa: SLF001
            operations = sum(isinstance(part, OperationDefinitionNode) for part in document.definitions)
            if operations > 1:
                context.pre_execution_errors = [GraphQLError("Операций несколько: укажите имя, operationName.")]
        yield


class _Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Does not log: the stock logger writes the whole document, and what is personal in it. See `app.api.faults`."""


schema: Final = _Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[
        lambda: ParserCache(maxsize=DOCUMENTS_KEPT),
        lambda: ValidationCache(maxsize=DOCUMENTS_KEPT),
        _OneOperation,
    ],
    execution_context_class=_Executor,
    schema_directives=[],
)


def sdl() -> str:
    """The schema as text, as it stands in `schema.graphql`."""
    return f'"""\n{DESCRIPTION}\n"""\n{_ROOTS}\n\n{print_schema(schema)}\n'
