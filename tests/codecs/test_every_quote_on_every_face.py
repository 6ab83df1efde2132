"""A quote that passes intake can be written by every face, within 64 KiB; one that cannot affects no other quote."""

import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st
from support.faces import ID, NOW, by_every_face, by_graphql, context_of, events_of
from support.quotes import COEFFICIENTS, an_offer

from app.api.rest.representations import event_document
from app.api.schema import unwritable_quotes
from app.codecs.quote_codec import (
    EVENT_BYTES_MAX,
    decode_answer,
    decode_quote,
    encode_answer,
    encode_quote,
    to_event,
)
from app.domain.errors import InsurerProtocol
from app.domain.money import Money
from app.domain.offers.coefficients import Coefficients, DriverCoefficients
from app.domain.offers.extras import EXTRA_BOUNDS, EXTRAS_MAX, Extra
from app.domain.offers.offer_bounds import DRIVERS_MAX, Bound, field_bounds
from app.domain.offers.refusals import PROBLEM_BOUNDS, MendableProblem
from app.domain.quote import Offer, Quote, ReasonCode, failed
from app.watch.events import Completed, Event, Received
from workers.adapters.wire import as_offer

EDGES = ("0001-01-01T00:00:00+03:00", "9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59-23:59")


def a_quote_of(answer: Any) -> Quote:
    return Quote(ID, "sever", answer, NOW)


