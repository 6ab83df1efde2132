"""Selections written out: for each object type that a document selects from, one Python expression that makes the JSON of it.

`quoteRequest { id progress { total } }` becomes `{"id": v.id, "progress": {"total": v.progress.total}}`, compiled once.
Of decisions at run time it knows `@skip` and `@include`: `progress @skip(if: $short)` becomes
`**({"progress": …} if not info.flags["short"] else {})`. Arguments, a field twice, a resolver that waits are graphql-core's.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, cast

from graphql import (
    BooleanValueNode,
    DirectiveNode,
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
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)
from strawberry.types.field import StrawberryField

PLANS: Final = "plans"
"""The name under which failures of what is compiled are counted."""

Writer = Callable[[Any, "Info"], Any]
"""A value of the schema's type as JSON has it."""

_LIST: Final[Any] = GraphQLList
_NON_NULL: Final[Any] = GraphQLNonNull
FIELDS_MAX: Final = 300
"""Fields written out for one document, each as often as fragments spread it; the pages of this project ask for fifty at most."""
_PLAIN: Final = frozenset({"String", "ID", "Int", "Float", "Boolean"})


class NotCompilable(Exception):
    """The document has something that only graphql-core does."""


class Info:
    """Stands in for strawberry's `Info`: the operation's `Context`, and values of directives, by variable."""

    __slots__ = ("context", "flags")

    def __init__(self, context: object, flags: Mapping[str, bool] = MappingProxyType({})) -> None:
        self.context = context
        self.flags = flags


class Selections:
    """Writes the selections of one document out.

    Expressions are made of the schema's own Python names and of what `repr` makes of GraphQL names; nothing else of a document
    gets into one.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        flags: frozenset[str] = frozenset(),
    ) -> None:
        self._schema = schema
        self._flags = flags
        """Variables that directives may have: those in the `flags` of `Info`."""
        self._fragments = fragments
        self.names: dict[str, object] = {}
        self.fields_left = FIELDS_MAX

    def writer(self, type_: Any, selected: SelectionSetNode | None) -> Writer:
        """The function that writes a value of this type.

        Raises:
            NotCompilable: some of it is graphql-core's to do.
        """
        source = f"lambda v, info: {self._nullable(type_, 'v', selected)}"
        return eval(compile(source, "<selection>", "eval"), self.names)  # noqa: S307 - of our own making, see above

    def _nullable(self, type_: Any, value: str, selected: SelectionSetNode | None) -> str:
        """The expression that writes what the expression `value` gives."""
        if isinstance(type_, _NON_NULL):
            return self._present(type_.of_type, value, selected)
        if isinstance(type_, GraphQLScalarType) and type_.name in _PLAIN:
            return value
        name = self._fresh()
        return f"(None if ({name} := {value}) is None else {self._present(type_, name, selected)})"

    def _present(self, type_: Any, value: str, selected: SelectionSetNode | None) -> str:
        match type_:
            case GraphQLScalarType() if type_.name in _PLAIN:
                return value
            case GraphQLScalarType():
                return f"{self._named(type_.serialize)}({value})"
            case GraphQLEnumType():
                return f"{value}._name_"  # what `name` looks up, in a fifth of the time
            case GraphQLObjectType() if selected:
                return self._object(type_, value, selected)
            case GraphQLUnionType() if selected:
                writers = {self.class_of(member): self.writer(_NON_NULL(member), selected) for member in type_.types}
                name = self._fresh()
                return f"{self._named(writers)}[type({name} := {value})]({name}, info)"
            case _ if isinstance(type_, _LIST):
                # Python 3.11 makes a function of a comprehension: it cannot see what `:=` has named around it.
                one = self._named(self.writer(type_.of_type, selected))
                return f"[{one}(one, info) for one in {value}]"
            case _:
                raise NotCompilable

    def _object(self, type_: GraphQLObjectType, value: str, selected: SelectionSetNode) -> str:
        if not value.replace(".", "").isidentifier():  # a call: once, not for each of its fields
            return f"{self._named(self.writer(_NON_NULL(type_), selected))}({value}, info)"
        fields: dict[str, str] = {}
        for node, condition in self._fields(type_, selected):
            self.fields_left -= 1
            if self.fields_left < 0:
                raise NotCompilable
            key = (node.alias or node.name).value
            if key in fields:
                raise NotCompilable
            field = f"{key!r}: {self._field(type_, value, node)}"
            fields[key] = f"**({{{field}}} if {condition} else {{}})" if condition else field
        return f"{{{', '.join(fields.values())}}}"

    def _fields(
        self, type_: GraphQLObjectType, selected: SelectionSetNode, around: str = ""
    ) -> Iterator[tuple[FieldNode, str]]:
        """The fields of this type in the selection, fragments opened; each with its condition, or ""."""
        for node in selected.selections:
            condition = self._condition(node, around)
            if condition is None:
                continue
            match node:
                case FieldNode():
                    yield node, condition
                case InlineFragmentNode():
                    if self._fits(node.type_condition.name.value if node.type_condition else type_.name, type_):
                        yield from self._fields(type_, node.selection_set, condition)
                case FragmentSpreadNode():
                    fragment = self._fragments[node.name.value]
                    if fragment.directives:
                        raise NotCompilable
                    if self._fits(fragment.type_condition.name.value, type_):
                        yield from self._fields(type_, fragment.selection_set, condition)
                case _:
                    raise NotCompilable

    def _condition(self, node: SelectionNode, around: str) -> str | None:
        """The expression that says whether a selection is written; None: never."""
        parts = [around] if around else []
        for directive in node.directives or ():
            is_skip = directive.name.value == "skip"
            if not is_skip and directive.name.value != "include":
                raise NotCompilable
            match _argument_of(directive):
                case BooleanValueNode(value=value):
                    if value is is_skip:
                        return None
                case VariableNode(name=name) if name.value in self._flags:
                    parts.append(f"{'not ' if is_skip else ''}info.flags[{name.value!r}]")
                case _:
                    raise NotCompilable
        return " and ".join(parts)

    def _fits(self, condition: str, type_: GraphQLObjectType) -> bool:
        if condition == type_.name:
            return True
        named: Any = self._schema.type_map[condition]
        return isinstance(named, GraphQLUnionType) and type_ in named.types

    def _field(self, type_: GraphQLObjectType, value: str, node: FieldNode) -> str:
        name = node.name.value
        if name == "__typename":
            return repr(type_.name)
        if node.arguments:
            raise NotCompilable
        return self._nullable(type_.fields[name].type, self.read(type_, name, value), node.selection_set)

    def read(self, type_: GraphQLObjectType, name: str, value: str) -> str:
        """The expression that gets a field: an attribute, or a call of our resolver, which may not wait."""
        field: StrawberryField = type_.fields[name].extensions["strawberry-definition"]
        resolver = cast("Any", field).base_resolver
        if resolver is None:
            return f"{value}.{field.python_name}"
        if resolver.is_async:
            raise NotCompilable
        return f"{self._named(resolver.wrapped_func)}({value}, info)"

    def _named(self, thing: object) -> str:
        """A name for this object in the expressions."""
        name = f"c{len(self.names)}"
        self.names[name] = thing
        return name

    def _fresh(self) -> str:
        """A name for a value, that no other expression of this document has."""
        return self._named(None).replace("c", "v")

    def class_of(self, member: GraphQLObjectType) -> type:
        """The class that values of a union's member have."""
        return member.extensions["strawberry-definition"].origin


def _argument_of(directive: DirectiveNode) -> object:
    """The one argument of a `@skip` or `@include`."""
    return next(argument.value for argument in directive.arguments or ())
