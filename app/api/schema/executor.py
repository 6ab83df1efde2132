"""graphql-core's executor, with a shorter way for leaves.

A leaf that is a plain attribute is read and written at once, without arguments, path or ResolveInfo. An unusual value (a
null where none may be, a value of another type, a field with a resolver) is completed by graphql-core, with its errors.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from types import MappingProxyType
from typing import Any, Final

from graphql import (
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    is_enum_type,
    is_object_type,
    is_scalar_type,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

_NON_NULL: Final[Any] = GraphQLNonNull  # generic in graphql-core, of an unknown type
USE_GRAPHQL_CORE: Final = object()
"""Stands for a value that graphql-core is to look at."""
_INT: Final = 2**31

Leaf = Callable[[object], Any]
"""A field of an object as JSON has it, or ODD."""
Leaves = Mapping[str, Mapping[str, Leaf]]
"""By type and field."""


def _same(value: Any) -> Any:
    return value


_WRITERS: Final[Mapping[str, tuple[type, Callable[[Any], Any]]]] = MappingProxyType(
    {
        "String": (str, _same),
        "ID": (str, _same),
        "Boolean": (bool, _same),
        "Int": (int, lambda value: value if -_INT <= value < _INT else USE_GRAPHQL_CORE),
        "Float": (float, lambda value: value if isfinite(value) else USE_GRAPHQL_CORE),
    }
)
_KINDS: Final[Mapping[str, type]] = MappingProxyType({"Date": date, "DateTime": datetime, "Decimal": Decimal})


def leaves_of(schema: GraphQLSchema) -> Leaves:
    """The leaves of a strawberry schema's objects that are attributes."""
    return {name: _leaves(type_) for name, type_ in schema.type_map.items() if is_object_type(type_)}


def _leaves(type_: GraphQLObjectType) -> Mapping[str, Leaf]:
    name = type_.name
    found: dict[str, Leaf] = {"__typename": lambda _source: name}
    for field_name, field in type_.fields.items():
        definition = field.extensions.get("strawberry-definition")
        declared: Any = field.type
        nullable = not isinstance(declared, _NON_NULL)
        leaf: Any = declared if nullable else declared.of_type
        if definition is None or definition.base_resolver is not None:
            continue
        if is_scalar_type(leaf) and leaf.name in _WRITERS:
            found[field_name] = _leaf(definition.python_name, *_WRITERS[leaf.name], nullable=nullable)
        elif is_scalar_type(leaf) and leaf.name in _KINDS:
            found[field_name] = _leaf(definition.python_name, _KINDS[leaf.name], leaf.serialize, nullable=nullable)
        elif is_enum_type(leaf):
            kind = leaf.extensions["strawberry-definition"].wrapped_cls
            found[field_name] = _leaf(definition.python_name, kind, lambda value: value.name, nullable=nullable)
    return found


def _leaf(attribute: str, kind: type, write: Callable[[Any], Any], *, nullable: bool) -> Leaf:
    none = None if nullable else USE_GRAPHQL_CORE

    def leaf(source: object) -> Any:
        value = getattr(source, attribute, USE_GRAPHQL_CORE)
        if type(value) is kind:
            return write(value)
        return none if value is None else USE_GRAPHQL_CORE

    return leaf


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Runs one operation."""

    leaves: Leaves = MappingProxyType({})

    def execute_fields(
        self, parent_type: Any, source_value: Any, path: Any, grouped_field_set: Any, position_context: Any
    ) -> Any:
        leaves = self.leaves.get(parent_type.name) or {}
        results: dict[str, Any] = {}
        others: dict[str, Any] = {}
        for name, details in grouped_field_set.items():
            leaf = leaves.get(details[0].node.name.value)
            result = USE_GRAPHQL_CORE if leaf is None else leaf(source_value)
            results[name] = result
            if result is USE_GRAPHQL_CORE:
                others[name] = details
        if not others:
            return results
        rest: Any = super().execute_fields(parent_type, source_value, path, others, position_context)  # pyright: ignore[reportUnknownMemberType]
        is_awaitable: Any = self.is_awaitable  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return _completed(results, rest) if is_awaitable(rest) else results | rest

    def build_per_event_executor(self, payload: Any) -> Any:
        """Forgets after each event what graphql-core 3.3.2 would gather until the subscription ends: 2 KB an event."""
        executor: Any = super().build_per_event_executor(payload)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        executor._relevant_sub_fields = {}  # noqa: SLF001 - there is no other way to reach it
        return executor


async def _completed(results: dict[str, Any], rest: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    return results | await rest
