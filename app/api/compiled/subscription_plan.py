"""Events of a subscription written out: its selection is made one Python expression once per document, not run per event.

graphql-core coerces the arguments and calls the resolver, as ever; only what it would do for each event again is spared.
A document in which something is to be decided for each event (a variable of a directive, an argument, a field that waits) is its
own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
)

from app.api.compiled.event_fields import CLASSES, FIELDS, NAMES
from app.api.compiled.selections import FIELDS_MAX, PLANS, NotCompilable, Selections, Writer
from app.api.encoding import encode
from app.runtime.supervision import report_failure
from app.watch.events import Event

_WORDS: Final = re.compile(r"\b(v|e|services)\b")


@dataclass(frozen=True, slots=True)
class CompiledSubscription:
    """How each event of one subscription becomes data."""

    key: str
    writer: Writer

    def write(self, event: Event, services: Any) -> dict[str, Any]:
        """The data of a result."""
        return {self.key: self.writer(event, services)}

    def encoded(self, event: Event, services: Any) -> bytes:
        """A whole result, as JSON."""
        return encode({"data": self.write(event, services)})


def compile_subscriptions(schema: GraphQLSchema, document: DocumentNode) -> Mapping[str | None, CompiledSubscription]:
    """Writers of the subscriptions in a valid document that are simple enough, by their names."""
    fragments = {part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)}
    found: dict[str | None, CompiledSubscription] = {}
    fields_left = FIELDS_MAX
    for part in document.definitions:
        if isinstance(part, OperationDefinitionNode) and part.operation is OperationType.SUBSCRIPTION:
            selections = EventSelections(schema, fragments)
            selections.fields_left = fields_left
            try:
                found[part.name.value if part.name else None] = _written(schema, part, selections)
            except NotCompilable:
                continue
            except Exception as error:  # noqa: BLE001 - a fault costs the shorter way alone
                report_failure(PLANS, error)
            finally:
                fields_left = selections.fields_left
    return found


def _written(schema: GraphQLSchema, operation: OperationDefinitionNode, selections: Selections) -> CompiledSubscription:
    nodes = operation.selection_set.selections
    node = nodes[0]
    root: Any = schema.subscription_type
    if operation.directives or len(nodes) != 1 or not isinstance(node, FieldNode) or node.directives:
        raise NotCompilable
    writer = selections.writer(root.fields[node.name.value].type, node.selection_set)
    return CompiledSubscription((node.alias or node.name).value, writer)


class EventSelections(Selections):
    """Written off the events themselves."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        super().__init__(schema, fragments)
        self.names |= NAMES

    def read(self, type_: GraphQLObjectType, name: str, value: str) -> str:
        expression = FIELDS[type_.name].get(name)
        if expression is None:
            raise NotCompilable
        # An event is written by a function of its own, which names it `v`, and what the function may ask `info`.
        words = {"v": value, "e": "v", "services": "info"}
        return _WORDS.sub(lambda found: words[found[0]], expression)

    def class_of(self, member: GraphQLObjectType) -> type:
        return CLASSES[member.name]
