"""Running prepared operations: a mutation by its plan if it has one, all else with graphql-core itself, without extensions."""

import asyncio
import inspect
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing
from typing import Any, Final, cast

import graphql
from graphql import ExecutionResult, GraphQLError, OperationType
from graphql.error import located_error
from strawberry.execution import optimized_is_awaitable

from app.api.compiled.mutation_plan import MutationPlan
from app.api.compiled.subscription_plan import CompiledSubscription
from app.api.context import ADMIN, WRITE, Context
from app.api.execution.prepared_documents import Operation, PreparedDocuments, Unplanned
from app.api.graphql_errors import ERRORS_MAX
from app.api.graphql_request import GraphQLRequest
from app.api.schema import unwritable_quotes
from app.api.schema.build import GRAPHQL, Executor
from app.api.schema.event_sources import EventSource, RequestEvents
from app.api.schema.mutations import created
from app.domain.caller import Service
from app.domain.errors import NotAllowed
from app.domain.intake.formats import Broken
from app.intake.new_request import read_plain
from app.observability.tracing.spans import NO_SPAN, TRACE_ID, Span, working_in
from app.runtime.shielded_tasks import ShieldedTasks

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

LEARN_AFTER_S: Final = 0.01
"""Between the result of a mutation and the compilation of its plan."""
_LEARNING: Final = (Unplanned.NEW, Unplanned.MET)


class OperationRunner:
    """Runs the operations of every transport. `introspection` says which callers may look into the schema: `on`, `admin`, `off`."""

    def __init__(self, documents: PreparedDocuments, finishing: ShieldedTasks, *, introspection: str) -> None:
        self._documents = documents
        self._finishing = finishing
        self._introspection = introspection

    async def run(self, operation: Operation, asked: GraphQLRequest, context: Context) -> ExecutionResult:
        """The result of a query or a mutation.

        Raises:
            NotAllowed: it looks into the schema, and this caller may not.
        """
        self._check_introspection(operation, context)
        with _span_of(operation, context) as span:
            result = None
            if isinstance(operation.plan, MutationPlan):
                result = await _run_plan(operation.plan, operation, asked, context)
            if result is None:
                result = await _execute_operation(operation, asked, context)
                if operation.type is OperationType.MUTATION and not result.errors:
                    self._learn_later(operation, context)
            if span and result.errors:
                span.fail(type(result.errors[0].original_error or result.errors[0]).__name__)
            return result

    def _learn_later(self, operation: Operation, context: Context) -> None:
        """The answer is sent by then, and a mistake there changes nothing about it."""
        if operation.plan in _LEARNING and isinstance(context.caller, Service) and WRITE in context.caller.scopes:
            asyncio.get_running_loop().call_later(LEARN_AFTER_S, self._documents.learn, operation)

    async def stream(
        self, operation: Operation, asked: GraphQLRequest, context: Context
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Every result: of a subscription as they come, otherwise the one. A mutation is finished even if its socket is gone.

        Raises:
            NotAllowed: as `run`.
            OsagoError: what the subscription itself raises.
        """
        if operation.type is not OperationType.SUBSCRIPTION:
            running = self.run(operation, asked, context)
            yield await (self._finishing.finish(running) if operation.type is OperationType.MUTATION else running)
            return
        self._check_introspection(operation, context)
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

    def _check_introspection(self, operation: Operation, context: Context) -> None:
        if not operation.introspects:
            return
        mode, caller = self._introspection, context.caller
        if mode == "off" or (mode == "admin" and not (isinstance(caller, Service) and ADMIN in caller.scopes)):
            raise NotAllowed


def _span_of(operation: Operation, context: Context) -> AbstractContextManager[Span | None]:
    if (spans := context.services.spans) is None:
        return NO_SPAN
    span = spans.begin_operation(operation.type, operation.name, context.caller, context.trace)
    if span is None:
        return NO_SPAN
    TRACE_ID.set(span.context.trace_hex)  # until this task ends: errors are logged when the answer is written
    return working_in(span)


async def watched(operation: Operation, asked: GraphQLRequest, context: Context) -> RequestEvents | None:
    """The watch to push, if the operation only watches one request, and its events are written by compiled code.

    None: anything else, and any mistake in it, which `stream` reports.
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
    """graphql-core coerces variables and arguments and calls the resolver: it reports what is wrong with them."""
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


async def _run_plan(
    plan: MutationPlan, operation: Operation, asked: GraphQLRequest, context: Context
) -> ExecutionResult | None:
    """The result of a mutation; None if graphql-core is to look at its variables. A bug in the plan costs the plan alone."""
    services = context.services
    try:
        variables = plan.read(asked.variables or {})
        if variables is None:
            return None
        wanted = read_plain(variables.input, now=services.clock.now(), rules=services.intake_rules)
    except Broken:
        return None
    except Exception as error:  # noqa: BLE001 - see above
        operation.give_up(error)
        return None
    try:
        found = await created(context, lambda: wanted)
    except Exception as error:  # noqa: BLE001 - as graphql-core does; the mutation's result is never null, so there is no data
        return ExecutionResult(None, [located_error(error, [plan.node], [plan.key])])
    try:
        return ExecutionResult(plan.write(found, context, variables.flags), None)
    except Exception as error:  # noqa: BLE001 - the request is accepted by now, and has its answer all the same
        operation.give_up(error)
        return await _execute_operation(operation, asked, Context(services, context.caller, context.place, found))


async def _execute_operation(operation: Operation, asked: GraphQLRequest, context: Context) -> ExecutionResult:
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
