"""The JSON documents of the REST face: every field of the schema's types that takes no call of Redis, compiled once."""

from collections.abc import Sequence
from typing import Any, Final

from graphql import (
    FragmentDefinitionNode,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    parse,
)

from app.api.compiled.selections import Info, Selections, Writer
from app.api.compiled.subscription_plan import EventSelections
from app.api.context import Context, UseCases
from app.api.schema.build import GRAPHQL
from app.api.schema.types import QuoteRequestAccepted, QuoteRequestType
from app.domain.errors import Problem
from app.domain.quote import QuoteRequest
from app.watch.events import Event, Received

Document = dict[str, Any]
LEFT_OUT: Final = {("Insurer", "availability")}
"""A field that takes a call of Redis for each insurer; the query `insurers` has it."""
_named_type: Final[Any] = get_named_type  # overloaded in graphql-core, of an unknown type


def _selection(type_: Any) -> str:
    named = _named_type(type_)
    if isinstance(named, GraphQLUnionType):
        members = " ".join(f"... on {one.name} {_selection(one)}" for one in named.types)
        return f"{{ type: __typename {members} }}"
    if not isinstance(named, GraphQLObjectType):
        return ""
    fields = [(name, field.type) for name, field in named.fields.items() if (named.name, name) not in LEFT_OUT]
    return f"{{ {' '.join(f'{name} {_selection(inner)}' for name, inner in fields)} }}"


def _writer(selections: Selections, name: str) -> Writer:
    type_: Any = GRAPHQL.type_map[name]
    document = parse(f"fragment All on {name} {_selection(type_)}")
    (fragment,) = [part for part in document.definitions if isinstance(part, FragmentDefinitionNode)]
    return selections.writer(GraphQLNonNull(type_), fragment.selection_set)


_accepted: Final = _writer(Selections(GRAPHQL, {}), "QuoteRequestAccepted")
_request: Final = _writer(Selections(GRAPHQL, {}), "QuoteRequest")
_event: Final[Any] = _writer(EventSelections(GRAPHQL, {}), "QuoteEvent")


def accepted_document(request: QuoteRequest, warnings: Sequence[Problem], context: Context) -> Document:
    """A `QuoteRequestAccepted`."""
    return _accepted(QuoteRequestAccepted.of(request, warnings, context), Info(context))


def request_document(request: QuoteRequest, context: Context) -> Document:
    """A `QuoteRequest`, its quotes in the order of arrival."""
    return _request(QuoteRequestType.of(request, context), Info(context))


def event_document(event: Event, services: UseCases) -> Document:
    """A `QuoteReceived` or a `QuotesCompleted`, by its `type`."""
    return _event(event, services)


def type_of(event: Event) -> str:
    """The name of its type in the schema."""
    return "QuoteReceived" if isinstance(event, Received) else "QuotesCompleted"
