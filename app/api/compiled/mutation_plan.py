"""The plan of one mutation `createQuoteRequest`: its variables, and its selection. The use case between them is the resolver's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
    VariableNode,
    get_operation_ast,
)
from graphql.utilities import is_equal_type
from graphql.utilities import type_from_ast as _type_from_ast  # pyright: ignore[reportUnknownVariableType]

from app.api.compiled.selections import Info, NotCompilable, Selections, Writer
from app.api.encoding import encode

FIELD: Final = "createQuoteRequest"
ARGUMENT: Final = "input"
_FLAG_TYPES: Final = frozenset({"Boolean", "Boolean!"})
# Generic in graphql-core, of an unknown type.
_type_of: Final = cast("Any", _type_from_ast)


class PlanVariables(msgspec.Struct, frozen=True, gc=False):
    """The variables of one request."""

    input: dict[str, Any]
    """Plain JSON: `app.intake.new_request` reads it, and takes nothing that graphql-core would refuse."""
    flags: Mapping[str, bool]
    """The values of `@skip` and `@include`, by variable."""


@dataclass(frozen=True, slots=True)
class MutationPlan:
    """How to run one operation of one document without graphql-core."""

    key: str
    node: FieldNode
    """The place of errors."""
    variable: str
    flags: Mapping[str, bool | None]
    """Variables of directives with their defaults; None: there is none."""
    writer: Writer

    def read(self, variables: Mapping[str, Any]) -> PlanVariables | None:
        """The variables; None if graphql-core is to look at them."""
        input_ = variables.get(self.variable)
        if not isinstance(input_, dict):
            return None
        flags: dict[str, bool] = {}
        for name, default in self.flags.items():
            value = variables.get(name, default)
            if not isinstance(value, bool):
                return None
            flags[name] = value
        return PlanVariables(cast("dict[str, Any]", input_), flags)

    def write(self, found: object, context: object, flags: Mapping[str, bool]) -> dict[str, Any]:
        """The data of the operation, of what the mutation has led to. It is JSON already: what cannot be encoded fails here."""
        return {self.key: msgspec.Raw(encode(self.writer(found, Info(context, flags))))}


def compile_plan(schema: GraphQLSchema, document: DocumentNode, name: str | None) -> MutationPlan:
    """The plan of an operation of a valid document.

    Raises:
        NotCompilable: it does more than a plan can do.
    """
    operation = get_operation_ast(document, name)
    if operation is None or operation.operation is not OperationType.MUTATION or operation.directives:
        raise NotCompilable
    node = _only_field(operation)
    variable = _argument(node)
    field: Any = schema.mutation_type.fields[FIELD] if schema.mutation_type else None
    defined = {one.variable.name.value: one for one in operation.variable_definitions or ()}
    _check_input(schema, defined.pop(variable), field.args[ARGUMENT].type)
    flags = {name: _flag_default(schema, one) for name, one in defined.items()}
    fragments = {part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)}
    return MutationPlan(
        key=(node.alias or node.name).value,
        node=node,
        variable=variable,
        flags=flags,
        writer=Selections(schema, fragments, frozenset(flags)).writer(field.type, node.selection_set),
    )


def _check_input(schema: GraphQLSchema, definition: VariableDefinitionNode, expected: Any) -> None:
    """Validation has matched the variable with the argument; a plan reads only what the argument itself takes."""
    if definition.directives or definition.default_value:
        raise NotCompilable
    if not is_equal_type(_type_of(schema, definition.type), expected):
        raise NotCompilable


def _flag_default(schema: GraphQLSchema, definition: VariableDefinitionNode) -> bool | None:
    """Validation has it that a variable is used, and in a mutation without other arguments only directives can use it."""
    default = definition.default_value
    if definition.directives or str(_type_of(schema, definition.type)) not in _FLAG_TYPES:
        raise NotCompilable
    if default is None:
        return None
    if not isinstance(default, BooleanValueNode):
        raise NotCompilable
    return default.value


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
    return arguments[0].value.name.value
