"""Events of a subscription written out: what its selection reads is worked out once per document, not once per event.

graphql-core coerces the arguments and begins the stream, as ever; only what it would do for each event again is spared.
A document in which something is to be decided for each event (a directive, an argument, a field that waits) is its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
)

from app.api.event_fields import CLASSES, FIELDS
from app.api.plans.selections import Selections, Writer
from app.api.plans.simple import NotSimple


class _EventSelections(Selections):
    """Of events as `app.following` has them."""

    def reader(self, type_: GraphQLObjectType, name: str) -> Any:
        read = FIELDS[type_.name].get(name)
        if read is None:
            raise NotSimple
        return read

    def class_of(self, member: GraphQLObjectType) -> type:
        return CLASSES[member.name]


@dataclass(frozen=True, slots=True)
class Written:
    """How each event of one subscription becomes data."""

    key: str
    write: Writer


def written_subscriptions(schema: GraphQLSchema, document: DocumentNode) -> Mapping[str | None, Written]:
    """Those subscriptions of a valid document that are simple enough, by their names."""
    fragments = {part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)}
    found: dict[str | None, Written] = {}
    for part in document.definitions:
        if isinstance(part, OperationDefinitionNode) and part.operation is OperationType.SUBSCRIPTION:
            try:
                found[part.name.value if part.name else None] = _written(schema, part, fragments)
            except NotSimple:
                continue
    return found


def _written(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Written:
    selections = operation.selection_set.selections
    node = selections[0]
    root: Any = schema.subscription_type
    if operation.directives or len(selections) != 1 or not isinstance(node, FieldNode) or node.directives:
        raise NotSimple
    write = _EventSelections(schema, fragments).writer(root.fields[node.name.value].type, node.selection_set)
    return Written((node.alias or node.name).value, write)
