"""Events of a subscription written out: its selection is made one Python expression once per document, not run per event.

`quote { status offer { number } }` becomes
`{'quote': None if (v1 := e.told) is None else {'status': v1.status._name_, 'offer': None if (v2 := v1.offer) is None else …}}`.

graphql-core coerces the arguments and calls the resolver, as ever; only what it would do for each event again is spared.
A document in which something is to be decided for each event (a directive, an argument, a field that waits) is its own.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from app.api.event_fields import CLASSES, FIELDS, NAMES
from app.api.plans.selections import Selections
from app.api.plans.simple import NotSimple
from app.following import Event

_PLAIN: Final = frozenset({"String", "ID", "Int", "Float", "Boolean"})
_NON_NULL: Final[Any] = GraphQLNonNull
_VALUE: Final = re.compile(r"\bv\b")


@dataclass(frozen=True, slots=True)
class Written:
    """How each event of one subscription becomes data, given the API's services."""

    writers: Mapping[type, Callable[[Any, Any], dict[str, Any]]]

    def write(self, event: Event, services: object) -> dict[str, Any]:
        return self.writers[type(event)](event, services)


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
    if operation.directives or len(selections) != 1 or not isinstance(node, FieldNode) or node.directives:
        raise NotSimple
    if node.selection_set is None:
        raise NotSimple
    key = (node.alias or node.name).value
    writers: dict[type, Callable[[Any, Any], dict[str, Any]]] = {}
    for name, class_ in CLASSES.items():
        expressions = _Expressions(schema, fragments)
        text = expressions.object(schema.type_map[name], node.selection_set, "e")
        # Names of the schema and of `event_fields`, and aliases, which the parser has found to be letters and digits.
        writers[class_] = eval(f"lambda e, services: {{{key!r}: {text}}}", {**NAMES, **expressions.used})  # noqa: S307
    return Written(writers)


class _Expressions:
    """Makes the selections of one document expressions."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._selections = Selections(schema, fragments)
        self._numbers = count(1)
        self.used: dict[str, Callable[[Any], Any]] = {}
        """What writes scalars, by the names that the expressions have for it."""

    def object(self, type_: Any, selected: SelectionSetNode, value: str) -> str:
        """Writes the fields that are selected of `value`, a name.

        Raises:
            NotSimple: some of it is not provably simple.
        """
        fields: dict[str, str] = {}
        for node in self._selections.fields(type_, selected):
            key = (node.alias or node.name).value
            if key in fields:
                raise NotSimple
            fields[key] = self._field(type_, node, value)
        return "{" + ", ".join(f"{key!r}: {text}" for key, text in fields.items()) + "}"

    def _field(self, type_: GraphQLObjectType, node: FieldNode, value: str) -> str:
        name = node.name.value
        if name == "__typename":
            return repr(type_.name)
        read = FIELDS[type_.name].get(name)
        if node.arguments or node.directives or read is None:
            raise NotSimple
        return self._value(type_.fields[name].type, node.selection_set, _VALUE.sub(value, read))

    def _value(self, type_: Any, selected: SelectionSetNode | None, read: str) -> str:
        is_present = isinstance(type_, _NON_NULL)
        type_ = type_.of_type if is_present else type_
        if isinstance(type_, GraphQLScalarType) and type_.name in _PLAIN:
            return read
        value = f"v{next(self._numbers)}"
        match type_:
            case GraphQLScalarType():
                self.used[type_.name] = type_.serialize
                write = f"{type_.name}({value})"
            case GraphQLEnumType():
                write = f"{value}._name_"  # what `name` looks up, in a fifth of the time
            case GraphQLObjectType() if selected:
                write = self.object(type_, selected, value)
            case _:
                raise NotSimple
        return f"(None if ({value} := {read}) is None else {write})"
