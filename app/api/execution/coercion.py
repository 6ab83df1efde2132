"""Variables of an operation, coerced: the input of `createQuoteRequest` by msgspec, a fifth of what it costs in graphql-core.

What msgspec makes of it is a struct and no dictionary. Nobody but the mutation can get it: no other argument has this type.
Whatever msgspec will not take, graphql-core coerces, or says what is wrong with it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableDefinitionNode,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values

from app.api.compiled.variables import compile_conversion

_INPUT: Final = "CreateQuoteRequestInput!"


@dataclass(frozen=True, slots=True)
class Coercion:
    """How to coerce the variables of one operation, and the operation as an executor wants it."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    fragment_definitions: Mapping[str, FragmentDefinitionNode]
    fragments: Mapping[str, FragmentDetails]
    name: str
    """The variable that is the mutation's input."""
    source: VariableValueSource
    convert: Callable[[object], msgspec.Struct]
    others: Sequence[VariableDefinitionNode]
    left_out: VariableValues | None
    """What the others are when none of them is given; None where one must be."""

    def values(self, given: Mapping[str, Any]) -> VariableValues | None:
        """The values of all variables; None where graphql-core is to look at them."""
        try:
            value = self.convert(given[self.name])
        except (KeyError, msgspec.ValidationError):
            return None
        others = self.left_out if len(given) == 1 else None
        others = others or _values(self.schema, self.others, given)
        if others is None:
            return None
        return VariableValues({**others.sources, self.name: self.source}, {**others.coerced, self.name: value})


def _values(
    schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode], given: Mapping[str, Any]
) -> VariableValues | None:
    values = get_variable_values(schema, definitions, cast("dict[str, Any]", given))
    return None if isinstance(values, list) else values


def coercions(schema: GraphQLSchema, document: DocumentNode) -> Mapping[str | None, Coercion]:
    """For those operations of a valid document that have the mutation's input as a variable, by their names."""
    operations = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
    fragments = {part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)}
    found = {
        operation.name.value if operation.name else None: _coercion(schema, operation, fragments)
        for operation in operations
    }
    return {name: coercion for name, coercion in found.items() if coercion is not None}


def _coercion(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Coercion | None:
    definitions = operation.variable_definitions or ()
    signatures = [get_variable_signature(schema, definition) for definition in definitions]
    for definition, signature in zip(definitions, signatures, strict=True):
        if isinstance(signature, GraphQLError) or definition.default_value:
            continue
        declared = cast("Any", signature.type)  # pyright: ignore[reportUnknownMemberType]
        if str(declared) != _INPUT:
            continue
        others = [other for other in definitions if other is not definition]
        return Coercion(
            schema,
            operation,
            fragments,
            {name: FragmentDetails(fragment, None) for name, fragment in fragments.items()},
            signature.name,
            VariableValueSource(signature),
            compile_conversion(declared),
            others,
            _values(schema, others, {}),
        )
    return None