def strategy_for(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type, far beyond any bound; a type that is not known here fails the test."""
    if get_origin(kind) is Annotated:
        return strategy_for(get_args(kind)[0])
    if get_origin(kind) is tuple:
        item, _ = get_args(kind)
        return st.lists(strategy_for(item), max_size=3).map(tuple) | st.lists(strategy_for(item), max_size=2).map(
            lambda few: tuple(few * 30)
        )
    if type(None) in get_args(kind):
        (inner,) = [part for part in get_args(kind) if part is not type(None)]
        return st.none() | strategy_for(inner)
    names = getattr(kind, "__struct_fields__", None) or getattr(kind, "__dataclass_fields__", ())
    if names:
        hints = get_type_hints(kind, include_extras=True)
        return st.builds(kind, **{name: strategy_for(hints[name]) for name in names})
    return SIMPLE[kind]


def offsets() -> st.SearchStrategy[tzinfo | None]:
    minutes = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda number: timezone(timedelta(minutes=number)))
    return st.none() | st.just(UTC) | minutes


TEXTS = ("RUB", "RUB", "N-1", "https://sever.example/buy?a=b", "https://полис.рф/x", "https://shop.example/оплата",
         "https://127.0.0.1/", "N" + "\u0301" * 100, "\U0001f697" * 128, '"' * 128, "\\" * 128, "\u2028" * 9 + "1",
         "https://shop.example/" + "я" * 300, "https://shop.example/" + "%" * 2000, "\ud800")  # fmt: skip
DECIMALS = ("5432.10", "5432.1000", "5432.105", "1", "1.80", "1E-3000000", "1E+3000000", "1E-999999", "1E+4", "1E-6",
            "1." + "1" * 4000, "123456.123456")  # fmt: skip
MOMENTS = (
    datetime.min,  # noqa: DTZ901 - the edges of the calendar
    datetime.max,  # noqa: DTZ901
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(2099, 12, 31, 23, 59, 59, 999999, UTC),
)
SIMPLE: Mapping[Any, st.SearchStrategy[Any]] = {
    str: st.sampled_from(TEXTS) | st.text(st.characters(), max_size=300),
    bool: st.booleans(),
    date: st.sampled_from((date.min, date.max, date(2000, 1, 1), date(2099, 12, 31))) | st.dates(),
    Decimal: st.sampled_from(DECIMALS).map(Decimal) | st.decimals(),
    datetime: st.builds(
        lambda moment, zone: moment.replace(tzinfo=zone), st.sampled_from(MOMENTS) | st.datetimes(), offsets()
    ),
}


def offers() -> st.SearchStrategy[Mapping[str, Any]]:
    """Arguments of an offer, made of its fields; number and premium are often good, so that an offer comes of most."""
    hints = get_type_hints(Offer, include_extras=True)
    made = {name: strategy_for(hints[name]) for name, _, _ in field_bounds(Offer)}
    good = {"number": st.just("N-1"), "premium": st.just(Money(Decimal("5432.10"), "RUB"))}
    return st.fixed_dictionaries({name: good.get(name, st.nothing()) | values for name, values in made.items()})


INTAKE = {"stated_total": "total"}


def the_page(**changes: Any) -> Mapping[str, Any]:
    return {"number": "N-1", "premium": Money(Decimal("5432.10"), "RUB"), "coefficients": None, "stated_total": None,
            "extras": (), "starts_on": None, "valid_until": None, "purchase_url": None, "sealed_url": None, **changes}  # fmt: skip


def extra(price: str, name: str = "Эвакуатор", code: str = "TOWING") -> Extra:
    return Extra(code=code, name=name, price=Decimal(price), is_mandatory=True)


WIDE = DriverCoefficients(bonus_malus=Decimal("123456.123456"), age_experience=Decimal("654321.654321"))


def factors(factor: str) -> Coefficients:
    return msgspec.structs.replace(COEFFICIENTS, base_rate=Decimal(factor))


@example(the_page(valid_until=datetime.fromisoformat(EDGES[0])))
@example(the_page(valid_until=datetime.fromisoformat(EDGES[1])))
@example(the_page(valid_until=datetime.fromisoformat(EDGES[2])))
@example(the_page(valid_until=datetime(2027, 12, 31, 23, 59, 59)))  # noqa: DTZ001
@example(the_page(premium=Money(Decimal("5432.1000"), "RUB")))
@example(the_page(premium=Money(Decimal("5432.105"), "RUB")))
@example(the_page(premium=Money(Decimal("5432.10"), "RUB" * 100_000)))
@example(the_page(coefficients=factors("1E-3000000")))
@example(the_page(stated_total=Decimal("5432.10")))
@example(the_page(stated_total=Decimal("1E-3000000")))
@example(the_page(stated_total=Decimal("6000.10"), extras=(extra("567.9"),)))
@example(the_page(extras=tuple(extra("10000000", "\U0001f697" * 100, code="C" * 64) for _ in range(EXTRAS_MAX))))
@example(the_page(extras=tuple(extra("1") for _ in range(EXTRAS_MAX + 1))))
@example(the_page(extras=(extra("1E-3000000"),)))
@example(the_page(coefficients=msgspec.structs.replace(COEFFICIENTS, drivers=(WIDE,) * DRIVERS_MAX)))
@example(the_page(coefficients=msgspec.structs.replace(COEFFICIENTS, drivers=(WIDE,) * (DRIVERS_MAX + 1))))
@example(the_page(starts_on=date.max))
@example(the_page(coefficients=factors("1E-999999")))
@example(the_page(coefficients=factors("1." + "1" * 4000)))
@example(the_page(number="N" + "\u0301" * 100))
@example(the_page(number="\U0001f697" * 128))
@example(the_page(purchase_url="https://127.0.0.1/"))
@example(the_page(purchase_url="https://полис.рф/x"))
@example(the_page(purchase_url="https://shop.example/оплата"))
@example(the_page(purchase_url="https://shop.example/" + "&" * 2027))
@given(offers())
def test_every_face_can_write_what_passes(fields: Mapping[str, Any]) -> None:
    """GraphQL, REST, server-sent events, WebSocket, feed and rows, each within 64 KiB; and it is read back as it is."""
    intake = {INTAKE.get(name, name): value for name, value in fields.items() if name != "sealed_url"}
    try:
        read = as_offer(**{**intake, "premium": fields["premium"].amount, "currency": fields["premium"].currency})
    except InsurerProtocol:
        return
    offer = Offer(**fields)
    assert dataclasses.replace(offer, sealed_url=None) == read
    quote = a_quote_of(offer)
    for face, parts in by_every_face(quote).items():
        assert all(len(part) <= EVENT_BYTES_MAX for part in parts), face
        assert b"INTERNAL" not in b"".join(parts), face
    assert decode_quote(ID, encode_quote(quote)) == quote
    assert decode_answer(*encode_answer(quote)) == offer


def test_a_field_without_a_bound_is_an_error() -> None:
    """A field of an offer without a bound fails this test, before anything runs."""

    @dataclasses.dataclass
    class Wider:
        number: Annotated[str, Bound(str)]
        comment: str | None = None

    with pytest.raises(TypeError, match=r"Wider\.comment"):
        field_bounds(Wider)
    assert [name for name, _, _ in field_bounds(Offer)] == [field.name for field in dataclasses.fields(Offer)]

    class WiderExtra(Extra, frozen=True):
        comment: str = ""

    with pytest.raises(TypeError, match=r"WiderExtra\.comment"):
        field_bounds(WiderExtra)
    for bounds, kind in ((EXTRA_BOUNDS, Extra), (PROBLEM_BOUNDS, MendableProblem)):
        assert {name for name, _, _ in bounds} == set(kind.__struct_fields__)


# A value that has got past every bound, as a fault of ours would let it.


def broken_quote(insurer: str = "sever", **fields: Any) -> Quote:
    """A quote that cannot be written."""
    offer = an_offer()
    for name, value in (fields or {"valid_until": datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))}).items():
        object.__setattr__(offer, name, value)
    return dataclasses.replace(a_quote_of(offer), insurer_id=insurer)


def broken_events() -> list[Event]:
    """The event and the end of a quote that graphql-core, the compiled writer and REST fail to write."""
    happening = events_of(a_quote_of(an_offer()))
    received, completed = happening
    assert isinstance(received, Received)
    assert isinstance(completed, Completed)
    broken = to_event(a_quote_of(an_offer()))
    assert broken.offer
    broken.offer.premium = Decimal("1E-3000000")
    good = dataclasses.replace(a_quote_of(an_offer("9000.00")), insurer_id="volga")
    return [
        msgspec.structs.replace(received, quote=broken),
        msgspec.structs.replace(completed, quotes={"sever": broken, "volga": to_event(good)}),
    ]


@pytest.mark.parametrize("face", ["compiled", "graphql-core", "REST"])
def test_a_quote_that_cannot_be_written_is_replaced_and_the_end_comes(face: str) -> None:
    """FAILED / INTERNAL in its place, and the best of the others is the best."""
    if face == "REST":
        services = context_of([]).services
        received, completed = [unwritable_quotes.written(event_document, event, services) for event in broken_events()]
    else:
        payloads = by_graphql(broken_events(), is_compiled=face == "compiled")
        received, completed = [json.loads(payload)["data"]["watched"] for payload in payloads]
    assert (received["quote"]["status"], received["quote"]["reason"]["code"]) == ("FAILED", "INTERNAL")
    assert received["quote"]["offer"] is None
    assert completed["bestQuote"]["insurer"]["id"] == "volga"


@pytest.mark.parametrize(
    "fields",
    [{"number": "N" * EVENT_BYTES_MAX}, {"premium": None}, {"premium": Money(Decimal(1), "\ud800")}],
)
def test_a_quote_that_cannot_be_kept_costs_its_batch_nothing(fields: dict[str, Any]) -> None:
    """Row and event of it are FAILED / INTERNAL: longer than 64 KiB, or nothing that JSON can hold."""
    quote = broken_quote(**fields)
    assert decode_answer(*encode_answer(quote)) == failed(ReasonCode.INTERNAL)
    assert decode_quote(ID, encode_quote(quote)).answer == failed(ReasonCode.INTERNAL)


def test_it_is_logged_once() -> None:
    """The line comes once, however often the quote is shown."""
    quote = dataclasses.replace(broken_quote(number=b"\xff" * EVENT_BYTES_MAX), insurer_id="logged-once")
    with structlog.testing.capture_logs() as logged:
        for _ in range(3):
            encode_quote(quote)
            encode_answer(quote)
    assert [(line["event"], line["quote"]) for line in logged] == [("quote.unreadable", f"{ID}:logged-once")]
