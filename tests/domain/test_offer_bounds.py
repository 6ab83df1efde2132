"""Every value of an insurer's has a bound: where it comes in, and where rows and events of older releases are read back."""

import dataclasses
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from support.faces import ID, NOW
from support.quotes import an_offer

from app.api.schema.scalars import plain
from app.codecs.quote_codec import (
    OfferEvent,
    _OfferDocument,
    decode_answer,
    decode_quote,
)
from app.domain.errors import InsurerProtocol
from app.domain.money import Money
from app.domain.offers.coefficients import Coefficients
from app.domain.offers.offer_bounds import NUMBER_LENGTH_MAX
from app.domain.quote import NoOffer, Offer, Quote, QuoteStatus, Reason, ReasonCode, declined, sold_at
from workers.adapters.adapter import Created
from workers.adapters.soap import _answer as soap_answer
from workers.adapters.wire import read_status

EDGES = ("0001-01-01T00:00:00+03:00", "9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59-23:59")
ONES = dict.fromkeys(
    ("baseRate", "territory", "bonusMalus", "ageExperience", "driverRestriction", "power", "season"), "1"
)


def answered(**offer: Any) -> Any:
    """What `rest-poll` reads of an answer with this offer."""
    known = {"number": "N-1", "premium": "5432.10", "currency": "RUB"}
    return read_status(json.dumps({"status": "offered", "offer": {**known, **offer}}).encode()).answer()


def by_soap(**offer: Any) -> Any:
    """What `soap` reads of it: texts, and mappings of texts."""
    known = {"number": "N-1", "premium": "5432.10", "currency": "RUB"}
    return soap_answer({"status": "Offered", "offer": {**known, **offer}})


def a_quote_of(answer: Any) -> Quote:
    return Quote(ID, "sever", answer, NOW)


# What comes in.


@pytest.mark.parametrize(
    "sent",
    [
        *EDGES,
        "1999-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z",
        "2000-01-01T00:00:00+03:00",
        "2027-12-31",
        "2027-12-31T23:59:59",
        "2027-12-31T24:00:00+03:00",
        "2027-12-31T23:59:60+03:00",
        "2027-02-30T00:00:00Z",
        "2027-12-31T23:59:59+25:00",
        "31.12.2027",
        "",
        "null",
        "0000-00-00T00:00:00Z",
        "+12027-12-31T23:59:59Z",
    ],
)
def test_a_validity_that_is_none_is_left_out(sent: str) -> None:
    """A moment without an offset, outside of the calendar, or of the years 2000 to 2099, is dropped; the offer stays."""
    assert answered(validUntil=sent) == by_soap(validUntil=sent) == an_offer_of_nothing_else()


@pytest.mark.parametrize("sent", [0, 1e300, True, [], {}, ["2027-12-31T23:59:59Z"], {"date": "2027-12-31"}])
@pytest.mark.parametrize("field", ["validUntil", "coefficients", "purchaseUrl"])
def test_an_optional_field_of_another_type_is_left_out(field: str, sent: Any) -> None:
    """Each of the optional fields, with JSON of any other type."""
    assert answered(**{field: sent}) == an_offer_of_nothing_else()


@pytest.mark.parametrize("field", ["validUntil", "coefficients", "purchaseUrl"])
def test_an_optional_field_may_be_null_or_blank(field: str) -> None:
    """The same holds for a field that is absent."""
    for sent in (None, "", " "):
        assert answered(**{field: sent}) == an_offer_of_nothing_else()
    assert by_soap(**{field: ""}) == by_soap(**{field: {}}) == an_offer_of_nothing_else()


@pytest.mark.parametrize("sent", ["2027-12-31T23:59:59+03:00", "2027-12-31T20:59:59Z", "2027-12-31T20:59:59.000-00:00"])
def test_a_validity_is_kept_in_utc(sent: str) -> None:
    """The same moment, from any offset."""
    until = answered(validUntil=sent).valid_until
    assert (until, until.tzinfo) == (datetime(2027, 12, 31, 20, 59, 59, tzinfo=UTC), UTC)
    assert by_soap(validUntil=sent).valid_until == until


@pytest.mark.parametrize("until", [datetime.max, datetime.max.replace(tzinfo=UTC), datetime(2027, 1, 1), NOW.date()])  # noqa: DTZ001, DTZ901
def test_the_bound_holds_for_adapters_that_make_the_offer_themselves(until: Any) -> None:
    """An adapter of another package need not use `as_offer`."""
    assert an_offer(valid_until=until) == an_offer(valid_until=None)


