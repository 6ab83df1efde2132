"""Selections written out: for each object type that a document selects from, which fields, in order, and how each is read.

Only what needs no decision when it runs: no directives, no arguments, no field twice, no resolver that waits.
"""

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Final, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionSetNode,
)
from strawberry.types.field import StrawberryField

from app.api.plans.simple import NotSimple

Writer = Callable[[Any, "Info"], Any]
"""A value of the schema's type as JSON has it."""

_LIST: Final[Any] = GraphQLList
_NON_NULL: Final[Any] = GraphQLNonNull
_PLAIN: Final = frozenset({"String", "ID", "Int", "Float", "Boolean"})


class Info:
    """What our resolvers ask of strawberry's own: the operation's `Context`, which itself holds the plans."""

    __slots__ = ("context",)

    def __init__(self, context: object) -> None:
        self.context = context


class Selections:
    """Writes the selections of one document out."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._fragments = fragments

    def writer(self, type_: Any, selected: SelectionSetNode | None) -> Writer:
        """What writes a value of this type.

        Raises:
            NotSimple: some of it is not provably simple.
        """
        if isinstance(type_, _NON_NULL):
            return self._present(type_.of_type, selected)
        present = self._present(type_, selected)
        return lambda value, info: None if value is None else present(value, info)

    def _present(self, type_: Any, selected: SelectionSetNode | None) -> Writer:
        match type_:
            case GraphQLScalarType() if type_.name in _PLAIN:
                return _same
            case GraphQLScalarType():
                serialize = type_.serialize
                return lambda value, _info: serialize(value)
            case GraphQLEnumType():
                return _name
            case GraphQLObjectType() if selected:
                return self._object(type_, selected)
            case GraphQLUnionType() if selected:
                writers = {_class_of(member): self._object(member, selected) for member in type_.types}
                return lambda value, info: writers[type(value)](value, info)
            case _ if isinstance(type_, _LIST):
                one = self.writer(type_.of_type, selected)
                return lambda values, info: [one(value, info) for value in values]
            case _:
                raise NotSimple

    def _object(self, type_: GraphQLObjectType, selected: SelectionSetNode) -> Writer:
        fields: dict[str, Writer] = {}
        for node in self.fields(type_, selected):
            key = (node.alias or node.name).value
            if key in fields:
                raise NotSimple
            fields[key] = self._field(type_, node)
        written = tuple(fields.items())
        return lambda value, info: {key: read(value, info) for key, read in written}

    def fields(self, type_: GraphQLObjectType, selected: SelectionSetNode) -> Iterator[FieldNode]:
        """Those that this very type has in the selection, fragments opened."""
        for node in selected.selections:
            if node.directives:
                raise NotSimple
            match node:
                case FieldNode():
                    yield node
                case InlineFragmentNode():
                    if self._fits(node.type_condition.name.value if node.type_condition else type_.name, type_):
                        yield from self.fields(type_, node.selection_set)
                case FragmentSpreadNode():
                    fragment = self._fragments[node.name.value]
                    if fragment.directives:
                        raise NotSimple
                    if self._fits(fragment.type_condition.name.value, type_):
                        yield from self.fields(type_, fragment.selection_set)
                case _:
                    raise NotSimple

    def _fits(self, condition: str, type_: GraphQLObjectType) -> bool:
        if condition == type_.name:
            return True
        named: Any = self._schema.type_map[condition]
        return isinstance(named, GraphQLUnionType) and type_ in named.types

    def _field(self, type_: GraphQLObjectType, node: FieldNode) -> Writer:
        name = node.name.value
        if name == "__typename":
            return lambda _value, _info: type_.name
        field = type_.fields[name]
        if node.arguments:
            raise NotSimple
        read: Any = _reader(field.extensions["strawberry-definition"])
        write = self.writer(field.type, node.selection_set)
        if isinstance(read, attrgetter):
            return (
                _plain(cast("Any", read))
                if write is _same
                else lambda value, info: write(cast("Any", read(value)), info)
            )
        return lambda value, info: write(read(value, info), info)


def _plain(read: Callable[[Any], Any]) -> Writer:
    return lambda value, _info: read(value)


def _name(value: Any, _info: Info) -> Any:
    return value.name


def _same(value: Any, _info: Info) -> Any:
    return value


def _reader(field: StrawberryField) -> Any:
    """What gets the field of a value: an attribute, or our resolver, which may not wait."""
    resolver = cast("Any", field).base_resolver
    if resolver is None:
        return attrgetter(field.python_name)
    if resolver.is_async:
        raise NotSimple
    return resolver.wrapped_func


def _class_of(type_: GraphQLObjectType) -> type:
    return type_.extensions["strawberry-definition"].origin
