"""What is written of a subscription's events is what graphql-core makes of them, letter by letter, over generated documents."""

import asyncio
import dataclasses
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.faces import EVERYTHING, ID, INSURERS, NOW, OPERATIONS, RUNNER, context_of
from support.quotes import COEFFICIENTS
from support.selections import selections

from app.api.graphql_errors import BadDocument, TooComplex
from app.api.graphql_request import GraphQLRequest
from app.api.schema.build import GRAPHQL
from app.codecs.quote_codec import to_event
from app.domain.cursor import Cursor
from app.domain.money import Money
from app.domain.offers.offer_bounds import visible_text
from app.domain.quote import CANCELLED, TIMED_OUT, Answer, Ending, Offer, Outcome, Quote, declined
from app.watch.events import Completed, Event, Received

WATCH = 'subscription { quotes(requestId: "x") '

texts = st.one_of(
    st.text(min_size=1, max_size=40), st.sampled_from(['"', "\\", "\x00", "\u2028", "</script>", "\U0001f697", "Ы 2"])
)
amounts = st.sampled_from([Decimal("5432.10"), Decimal("1E+3"), Decimal("0.01"), Decimal(10_000_000)])
moments = st.datetimes(datetime(2026, 11, 21), datetime(2026, 11, 24), timezones=st.just(UTC))  # noqa: DTZ001
offers = st.builds(
    lambda number, amount, factors, until, url: Offer(
        number=number,
        premium=Money(amount, "RUB"),
        coefficients=factors,
        valid_until=until,
        purchase_url=url,
    ),
    texts.filter(lambda text: visible_text(text) is not None),
    amounts,
    st.sampled_from([None, COEFFICIENTS, msgspec.structs.replace(COEFFICIENTS, season=Decimal("1E+0"))]),
    st.none() | moments,
    st.sampled_from([None, "https://insurer.example/1?a=b&c=%20"]),
)
answers: st.SearchStrategy[Answer] = (
    offers | st.builds(declined, st.none() | texts) | st.sampled_from([CANCELLED, TIMED_OUT])
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Of both types; as they come out of `app.watch.hub`."""
    quotes = {
        id_: Quote(ID, id_, draw(answers), draw(moments))
        for id_ in draw(st.sets(st.sampled_from(INSURERS), min_size=1))
    }
    cursor = Cursor(ID, INSURERS, draw(st.integers(0, 2 ** (len(INSURERS) + 1) - 1)))
    by_insurer = {id_: to_event(quote) for id_, quote in quotes.items()}
    if draw(st.booleans()):
        return Received(cursor, next(iter(by_insurer.values())), is_live=False)
    ending = Ending(draw(st.sampled_from(Outcome)), NOW)
    return Completed(cursor, ending, by_insurer)


async def results(operation: Any, asked: GraphQLRequest, happening: list[Event]) -> list[bytes]:
    """What the client is sent: data as JSON, in order."""
    found = [result async for result in RUNNER.stream(operation, asked, context_of(happening))]
    assert not any(result.errors for result in found)
    return [msgspec.json.encode(result.data) for result in found]


def the_same_is_written(text: str, happening: list[Event]) -> bool:
    """False where nothing is: the document is wrong, too large, or not simple."""
    asked = GraphQLRequest(query=text, variables={"id": str(ID)})
    try:
        operation = OPERATIONS.prepare(asked)
    except (BadDocument, TooComplex):
        return False
    theirs = dataclasses.replace(operation, written=None)
    if operation.written is not None:
        assert asyncio.run(results(operation, asked, happening)) == asyncio.run(results(theirs, asked, happening))
    return operation.written is not None


documents = st.builds(
    lambda key, selected, part, name: (
        f"subscription($id: ID!) {{ {key}quotes(requestId: $id) {selected} }}"
        + (f" fragment Part on {name} {part}" if "...Part" in selected else "")
    ),
    st.sampled_from(["", "", "a: "]),
    selections(GRAPHQL.type_map["QuoteEvent"]),
    selections(GRAPHQL.type_map["QuoteReceived"], 3).filter(lambda part: "...Part" not in part),
    st.just("QuoteReceived"),
)


@given(documents, st.lists(events(), min_size=1, max_size=3))
@example("subscription($id: ID!) { quotes(requestId: $id) { " + "__typename " * 40 + "} }", [])
def test_the_same_is_written(text: str, happening: list[Event]) -> None:
    """Order of the keys, spelling of numbers and moments, and nulls included."""
    the_same_is_written(text, happening)


@given(st.lists(events(), min_size=1, max_size=3))
def test_every_field_is_written_the_same(happening: list[Event]) -> None:
    """Each field has a compiled writer, so that the property above compares something."""
    assert the_same_is_written(EVERYTHING, happening)


@pytest.mark.parametrize(
    "selected",
    [
        "{ ... on QuoteReceived { cursor @skip(if: $a) } }",
        "{ ... on QuoteReceived @include(if: $a) { cursor } }",
        "{ __typename __typename }",
        "{ ... on QuoteReceived { quote { status } quote { id } } }",
        "{ ... on QuoteReceived { quote { insurer { availability } } } }",
    ],
)
def test_what_is_to_be_decided_for_each_event_is_left_to_graphql_core(selected: str) -> None:
    """Variables of directives, fields that stand twice, and those that wait."""
    watch = WATCH.replace("subscription", "subscription ($a: Boolean!)") if "$a" in selected else WATCH
    assert OPERATIONS.prepare(GraphQLRequest(query=f"{watch}{selected} }}")).written is None


@pytest.mark.parametrize("directive", ["@include(if: true)", "@skip(if: false)"])
def test_so_is_a_directive_on_the_subscription_itself(directive: str) -> None:
    """GraphQL forbids it there; if it ever does not, it is not ours to run."""
    try:
        operation = OPERATIONS.prepare(GraphQLRequest(query=f"{WATCH}{directive} {{ __typename }} }}"))
    except BadDocument:
        return
    assert operation.written is None
