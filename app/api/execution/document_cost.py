"""The cost of a document. It is measured before anything validates it: validation of a hostile one costs most of all.

Length, comments and escapes are counted in the text, tokens by the parser; depth, aliases, directives, fragments and complexity by one walk over the document in
which each fragment is measured once, however often it is spread.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ListValueNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    ValueNode,
    VariableNode,
)

from app.api.graphql_errors import TooComplex

DOCUMENT_LENGTH_MAX: Final = 16 * 1024
"""Characters: the lexer looks at each space and comma, and one astral character takes four bytes for every other."""
COMMENTS_MAX: Final = 200
ESCAPES_MAX: Final = 500
"""In strings; and the lexer takes 2 µs for each."""
TOKENS_MAX: Final = 500
"""GraphiQL's introspection has 163, this project's operations about a hundred; validation takes 10 µs for one."""
OPERATIONS_MAX: Final = 10
DEPTH_MAX: Final = 16
"""GraphiQL's introspection is 15 deep, this project's operations 6."""
ALIASES_MAX: Final = 30
DIRECTIVES_MAX: Final = 30
FRAGMENTS_MAX: Final = 20
REPEATS_MAX: Final = 30
"""Selections of a field that is selected already: validation compares each with each."""
COMPLEXITY_MAX: Final = 2000
REPRESENTATIONS_MAX: Final = 100
"""The entities that a gateway may ask for in one request."""

ROOT: Final = 10
"""A field of the operation itself asks PostgreSQL or Redis; any other field only shows what is there."""
LENGTHS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "insurers": 10,
        "quotes": 10,
        "problems": 10,
        "drivers": 2,
        "openRequests": 3,
        "_entities": 1,
        "extras": 2,
        "warnings": 10,
        "path": 1,
        "types": 40,
        "fields": 6,
        "args": 2,
        "inputFields": 2,
        "directives": 5,
        "enumValues": 1,
        "interfaces": 1,
        "possibleTypes": 1,
        "locations": 1,
    }
)
"""How long each list of the schema usually is; those from `types` on are introspection's, and `_entities` is as long as its argument."""
_ENTITIES: Final = "_entities"
_WHOLE_SCHEMA: Final = frozenset({"__schema", "_service"})
INTROSPECTION: Final = _WHOLE_SCHEMA | {"__type"}
"""Fields that show the schema."""
_INTROSPECTION_SHARE: Final = 20
"""A field of introspection costs about this part of another field: it calls no other part."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a selection set: of its fields together, and how deep they are."""

    complexity: int
    height: int


@dataclass(frozen=True, slots=True)
class EntitiesField:
    """One `_entities` of a document, which costs what its representations cost."""

    complexity: int
    """The complexity of one representation."""
    representations: ValueNode
    usual: int
    """How many there are if their variable is left out."""

    def count(self, variables: Mapping[str, Any]) -> int:
        """How many representations it has with these variables."""
        match self.representations:
            case VariableNode(name=name) if name.value in variables:
                value = variables[name.value]
                return len(cast("list[object]", value)) if isinstance(value, list) else 1
            case VariableNode():
                return self.usual
            case node:
                return _length(node)


@dataclass(frozen=True, slots=True)
class DocumentCost:
    """`complexity` is that of its dearest operation; of `entities`, `check_representations` counts the representations of each request."""

    complexity: int
    entities: Sequence[EntitiesField]


def check_text(text: str) -> None:
    """Returns if the text may be parsed.

    Raises:
        TooComplex: the parser would do more than its tokens suggest.
    """
    if len(text) > DOCUMENT_LENGTH_MAX:
        raise TooComplex(
            f"Символов в документе больше {DOCUMENT_LENGTH_MAX}.", f"longer than {DOCUMENT_LENGTH_MAX} characters"
        )
    if text.count("#") > COMMENTS_MAX:
        raise TooComplex(f"Комментариев больше {COMMENTS_MAX}.", f"more than {COMMENTS_MAX} comments")
    if text.count("\\") > ESCAPES_MAX:
        raise TooComplex(f"Знаков «\\» больше {ESCAPES_MAX}.", f"more than {ESCAPES_MAX} escapes")


def measure(document: DocumentNode) -> DocumentCost:
    """Returns if every operation of the document is within the limits.

    Raises:
        TooComplex: one is not.
    """
    parts = document.definitions
    fragments = {part.name.value: part for part in parts if isinstance(part, FragmentDefinitionNode)}
    if sum(isinstance(part, FragmentDefinitionNode) for part in parts) > FRAGMENTS_MAX:
        raise TooComplex(f"Фрагментов больше {FRAGMENTS_MAX}.", f"more than {FRAGMENTS_MAX} fragments")
    if sum(isinstance(part, OperationDefinitionNode) for part in parts) > OPERATIONS_MAX:
        raise TooComplex(f"Операций больше {OPERATIONS_MAX}.", f"more than {OPERATIONS_MAX} operations")
    walk = _Walk(fragments)
    for part in parts:
        walk.note_directives(part)
    dearest = 0
    for part in parts:
        if isinstance(part, OperationDefinitionNode):
            cost = walk.selections(part.selection_set.selections, 1, weight=ROOT)
            if cost.complexity > COMPLEXITY_MAX:
                raise TooComplex(
                    f"Сложность документа больше {COMPLEXITY_MAX}.",
                    f"complexity {cost.complexity}, at most {COMPLEXITY_MAX}",
                )
            dearest = max(dearest, cost.complexity)
    for fragment in fragments.values():
        walk.fragment(fragment.name.value, 1)  # also those that no operation spreads
    entities = [
        EntitiesField(complexity, node, _default_length(document, node)) for complexity, node in walk.representations
    ]
    return DocumentCost(dearest, tuple(entities))