@pytest.mark.parametrize("sent", ["5432.1", "5432.10", "5432.1000", 5432.1, "5.4321E+3", "5432.10" + "0" * 3000])
def test_zeros_behind_the_kopecks_are_no_part_of_a_premium(sent: Any) -> None:
    """`money` and `numeric` columns print such zeros, as a text or as a number."""
    premium = answered(premium=sent).premium
    assert (premium, str(premium.amount)) == (Money(Decimal("5432.10"), "RUB"), "5432.10")


def test_a_number_with_zeros_behind_the_kopecks_is_a_premium() -> None:
    """Python would drop the zero: so the JSON is written out here."""
    body = b'{"status": "offered", "offer": {"number": "N-1", "premium": 5432.100, "currency": "RUB"}}'
    assert read_status(body).answer() == an_offer_of_nothing_else()


@pytest.mark.parametrize(
    "sent",
    ["5432.105", 5432.105, "0", "0.00", "-1.00", "0.001", "1E-3000000", "1E+3000000", "10000000.01", "NaN", "sNaN",
     "Infinity", "-0.00", "1E+99999999999999999999", "", "5 432.10", "5432,10"],
)  # fmt: skip
def test_what_is_no_amount_is_refused(sent: Any) -> None:
    """Half a kopeck, nothing, too much, no number."""
    with pytest.raises(InsurerProtocol):
        answered(premium=sent)
    with pytest.raises(InsurerProtocol):
        by_soap(premium=str(sent))


@pytest.mark.parametrize(
    "factor",
    ["1E-3000000", "1E-999999", "1E-7", "0.0000001", "1." + "1" * 4000, "1" * 200_000, "1.0000000000001", "12345678.12345",
     "1E+5", "1E+3000000", "0", "-1", "NaN", "Infinity", "", "one", None, [], "10000001"],
)  # fmt: skip
def test_a_factor_out_of_bounds_costs_the_coefficients_alone(factor: Any) -> None:
    """At most 12 digits, an exponent from -6 to 4. Without one of them the others explain nothing."""
    assert answered(coefficients={**ONES, "baseRate": factor}) == an_offer_of_nothing_else()
    snake = dict.fromkeys(Coefficients.__struct_fields__, "1")
    assert by_soap(coefficients={**snake, "season": "" if factor is None else factor}) == an_offer_of_nothing_else()


@pytest.mark.parametrize(
    ("sent", "written"),
    [("1.80", "1.80"), ("0.000001", "0.000001"), ("123456.123456", "123456.123456"), ("1E+4", "10000"), (1.8, "1.8"),
     ("1.8000000000", "1.8"), ("7500.0000000000", "7500"), ("10000000.000000", "10000000")],
)  # fmt: skip
def test_a_factor_within_them_is_kept(sent: Any, written: str) -> None:
    """Zeros of a column with more places than any factor do not count."""
    factors = answered(coefficients={**ONES, "power": sent}).coefficients
    assert plain(factors.power) == written


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("XXX 0123456789", "XXX 0123456789"),
        ("  N-1\t", "N-1"),
        ("N \u00a0\u2009 1\r\n", "N 1"),
        ("N\u200b-\ufeff1\u2060\u202e", "N-1"),
        ("N-1\u3164\u115f\u2800\u034f\ufe0f\U000e0041", "N-1"),
        ("и\u0306-1", "й-1"),
        ("Z" + "\u0301" * 100, "Ź\u0301\u0301"),
        ("\u0301" * 100 + "N-1", "N-1"),
        ("N" + "\u20dd\u0489" * 50 + "-1", "N\u20dd\u0489-1"),
        ("N" * NUMBER_LENGTH_MAX, "N" * NUMBER_LENGTH_MAX),
    ],
)
def test_a_number_is_what_can_be_seen_of_it(sent: str, kept: str) -> None:
    """Composed, single blanks, nothing invisible, two marks on a letter at most; and so it stays when it is read again."""
    number = answered(number=sent).number
    assert an_offer(number=number).number == number == kept
    assert len(number.encode()) <= 4 * NUMBER_LENGTH_MAX


