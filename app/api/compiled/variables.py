"""Variables straight out of JSON: msgspec types made of the schema's input types, never more lenient than graphql-core.

What decodes means the same as what graphql-core would have coerced; what does not decode is left to graphql-core. A
single value in place of a list, a number in place of an ID, `1.0` in place of an integer are legal there: rare, and slow.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, cast

import msgspec
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    Undefined,
)
from msgspec import UNSET, Meta, UnsetType

from app.api.compiled.not_compilable import NotCompilable
from app.domain.intake.formats import DECIMAL

_LIST: Final[Any] = GraphQLList  # generic in graphql-core, of an unknown type
_NON_NULL: Final[Any] = GraphQLNonNull
_SCALARS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "String": str,
        "ID": str,
        "Int": Annotated[int, Meta(ge=-(2**31), lt=2**31)],
        "Boolean": bool,
        "Date": date,
        # Left as it is written: the domain's reader parses it by the same rule.
        "Decimal": Annotated[str, Meta(pattern=rf"^(?:{DECIMAL})\Z")],
    }
)


def compile_variables(types: Mapping[str, Any]) -> Callable[[bytes | msgspec.Raw], msgspec.Struct]:
    """What decodes the variables of these names and input types: each an attribute, and so are the fields of objects.

    The decoder raises msgspec.MsgspecError or UnicodeDecodeError for whatever it will not take.

    Raises:
        NotSimple: a type is none that this knows.
    """
    made: dict[str, Any] = {}
    fields = [_field(name, type_, Undefined, made) for name, type_ in types.items()]
    return msgspec.json.Decoder(_struct("Variables", fields)).decode


def compile_conversion(type_: Any) -> Callable[[object], msgspec.Struct]:
    """What makes of plain JSON values of this input type what `compile_variables` makes of JSON text.

    It raises msgspec.ValidationError for whatever it will not take.

    Raises:
        NotSimple: the type is none that this knows.
    """
    made = _type(type_, {})
    return lambda value: msgspec.convert(value, made)


def _field(name: str, type_: Any, default: object, made: dict[str, Any]) -> tuple[Any, ...]:
    if default is not Undefined:
        return (name, _type(type_, made), _written(default))
    if isinstance(type_, _NON_NULL):
        return (name, _type(type_, made))
    return (name, _type(type_, made) | UnsetType, UNSET)


def _written(default: object) -> object:
    """A default as JSON would have it: an enum's value by its name."""
    if default is None or isinstance(default, bool | int):
        return default
    name = getattr(default, "name", None)
    if isinstance(name, str):
        return name
    raise NotCompilable


def _type(type_: Any, made: dict[str, Any]) -> Any:
    if isinstance(type_, _NON_NULL):
        return _named(type_.of_type, made)
    return _named(type_, made) | None


def _named(type_: Any, made: dict[str, Any]) -> Any:
    match type_:
        case GraphQLScalarType() if type_.name in _SCALARS:
            return _SCALARS[type_.name]
        case GraphQLEnumType():
            return Literal[tuple(type_.values)]
        case GraphQLInputObjectType():
            if type_.name not in made:
                made[type_.name] = _object(type_, made)
            return made[type_.name]
        case _ if isinstance(type_, _LIST):
            return list[_type(type_.of_type, made)]
        case _:
            raise NotCompilable


def _object(type_: GraphQLInputObjectType, made: dict[str, Any]) -> type[msgspec.Struct]:
    fields: Mapping[str, Any] = type_.fields
    if type_.extensions["strawberry-definition"].is_one_of:
        members = [(name, _named(field.type, made) | UnsetType, UNSET) for name, field in fields.items()]
        return _struct(type_.name, members, __post_init__=_check_one)
    return _struct(type_.name, [_field(name, field.type, field.default_value, made) for name, field in fields.items()])


def _check_one(self: msgspec.Struct) -> None:
    """`@oneOf`: exactly one field, and it is not null."""
    if sum(getattr(self, name) is not UNSET for name in self.__struct_fields__) != 1:
        raise ValueError("exactly one field")


def _struct(name: str, fields: Sequence[tuple[Any, ...]], **namespace: Any) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        name, cast("Any", fields), namespace=namespace, forbid_unknown_fields=True, kw_only=True, gc=False
    )
