"""What a plan writes is what graphql-core writes, letter by letter, over generated documents."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import graphql
import msgspec
import pytest
import strawberry
from graphql import (
    FragmentDefinitionNode,
    parse,
    validate,
)
from hypothesis import given
from hypothesis import strategies as st
from strawberry.schema.config import StrawberryConfig
from support.selections import selections

from app.api.compiled.mutation_plan import compile_plan
from app.api.compiled.selections import Info, NotCompilable, Selections
from app.api.insurer_directory import InsurerDirectory
from app.api.schema import types
from app.api.schema.build import GRAPHQL
from app.api.schema.scalars import SCALARS
from app.domain.errors import InvalidApplication
from app.domain.insurer import Insurer
from app.domain.intake.problems import problem
from app.domain.money import Money
from app.domain.offers.coefficients import Coefficients
from app.domain.quote import CANCELLED, Answer, Ending, Offer, Outcome, Quote, QuoteRequest, declined
from app.redis.topology import connect, parse_address
from app.runtime.clock import Clock

NOW = datetime(2026, 11, 22, 9, 30, 0, 123456, UTC)
ID = UUID("01936d2f-6a5e-7c3b-9d41-2f8e5b7a9c10")
INSURERS = ("sever", "volga", "ural", "gone")


class FrozenClock(Clock):
    def now(self) -> datetime:
        return NOW

    def unix_s(self) -> float:
        return NOW.timestamp()


CONTEXT: Any = SimpleNamespace(
    services=SimpleNamespace(
        clock=FrozenClock(),
        availabilities=InsurerDirectory(
            [Insurer(id_, f"Страховая «{id_}»") for id_ in INSURERS[:3]],
            connect(parse_address("redis://127.0.0.1:1")),  # never called: a field that awaits has no plan
            FrozenClock(),
        ),
    )
)


@strawberry.type
class Query:
    @strawberry.field
    def it(self, info: strawberry.Info) -> types.CreateQuoteRequestResult:
        return info.root_value


SCHEMA = strawberry.Schema(query=Query, config=StrawberryConfig(scalar_map=SCALARS))._schema
RESULT: Any = SCHEMA.query_type.fields["it"].type  # type: ignore[union-attr]

answers: st.SearchStrategy[Answer] = st.sampled_from(
    [
        Offer(number="XXX 1", premium=Money(Decimal("5432.10"), "RUB")),
        Offer(
            number="Ы 2",
            premium=Money(Decimal("1E+3"), "RUB"),
            coefficients=Coefficients(
                base_rate=Decimal(8665),
                territory=Decimal("1.80"),
                bonus_malus=Decimal("0.57"),
                age_experience=Decimal("0.83"),
                driver_restriction=Decimal(1),
                power=Decimal("1.2"),
                season=Decimal("1E+0"),
            ),
            valid_until=NOW + timedelta(days=30),
            purchase_url="https://insurer.example/1",
        ),
        declined("AGE"),
        declined(),
        CANCELLED,
    ]
)


@st.composite
def requests(draw: st.DrawFn) -> QuoteRequest:
    answered = draw(st.dictionaries(st.sampled_from(INSURERS), answers))
    moments = st.datetimes(datetime(2026, 11, 22), datetime(2026, 11, 23), timezones=st.just(UTC))  # noqa: DTZ001
    return QuoteRequest(
        id=ID,
        tenant="core-app",
        customer_id="customer-1",
        client_reference=draw(st.sampled_from([None, "a-1"])),
        insurers=INSURERS,
        created_at=NOW,
        expires_at=draw(moments),
        ending=draw(st.sampled_from([None, *(Ending(outcome, NOW) for outcome in Outcome)])),
        quotes={id_: Quote(ID, id_, answer, draw(moments)) for id_, answer in answered.items()},
    )


results: st.SearchStrategy[Any] = st.one_of(
    requests().map(
        lambda request: types.QuoteRequestAccepted(
            quote_request=types.QuoteRequestType.of(request, CONTEXT),
            warnings=[types.ProblemType(path=["application"], code="NAMESAKE", message="…")],
            watch_token="a.b.c",
        )
    ),
    st.just(types.InvalidApplicationType.of(InvalidApplication([problem(("application", "0"), "VIN_INVALID")]))),
    st.floats(0, 1e6).map(lambda seconds: types.RateLimited(retry_after_seconds=seconds)),
)
documents = st.builds(
    lambda selected, part, name: f"query {{ it {selected} }} fragment Part on {name} {part}",
    selections(RESULT.of_type),
    selections(SCHEMA.type_map["QuoteRequestAccepted"], 3),
    st.just("QuoteRequestAccepted"),
)


@given(documents, results)
def test_the_same_is_written(text: str, value: Any) -> None:
    """Order of the keys and spelling of the numbers included."""
    document = parse(text)
    if any("is never used" not in error.message for error in validate(SCHEMA, document)):
        return
    operation: Any = document.definitions[0]
    fragments = {part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)}
    try:
        write = Selections(SCHEMA, fragments).writer(RESULT, operation.selection_set.selections[0].selection_set)
    except NotCompilable:
        return
    theirs: Any = graphql.execute(SCHEMA, document, root_value=value, context_value=CONTEXT)
    assert theirs.errors is None
    assert msgspec.json.encode(write(value, Info(CONTEXT))) == msgspec.json.encode(theirs.data["it"])


@pytest.mark.parametrize("flags", [{"a": a, "b": b} for a in (True, False) for b in (True, False)], ids=str)
@pytest.mark.parametrize(
    "selected",
    [
        "{ __typename @skip(if: $a) ... on RateLimited { wait: retryAfterSeconds @include(if: $b) } }",
        "{ ... @skip(if: $a) { __typename ... on RateLimited @include(if: $b) { retryAfterSeconds } } }",
        "{ ... on RateLimited { retryAfterSeconds @skip(if: $a) @include(if: $b) } __typename }",
        "{ ... on RateLimited @include(if: true) { retryAfterSeconds @skip(if: true) kind: __typename @skip(if: false) } }",
        "{ ...Part @skip(if: $b) __typename @include(if: $a) }",
    ],
)
def test_directives_are_heeded(selected: str, flags: dict[str, bool]) -> None:
    """`@skip` and `@include` are obeyed, in the order of the document."""
    part = "fragment Part on RateLimited { retryAfterSeconds @include(if: $a) }" if "Part" in selected else ""
    document = parse(f"query ($a: Boolean!, $b: Boolean!) {{ it {selected} }} {part}")
    operation: Any = document.definitions[0]
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    selections = Selections(SCHEMA, fragments, frozenset(flags))
    write = selections.writer(RESULT, operation.selection_set.selections[0].selection_set)
    value = types.RateLimited(retry_after_seconds=1.5)
    theirs: Any = graphql.execute(SCHEMA, document, value, CONTEXT, flags)
    assert theirs.errors is None
    assert msgspec.json.encode(write(value, Info(CONTEXT, flags))) == msgspec.json.encode(theirs.data["it"])


SELECTION = "{ ... on QuoteRequestAccepted { watchToken quoteRequest { id quotes { insurer { id name } status } } } }"
INPUT = "($input: CreateQuoteRequestInput!)"
FIELD = "createQuoteRequest(input: $input)"


def has_plan(text: str, name: str | None = None) -> bool:
    try:
        compile_plan(GRAPHQL, parse(text), name)
    except NotCompilable:
        return False
    return True


def lines(*texts: str) -> Iterable[Any]:
    return [pytest.param(text, id=str(place)) for place, text in enumerate(texts)]


@pytest.mark.parametrize(
    "text",
    lines(
        f"mutation {INPUT} {{ {FIELD} {SELECTION} }}",
        f"mutation {INPUT} {{ made: {FIELD} {SELECTION} }}",
        f"mutation {INPUT} {{ {FIELD} {{ ...Part }} }} fragment Part on CreateQuoteRequestResult {SELECTION}",
        f"mutation {INPUT} {{ {FIELD} {{ ... @skip(if: false) {SELECTION} }} }}",
        f"mutation ($input: CreateQuoteRequestInput!, $a: Boolean! = true) {{ {FIELD} {{ ... @skip(if: $a) {SELECTION} }} }}",
        *(
            f"mutation (${name}: CreateQuoteRequestInput!) {{ createQuoteRequest(input: ${name}) {SELECTION} }}"
            for name in ("__dict__", "__slots__", "__post_init__", "__class__")
        ),
    ),
)
def test_simple_documents_have_a_plan(text: str) -> None:
    """The property above compares something: plain documents do get a plan."""
    assert has_plan(text)


@pytest.mark.parametrize(
    "text",
    lines(
        f"query {{ insurers {{ id }} }} # {SELECTION}",
        f"mutation {INPUT} @include(if: true) {{ {FIELD} {SELECTION} }}",
        f"mutation {INPUT} {{ {FIELD} @skip(if: false) {SELECTION} }}",
        f"mutation {INPUT} {{ a: {FIELD} {SELECTION} b: {FIELD} {SELECTION} }}",
        f"mutation {INPUT} {{ ... {{ {FIELD} {SELECTION} }} }}",
        f"mutation ($input: CreateQuoteRequestInput!, $more: Int) {{ {FIELD} {SELECTION} }}",
        f"mutation ($input: CreateQuoteRequestInput! = {{}}) {{ {FIELD} {SELECTION} }}",
        "mutation ($application: ApplicationInput!) { createQuoteRequest(input: "
        f'{{ customerId: "1", application: $application }}) {SELECTION} }}',
        "mutation ($id: ID!) { cancelQuoteRequest(id: $id) { id } }",
        f"mutation {INPUT} {{ {FIELD} {{ __typename __typename }} }}",
        f"mutation ($input: CreateQuoteRequestInput!, $a: [Boolean!]) {{ {FIELD} {{ ... @skip(if: $a) {SELECTION} }} }}",
        f"mutation {INPUT} {{ {FIELD} {{ ... @other {SELECTION} }} }}",
        f"mutation {INPUT} {{ {FIELD} {{ ... on QuoteRequestAccepted {{ quoteRequest "
        "{ quotes(orderBy: PREMIUM) { id } } } } }",
        f"mutation {INPUT} {{ {FIELD} {{ ... on QuoteRequestAccepted {{ quoteRequest "
        "{ quotes { insurer { availability } } } } } }",
    ),
)
def test_a_document_that_is_not_provably_simple_has_no_plan(text: str) -> None:
    """Directives, arguments, fields that stand twice, and resolvers that wait are left to graphql-core."""
    assert not has_plan(text)
