"""Variables of an operation, coerced: the input of `createQuoteRequest` by msgspec, a fifth of what it costs in graphql-core.

What msgspec makes of it is a struct and no dictionary. Nobody but the mutation can get it: no other argument has this type.
Whatever msgspec will not take, graphql-core coerces, or says what is wrong with it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

import msgspec
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableDefinitionNode,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values

from app.api.compiled.not_compilable import report_fault
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
    found: dict[str | None, Coercion] = {}
    for operation in operations:
        try:
            coercion = _coercion(schema, operation, fragments)
        except Exception as error:  # noqa: BLE001 - a fault costs the shorter way alone
            report_fault(error)
        else:
            if coercion is not None:
                found[operation.name.value if operation.name else None] = coercion
    return found


@lru_cache(maxsize=4)
def _conversion(schema: GraphQLSchema) -> Callable[[object], msgspec.Struct]:
    """Made once: it holds a class for each input type."""
    return compile_conversion(GraphQLNonNull(cast("Any", schema.type_map[_INPUT.removesuffix("!")])))


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
            _conversion(schema),
            others,
            _values(schema, others, {}),
        )
    return None
