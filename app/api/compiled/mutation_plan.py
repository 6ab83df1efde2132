"""The plan of one mutation `createQuoteRequest`: its variables, the use case, its selection."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    get_operation_ast,
)
from graphql.utilities import is_equal_type
from graphql.utilities import type_from_ast as _type_from_ast  # pyright: ignore[reportUnknownVariableType]

from app.api.compiled.not_compilable import NotCompilable
from app.api.compiled.selections import Selections, Writer
from app.api.compiled.variables import compile_variables

FIELD: Final = "createQuoteRequest"
ARGUMENT: Final = "input"
# Generic in graphql-core, of an unknown type.
_type_of: Final = cast("Any", _type_from_ast)


@dataclass(frozen=True, slots=True)
class MutationPlan:
    """How to run one operation of one document without graphql-core."""

    decode: Callable[[bytes | msgspec.Raw], dict[str, Any]]
    """The input among the variables; raises msgspec.MsgspecError or UnicodeDecodeError for what graphql-core is to look at."""
    key: str
    write: Writer
    node: FieldNode
    """Where errors are."""


def compile_plan(schema: GraphQLSchema, document: DocumentNode, name: str | None) -> MutationPlan:
    """The plan of an operation of a valid document.

    Raises:
        NotSimple: it is none that a plan can do.
    """
    operation = get_operation_ast(document, name)
    if operation is None or operation.operation is not OperationType.MUTATION or operation.directives:
        raise NotCompilable
    node = _only_field(operation)
    variable = _argument(node)
    field: Any = schema.mutation_type.fields[FIELD] if schema.mutation_type else None
    declared = _declared(schema, operation)
    if not is_equal_type(declared, field.args[ARGUMENT].type):
        raise NotCompilable
    fragments = {part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)}
    return MutationPlan(
        decode=compile_variables(variable),
        key=(node.alias or node.name).value,
        write=Selections(schema, fragments).writer(field.type, node.selection_set),
        node=node,
    )


def _declared(schema: GraphQLSchema, operation: OperationDefinitionNode) -> Any:
    """The type of the one variable, which validation has matched with the argument."""
    definitions = operation.variable_definitions or ()
    if len(definitions) != 1:
        raise NotCompilable
    definition = definitions[0]
    if definition.directives or definition.default_value:
        raise NotCompilable
    return _type_of(schema, definition.type)


def _only_field(operation: OperationDefinitionNode) -> FieldNode:
    selections = operation.selection_set.selections
    node = selections[0]
    if len(selections) != 1 or not isinstance(node, FieldNode) or node.name.value != FIELD or node.directives:
        raise NotCompilable
    return node


def _argument(node: FieldNode) -> str:
    arguments = node.arguments or ()
    if len(arguments) != 1 or not isinstance(arguments[0].value, VariableNode):
        raise NotCompilable
    name = arguments[0].value.name.value
    if name.startswith("__"):  # Python's own names: `__dict__` is none that a struct may have
        raise NotCompilable
    return name