def check_representations(fields: Sequence[EntitiesField], variables: Mapping[str, Any] | None) -> None:
    """Returns if the entities that are asked for may be: each costs what a query of its own would.

    Raises:
        TooComplex: there are too many of them, or they cost too much together.
    """
    counts = [field.count(variables or {}) for field in fields]
    if sum(counts) > REPRESENTATIONS_MAX:
        raise TooComplex(
            f"Представлений сущностей больше {REPRESENTATIONS_MAX}.", f"more than {REPRESENTATIONS_MAX} representations"
        )
    if sum(count * field.complexity for count, field in zip(counts, fields, strict=True)) > COMPLEXITY_MAX:
        raise TooComplex(
            f"Сложность документа, вместе по всем представлениям сущностей, больше {COMPLEXITY_MAX}.",
            f"complexity over {COMPLEXITY_MAX}, of all representations together",
        )


def _default_length(document: DocumentNode, representations: ValueNode) -> int:
    """The length of the longest default that a variable of this name has in any operation."""
    if not isinstance(representations, VariableNode):
        return 0
    operations = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
    variables = [variable for operation in operations for variable in operation.variable_definitions or ()]
    name = representations.name.value
    return max((_length(one.default_value) for one in variables if one.variable.name.value == name), default=0)


def _length(node: ValueNode | None) -> int:
    """How long the list is that GraphQL's coercion makes of this value."""
    if node is None:
        return 0
    return len(node.values) if isinstance(node, ListValueNode) else 1


class _Walk:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._measured: dict[str, Cost] = {}
        self._open: set[str] = set()
        self._aliases = 0
        self._directives = 0
        self._repeats = 0
        self.representations: list[tuple[int, ValueNode]] = []
        """Of each `_entities` the complexity of one, and which."""

    def selections(
        self, nodes: Iterable[SelectionNode], depth: int, *, weight: int = 1, names: set[str] | None = None
    ) -> Cost:
        """The cost of a selection set that stands at this depth; `names` are those of the set that it is written in."""
        if depth > DEPTH_MAX:
            raise TooComplex(f"Вложенность больше {DEPTH_MAX}.", f"deeper than {DEPTH_MAX}")
        complexity, height, names = 0, 1, set[str]() if names is None else names
        for node in nodes:
            self.note_directives(node)
            match node:
                case FieldNode():
                    self._note_name(node, names)
                    cost = self._field(node, depth, weight)
                case InlineFragmentNode():
                    inner = self.selections(node.selection_set.selections, depth + 1, weight=weight, names=names)
                    cost = Cost(inner.complexity, 1 + inner.height)
                case FragmentSpreadNode():
                    cost = self.fragment(node.name.value, depth)
                    cost = Cost(cost.complexity * weight, cost.height)
                case _:
                    cost = Cost(0, 0)
            complexity += cost.complexity
            height = max(height, cost.height)
        return Cost(complexity, height)

    def fragment(self, name: str, depth: int) -> Cost:
        """The cost of a fragment; a cycle and an unknown name cost nothing: validation reports them."""
        if name in self._open or name not in self._fragments:
            return Cost(0, 0)
        if name not in self._measured:
            self._open.add(name)
            self._measured[name] = self.selections(self._fragments[name].selection_set.selections, depth)
            self._open.discard(name)
        cost = self._measured[name]
        if depth + cost.height - 1 > DEPTH_MAX:
            raise TooComplex(f"Вложенность больше {DEPTH_MAX}.", f"deeper than {DEPTH_MAX}")
        return cost

    def note_directives(self, node: Node) -> None:
        self._directives += len(getattr(node, "directives", None) or ())
        if self._directives > DIRECTIVES_MAX:
            raise TooComplex(f"Директив больше {DIRECTIVES_MAX}.", f"more than {DIRECTIVES_MAX} directives")

    def _note_name(self, node: FieldNode, names: set[str]) -> None:
        self._aliases += node.alias is not None
        name = (node.alias or node.name).value
        self._repeats += name in names
        names.add(name)
        if self._aliases > ALIASES_MAX:
            raise TooComplex(f"Псевдонимов больше {ALIASES_MAX}.", f"more than {ALIASES_MAX} aliases")
        if self._repeats > REPEATS_MAX:
            raise TooComplex(f"Повторов полей больше {REPEATS_MAX}.", f"more than {REPEATS_MAX} repeated fields")

    def _field(self, node: FieldNode, depth: int, weight: int) -> Cost:
        if node.selection_set is None:
            return Cost(weight, 1)
        aliases = self._aliases
        inner = self.selections(node.selection_set.selections, depth + 1)
        complexity = weight + inner.complexity * LENGTHS.get(node.name.value, 1)
        if node.name.value == _ENTITIES:
            self.representations += [(ROOT + inner.complexity, argument.value) for argument in node.arguments or ()]
        if node.name.value in INTROSPECTION:
            # The whole schema once is 8 ms of CPU; with aliases it would be as often as there are.
            if self._aliases > aliases or (node.alias and node.name.value in _WHOLE_SCHEMA):
                raise TooComplex("Псевдонимам в интроспекции не место.", "aliases in its introspection")
            complexity = weight + inner.complexity // _INTROSPECTION_SHARE
        return Cost(complexity, 1 + inner.height)
