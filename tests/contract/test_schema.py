"""The public API: printed from the code, and never less than what was agreed with its callers."""

from pathlib import Path
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLNamedType,
    build_schema,
    find_breaking_changes,
    find_dangerous_changes,
    graphql_sync,
)

from app.api.schema.build import _schema, sdl
from app.api.schema.queries import Query
from app.api.schema.typescript import typescript

ROOT = Path(__file__).parents[2]
AGREED = build_schema((Path(__file__).parent / "schema.graphql").read_text(encoding="utf-8"))
NOW = build_schema(sdl())


def test_the_printed_schema_is_the_one_in_the_repository() -> None:
    """`make schema` prints it anew; drift is a failure."""
    assert (ROOT / "schema.graphql").read_text(encoding="utf-8") == sdl()


def test_the_types_for_typescript_are_those_in_the_repository() -> None:
    """`make schema` prints them anew; drift is a failure."""
    assert (ROOT / "frontend/schema.ts").read_text(encoding="utf-8") == typescript()


def test_nothing_that_was_agreed_is_broken() -> None:
    """Fields may be added; those that stand in the contract keep their names, types and meaning."""
    assert [change.description for change in find_breaking_changes(AGREED, NOW)] == []
    assert [change.description for change in find_dangerous_changes(AGREED, NOW)] == []


def test_everything_that_was_explained_still_is() -> None:
    """Descriptions are documentation, at the place where it is read."""
    lost = [
        f"{type_.name}.{name}"
        for type_ in AGREED.type_map.values()
        for name in explained(type_)
        if not is_explained(name, type_)
    ]
    assert lost == []


def explained(type_: GraphQLNamedType) -> list[str]:
    fields: dict[str, Any] = getattr(type_, "fields", {})
    return [name for name, field in fields.items() if getattr(field, "description", None)]


def is_explained(name: str, type_: GraphQLNamedType) -> bool:
    agreed, now = (getattr(schema.type_map.get(type_.name), "fields", {}).get(name) for schema in (AGREED, NOW))
    return getattr(now, "description", None) == getattr(agreed, "description", None)


def test_every_field_of_introspection_is_answered() -> None:
    """`isOneOf` of lists and non-null types too: it is null of what is no input object (GraphQL, 4.2.2)."""
    query = "{ __schema { types { name kind isOneOf inputFields { type { kind isOneOf ofType { kind isOneOf } } } } } }"
    made = _schema(Query)._schema  # strawberry's resolver is one for all schemas of a process: the newest schema's
    answer = graphql_sync(made, query)
    assert answer.errors is None
    assert answer.data
    found = {one["name"]: one["isOneOf"] for one in answer.data["__schema"]["types"] if one["isOneOf"] is not None}
    inputs = {name: kind for name, kind in NOW.type_map.items() if isinstance(kind, GraphQLInputObjectType)}
    assert found == {name: kind.is_one_of for name, kind in inputs.items()}
    assert any(found.values())
