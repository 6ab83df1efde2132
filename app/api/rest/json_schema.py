"""JSON Schemas of the GraphQL schema's types: described once, and therefore the same in GraphQL and REST."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    build_schema,
    value_from_ast_untyped,
)

from app.api.rest.representations import LEFT_OUT
from app.api.schema.build import sdl

Schema = dict[str, Any]

SCALARS: Final[dict[str, Schema]] = {
    "ID": {"type": "string"},
    "String": {"type": "string"},
    "Int": {"type": "integer", "format": "int32"},
    "Float": {"type": "number"},
    "Boolean": {"type": "boolean"},
    "Date": {"type": "string", "format": "date"},
    "DateTime": {"type": "string", "format": "date-time"},
    "CountryCode": {"type": "string", "pattern": "^[A-Z]{2}$"},
    "Decimal": {"type": "string", "pattern": r"^\d+(\.\d+)?$"},
}
_LIST: Final[Any] = GraphQLList  # generic in graphql-core, of an unknown type
_NON_NULL: Final[Any] = GraphQLNonNull


def schemas_of(*names: str) -> dict[str, Schema]:
    """The schemas of these types, and of all that they are made of, by name."""
    types = _types()
    found: dict[str, Schema] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found and name not in SCALARS:
            type_ = types[name]
            found[name] = _schema(type_)
            waiting += _parts(type_)
    return dict(sorted(found.items()))


@cache
def _types() -> Mapping[str, GraphQLNamedType]:
    return build_schema(sdl()).type_map  # as printed: Strawberry's own types do not know of @oneOf


def reference(name: str) -> Schema:
    """The reference to the schema of a type."""
    return dict(SCALARS.get(name) or {"$ref": f"#/components/schemas/{name}"})


def _parts(type_: GraphQLNamedType) -> Iterator[str]:
    if isinstance(type_, GraphQLObjectType | GraphQLInputObjectType):
        for field_name, field in type_.fields.items():
            inner: Any = field.type
            while not isinstance(inner, GraphQLNamedType):
                inner = inner.of_type
            if (type_.name, field_name) not in LEFT_OUT:
                yield inner.name


def _schema(type_: GraphQLNamedType) -> Schema:
    described = {"description": type_.description} if type_.description else {}
    match type_:
        case GraphQLEnumType():
            return {"type": "string", "enum": list(type_.values), **described}
        case GraphQLObjectType():
            fields = {name: field for name, field in type_.fields.items() if (type_.name, name) not in LEFT_OUT}
            return _object({name: _field(field) for name, field in fields.items()}, list(fields)) | described
        case GraphQLInputObjectType():
            required = [
                name
                for name, field in type_.fields.items()
                if isinstance(field.type, _NON_NULL) and field.default is None
            ]
            made = _object({name: _field(field) for name, field in type_.fields.items()}, required) | described
            if type_.is_one_of:
                made |= {"minProperties": 1, "maxProperties": 1}
            return made
        case _:
            raise TypeError(type_.name)


def _object(properties: dict[str, Schema], required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _field(field: Any) -> Schema:
    schema = _type(field.type)
    if field.description:
        schema = {**schema, "description": field.description}
    default = getattr(field, "default", None)
    return schema if default is None else {**schema, "default": value_from_ast_untyped(default.literal)}


def _type(type_: Any) -> Schema:
    if isinstance(type_, _NON_NULL):
        return _present(type_.of_type)
    return {"anyOf": [_present(type_), {"type": "null"}]}


def _present(type_: Any) -> Schema:
    return {"type": "array", "items": _type(type_.of_type)} if isinstance(type_, _LIST) else reference(type_.name)
