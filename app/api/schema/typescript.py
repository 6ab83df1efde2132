"""The schema as TypeScript, for pages and services in that language: one type for each of its types, no library needed."""

from collections.abc import Iterator
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    build_schema,
)

from app.api.schema.build import sdl

HEAD: Final = """\
/**
 * The types of the GraphQL schema. `osago schema --of typescript` prints this file: do not edit it.
 *
 * Dates, moments and decimal numbers are strings, as they are sent. Leave out of a type what your document does not ask
 * for: `Pick<Quote, "id" | "status">`.
 */
"""
_SCALARS: Final = {
    **dict.fromkeys(("ID", "String", "Date", "DateTime", "Decimal", "CountryCode"), "string"),
    **dict.fromkeys(("Int", "Float"), "number"),
    "Boolean": "boolean",
}
_LIST: Final[Any] = GraphQLList  # generic in graphql-core, of an unknown type
_NON_NULL: Final[Any] = GraphQLNonNull
_ROOTS: Final = frozenset({"Query", "Mutation", "Subscription"})


def typescript() -> str:
    """The module, as it stands in `frontend/schema.ts`."""
    # As printed: Strawberry's own types do not know of @oneOf.
    types = (type_ for name, type_ in sorted(build_schema(sdl()).type_map.items()) if not name.startswith("__"))
    written = (_written(type_) for type_ in types if type_.name not in _SCALARS and type_.name not in _ROOTS)
    return HEAD + "".join(f"\n{one}" for one in written)


def _written(type_: GraphQLNamedType) -> str:
    match type_:
        case GraphQLEnumType():
            values = "".join(f"{_comment(value, '  ')}  | {name!r}\n" for name, value in type_.values.items())
            return f"{_comment(type_)}export type {type_.name} =\n{values.rstrip()};\n".replace("'", '"')
        case GraphQLUnionType():
            members = " | ".join(member.name for member in type_.types)
            return f"{_comment(type_)}export type {type_.name} = {members};\n"
        case GraphQLObjectType():
            return _object(type_, [f'  readonly __typename: "{type_.name}";\n', *_fields(type_)])
        case GraphQLInputObjectType() if type_.is_one_of:
            return f"{_comment(type_)}export type {type_.name} =\n{_one_of(type_)};\n"
        case GraphQLInputObjectType():
            return _object(type_, list(_fields(type_)))
        case _:
            raise TypeError(type_.name)


def _object(type_: GraphQLNamedType, fields: list[str]) -> str:
    return f"{_comment(type_)}export type {type_.name} = {{\n{''.join(fields)}}};\n"


def _fields(type_: GraphQLObjectType | GraphQLInputObjectType) -> Iterator[str]:
    is_input = isinstance(type_, GraphQLInputObjectType)
    for name, field in type_.fields.items():
        is_needed = isinstance(field.type, _NON_NULL) and getattr(field, "default", None) is None
        mark = "?" if is_input and not is_needed else ""
        yield f"{_comment(field, '  ')}  readonly {name}{mark}: {_type(field.type)};\n"


def _one_of(type_: GraphQLInputObjectType) -> str:
    """Exactly one of the fields: the others may not even be there."""
    ways: list[str] = []
    for name, field in type_.fields.items():
        others = "".join(f"; readonly {other}?: never" for other in type_.fields if other != name)
        ways.append(f"  | {{ readonly {name}: {_present(field.type)}{others} }}")
    return "\n".join(ways)


def _type(type_: Any) -> str:
    return _present(type_.of_type) if isinstance(type_, _NON_NULL) else f"{_present(type_)} | null"


def _present(type_: Any) -> str:
    if not isinstance(type_, _LIST):
        name: str = type_.name
        return _SCALARS.get(name, name)
    inner = _type(type_.of_type)
    return f"readonly ({inner})[]" if "|" in inner else f"readonly {inner}[]"


def _comment(described: Any, indent: str = "") -> str:
    text = " ".join((described.description or "").split())
    return f"{indent}/** {text} */\n" if text else ""