@pytest.mark.parametrize(
    "sent",
    ["", " ", "\u200b", "\u0301" * 100, "\u3164", "N\x00", "N\x1b[31m", "N\x7f", "N\ue000", "N" * 129, "N" * 10_000,
     "\u0958" * 128, "\ufdfa" * 500, 5, None, []],
)  # fmt: skip
def test_what_cannot_be_seen_is_no_number(sent: Any) -> None:
    """A text of invisible characters, with control characters, or too long is no number."""
    with pytest.raises(InsurerProtocol):
        answered(number=sent)
    with pytest.raises(InsurerProtocol):
        an_offer(number=sent)


@pytest.mark.parametrize("code", ["Иванов Иван", "x" * 65, "A\u200bB", "A\n", "", " A", "😀", 5])
def test_a_code_that_is_none_is_dropped(code: Any) -> None:
    """The rule also holds for an adapter that makes the refusal itself."""
    assert declined(code) == declined() == NoOffer(QuoteStatus.DECLINED, Reason(ReasonCode.INSURER_DECLINED, code))


@pytest.mark.parametrize("id_", ["", "x" * 257, "a\x00", "a\n", "a\u202e"])
def test_an_id_of_the_insurers_is_short_and_printable(id_: str) -> None:
    """It stands in addresses and in Redis."""
    with pytest.raises(InsurerProtocol):
        Created(id_)


def test_a_link_leads_to_the_insurers_own_hosts() -> None:
    """Where insurers.toml names them; the offer stays."""
    offer = an_offer(purchase_url="https://pay.sever.example/1")
    assert sold_at(offer, []) is sold_at(offer, ["sever.example"]) is offer
    assert sold_at(offer, ["volga.example"]) == an_offer(purchase_url=None)
    assert sold_at(declined(), ["volga.example"]) == declined()


def an_offer_of_nothing_else() -> Offer:
    return Offer(number="N-1", premium=Money(Decimal("5432.10"), "RUB"))


# What is read back.

OLD = {"number": "N-1", "premium": "5432.10", "currency": "RUB"}


@pytest.mark.parametrize(
    "left_out",
    [
        *({"validUntil": until} for until in EDGES),
        {"coefficients": {**ONES, "baseRate": "1E-3000000"}},
        {"coefficients": {**ONES, "baseRate": "1." + "1" * 200_000}},
        {"purchaseUrl": "https://127.0.0.1/"},
        {"purchaseUrl": "http://sever.example/"},
    ],
    ids=lambda value: str(value)[:50],
)
def test_rows_and_events_of_an_older_release_are_read(left_out: dict[str, Any]) -> None:
    """Values that are out of bounds now are left out."""
    offer = {**OLD, **left_out}
    assert decode_answer("OFFERED", json.dumps(offer), None) == an_offer_of_nothing_else()
    event = {"insurer": "sever", "status": "OFFERED", "receivedAt": NOW.isoformat(), "offer": offer}
    assert decode_quote(ID, json.dumps(event)) == a_quote_of(an_offer_of_nothing_else())


@pytest.mark.parametrize(
    ("number", "shown"), [("N" + "\u0323\u0301" * 60, None), ("\u0301", "—"), (" ", "—"), ("\u0958" * 128, None)]
)
def test_a_number_of_an_older_release_is_shown_as_far_as_it_can_be_seen(number: str, shown: str | None) -> None:
    """Marks and blanks that no screen shows are left out; a dash stands for nothing at all."""
    found = decode_answer("OFFERED", json.dumps({**OLD, "number": number}), None)
    assert isinstance(found, Offer)
    assert found.number == shown or (shown is None and 1 <= len(found.number) <= NUMBER_LENGTH_MAX)


def test_documents_hold_every_field_of_an_offer() -> None:
    """What a row, an event and the types of the schema do not know would be lost."""
    named = {field.name for field in dataclasses.fields(Offer)} | {"currency"}
    assert set(_OfferDocument.__struct_fields__) == named
    assert set(OfferEvent.__struct_encode_fields__) == set(_OfferDocument.__struct_encode_fields__)


def test_other_links_leave_the_rest_of_an_offer_as_it_is() -> None:
    """Every field beside them, also one to come."""
    offer = an_offer(stated_total=Decimal("99999.00"))
    for links in ({}, {"sealed_url": "k1.abc"}, {"purchase_url": "https://sever.example/x"}):
        bare = {"purchase_url": None, "sealed_url": None}
        assert offer.with_links(**links) == dataclasses.replace(offer, **(bare | links))
