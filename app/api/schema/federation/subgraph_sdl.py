"""The SDL of the subgraph: the served schema with the keys of its entities, without what Federation itself adds."""

from dataclasses import replace
from functools import cache
from typing import Any, Final

from graphql import DefinitionNode, DocumentNode, ObjectTypeDefinitionNode, parse, print_ast
from strawberry.printer import print_schema
from strawberry.schema.base import BaseSchema

from app.api.schema.federation.entities import ENTITIES, KEY

_LINK: Final = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key"])'
"""The first version of Federation that has all that is used here: every composition of its second edition reads it."""
_KEYED: Final[Any] = parse(f'type Keyed @key(fields: "{KEY}")').definitions[0]
_FEDERATIONS_OWN: Final = frozenset({"_Any", "_Entity", "_Service", "_entities", "_service"})


@cache
def subgraph_sdl(schema: BaseSchema) -> str:
    """The SDL of the schema as composition takes it."""
    definitions: tuple[Any, ...] = parse(print_schema(schema)).definitions
    own = tuple(_keyed(node) for node in definitions if _name(node) not in _FEDERATIONS_OWN)
    return f"{_LINK}\n\n{print_ast(DocumentNode(definitions=own))}\n"


def _keyed(node: DefinitionNode) -> DefinitionNode:
    if not isinstance(node, ObjectTypeDefinitionNode):
        return node
    fields = tuple(field for field in node.fields or () if _name(field) not in _FEDERATIONS_OWN)
    directives = _KEYED.directives if _name(node) in ENTITIES else node.directives
    return replace(node, fields=fields, directives=directives)


def _name(node: Any) -> str:
    return node.name.value
