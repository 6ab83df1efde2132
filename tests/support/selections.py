"""Selections of GraphQL documents, generated: aliases, fragments with and without a type, directives, `__typename`."""

from typing import Any

from graphql import GraphQLObjectType, GraphQLUnionType, get_named_type, is_leaf_type
from hypothesis import strategies as st

keys = st.sampled_from(["", "", "", "", "", "a: ", "b: ", "id: "])


@st.composite
def selections(draw: st.DrawFn, type_: Any, depth: int = 0) -> str:
    """A selection set of this type, mostly a valid one."""
    parts = [
        draw(keys) + draw(field(type_, depth)) if draw(st.integers(0, 3)) else draw(spread(type_, depth))
        for _ in range(draw(st.integers(1, 4)))
    ]
    return "{ " + " ".join(parts) + " }"


@st.composite
def field(draw: st.DrawFn, type_: Any, depth: int) -> str:
    names = list(type_.fields) if isinstance(type_, GraphQLObjectType) else []
    name = draw(st.sampled_from(["__typename", *names]))
    if name == "__typename":
        return name
    inner: Any = get_named_type(type_.fields[name].type)
    arguments = draw(st.sampled_from(["", "", "", "(orderBy: PREMIUM)"])) if name == "quotes" else ""
    directive = draw(st.sampled_from([""] * 12 + [" @skip(if: false)", " @include(if: true)"]))
    if is_leaf_type(inner):
        return name + directive
    if depth > 4:
        return "__typename"
    return name + arguments + directive + " " + draw(selections(inner, depth + 1))


@st.composite
def spread(draw: st.DrawFn, type_: Any, depth: int) -> str:
    members = list(type_.types) if isinstance(type_, GraphQLUnionType) else [type_]
    member = draw(st.sampled_from(members))
    if depth > 4:
        return "__typename"
    form = draw(st.sampled_from([f"... on {member.name}", f"... on {type_.name}", "...", "...Part"]))
    if form == "...Part":
        return form
    return f"{form} {draw(selections(member if member.name in form else type_, depth + 1))}"
