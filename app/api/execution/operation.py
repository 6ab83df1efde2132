"""Running prepared operations with graphql-core itself: extensions and middleware there are none to pay for."""

import inspect
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final, cast

import graphql
from graphql import ExecutionResult, GraphQLError, OperationType
from strawberry.execution import optimized_is_awaitable

from app.api import unwritable_quotes
from app.api.compiled.subscription_plan import CompiledSubscription
from app.api.context import ADMIN, Context
from app.api.execution.prepared_documents import ERRORS_MAX, Operation
from app.api.graphql_request import GraphQLRequest
from app.api.schema.build import GRAPHQL, Executor
from app.api.schema.event_sources import EventSource, RequestEvents
from app.domain.caller import Service
from app.domain.errors import NotAllowed

# Typed in part only.
_execute = cast("Any", graphql.execute)  # pyright: ignore[reportUnknownMemberType]
_subscribe = cast("Any", graphql.subscribe)  # pyright: ignore[reportUnknownMemberType]
_build = cast("Any", Executor.build)  # pyright: ignore[reportUnknownMemberType]
_begin = cast("Any", graphql.create_source_event_stream)  # pyright: ignore[reportUnknownMemberType]
_OPTIONS: Final[dict[str, Any]] = {
    "executor_class": Executor,
    "hide_suggestions": True,
    "max_coercion_errors": ERRORS_MAX,
}


async def run(operation: Operation, asked: GraphQLRequest, context: Context) -> ExecutionResult:
    """The result of a query, or of a mutation, which is finished even if its caller is gone.

    Raises:
        NotAllowed: it looks into the schema, and this caller may not.
    """
    _check_introspection(operation, context)
    running = _run(operation, asked, context)
    if operation.type is OperationType.MUTATION:
        return await context.services.finishing.finish(running)
    return await running


async def stream(
    operation: Operation, asked: GraphQLRequest, context: Context
) -> AsyncGenerator[ExecutionResult, None]:
    """Every result: of a subscription as they come, otherwise the one.

    Raises:
        NotAllowed: as `run`.
        OsagoError: what the subscription itself raises.
    """
    if operation.type is not OperationType.SUBSCRIPTION:
        yield await run(operation, asked, context)
        return
    _check_introspection(operation, context)
    if operation.written is not None:
        async for result in _written(operation, operation.written, asked, context):
            yield result
        return
    source: Any = _subscribe(
        GRAPHQL, operation.document, operation_extensions=asked.extensions, **_arguments(operation, asked, context)
    )
    results: Any = await source if inspect.isawaitable(source) else source
    if isinstance(results, ExecutionResult):
        yield results
        return
    try:
        async for result in results:
            yield cast("ExecutionResult", result)
    finally:
        await results.aclose()


async def watched(operation: Operation, asked: GraphQLRequest, context: Context) -> RequestEvents | None:
    """What to push, if all that an operation does is to watch one request, and its events are written out.

    None: anything else, also an invalid operation, which `stream` reports.
    """
    if operation.written is None or operation.introspects:
        return None
    begun = await _begun(operation, asked, context)
    return begun if isinstance(begun, RequestEvents) else None


async def _written(
    operation: Operation, written: CompiledSubscription, asked: GraphQLRequest, context: Context
) -> AsyncGenerator[ExecutionResult, None]:
    """The results of a subscription with a compiled selection."""
    begun = await _begun(operation, asked, context)
    if isinstance(begun, ExecutionResult):
        yield begun
        return
    async with aclosing(begun.events()) as events:
        async for event in events:
            yield ExecutionResult(unwritable_quotes.written(written.write, event, context.services), None)


async def _begun(operation: Operation, asked: GraphQLRequest, context: Context) -> EventSource | ExecutionResult:
    """graphql-core coerces variables and arguments and calls the resolver: what is wrong with them is its to say."""
    executor: Any = _build(
        GRAPHQL,
        operation.document,
        raw_variable_values=asked.variables,
        operation_name=operation.name,
        context_value=context,
        hide_suggestions=True,
        max_coercion_errors=ERRORS_MAX,
        operation_extensions=asked.extensions,
    )
    if isinstance(executor, list):  # errors of the variables
        return ExecutionResult(None, cast("list[GraphQLError]", executor))
    begun: Any = _begin(executor)
    return await begun if inspect.isawaitable(begun) else begun


async def _run(operation: Operation, asked: GraphQLRequest, context: Context) -> ExecutionResult:
    result = _execute(
        GRAPHQL,
        operation.document,
        is_awaitable=optimized_is_awaitable,
        operation_extensions=asked.extensions,
        **_arguments(operation, asked, context),
    )
    return result if isinstance(result, ExecutionResult) else await result


def _arguments(operation: Operation, asked: GraphQLRequest, context: Context) -> dict[str, Any]:
    return {
        "variable_values": asked.variables,
        "operation_name": operation.name,
        "context_value": context,
        **_OPTIONS,
    }


def _check_introspection(operation: Operation, context: Context) -> None:
    if not operation.introspects:
        return
    mode, caller = context.services.introspection, context.caller
    if mode == "off" or (mode == "admin" and not (isinstance(caller, Service) and ADMIN in caller.scopes)):
        raise NotAllowed
