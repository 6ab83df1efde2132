"""Documents: what goes into PostgreSQL and Redis comes back as it was."""

import json
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.applications import an_application
from support.quotes import a_quote, a_refusal, a_request, an_end, an_offer

from app.codecs.application_codec import UnknownForm, decode_application, encode_application
from app.codecs.quote_codec import (
    decode_answer,
    decode_ending,
    decode_quote,
    encode_answer,
    encode_ending,
    encode_quote,
    encoded,
)
from app.domain.application import Person
from app.domain.quote import TIMED_OUT, Outcome, Quote

TODAY = date(2026, 11, 22)


def test_an_application_comes_back_as_it_was() -> None:
    """Decimals keep their digits, and Cyrillic texts their letters."""
    application = an_application(TODAY)
    assert decode_application(encode_application(application)) == application


BEFORE: Final = (Path(__file__).parent / "applications_of_form_1.jsonl").read_bytes().splitlines()
"""As the release before wrote them."""


@pytest.mark.parametrize("document", BEFORE)
def test_an_application_of_the_form_before_is_read(document: bytes) -> None:
    """All its data is kept; fields that it lacks are not known."""
    written, application = json.loads(document), decode_application(document)
    vehicle = msgspec.to_builtins(application.vehicle, builtin_types=(date,))
    assert {key: vehicle[key] for key in written["vehicle"]} == vehicle_of(written)
    for party, before in ((application.policyholder, written["policyholder"]), (application.owner, written["owner"])):
        assert isinstance(party, Person)
        assert (party.last_name, party.middle_name) == (before["last_name"], before["middle_name"])
        number, issued_on = before["passport"], before["passport_issued_on"]
        assert party.document.number == number
        assert (party.document.issued_on and str(party.document.issued_on)) == issued_on
        assert (party.address.kladr, party.address.text) == (before["address"]["kladr"], before["address"]["text"])
        assert (party.phone, party.email) == (before["phone"], before["email"])
    drivers = application.drivers
    numbers = drivers and [(each.license.number, str(each.driving_since)) for each in drivers]
    before = written["drivers"] and [(each["license"], each["driving_since"]) for each in written["drivers"]]
    assert numbers == before
    assert (str(application.starts_on), application.usage_months) == (written["starts_on"], written["usage_months"])
    assert decode_application(encode_application(application)) == application


def vehicle_of(written: Any) -> Any:
    document = written["vehicle"]["document"]
    return written["vehicle"] | {"document": document | {"issued_on": date.fromisoformat(document["issued_on"])}}


def test_an_application_of_a_later_form_is_not_guessed_at() -> None:
    """An older release refuses the whole document and leaves it to a release that knows the form."""
    with pytest.raises(UnknownForm):
        decode_application(b'{"form":3,"anything":[1,2]}')


@given(
    st.decimals("0.01", "999999.99", places=2),
    st.sampled_from([{}, {"coefficients": None, "valid_until": None, "purchase_url": None}]),
)
def test_a_quote_comes_back_as_it_was(premium: object, left_out: dict[str, None]) -> None:
    """Amounts are exact to the kopeck and moments to the microsecond; parts may be missing."""
    request = a_request("sever")
    quote = a_quote(request, "sever", an_offer(str(premium), **left_out))
    assert decode_quote(request.id, encode_quote(quote)) == quote


def test_an_answer_comes_back_from_its_columns() -> None:
    """An offer, a refusal with the insurer's code, silence."""
    for answer in (an_offer(), a_refusal(), TIMED_OUT):
        assert decode_answer(*encode_answer(a_quote(a_request("sever"), "sever", answer))) == answer


def test_an_end_comes_back_as_it_was() -> None:
    """The outcome and the moment are preserved."""
    assert decode_ending(encode_ending(an_end(Outcome.DEADLINE))) == an_end(Outcome.DEADLINE)


@pytest.mark.parametrize("number", ["N-1", ',"sealedUrl":"k:AAAA"', '\\",\\"sealedUrl\\":\\"k:AAAA'])
@pytest.mark.parametrize(
    "links", [{"sealed_url": "k:AAAA"}, {"purchase_url": "https://sever.example/buy/1", "sealed_url": None}, {}]
)
def test_an_event_without_its_link_is_the_event_of_an_offer_without_one(number: str, links: dict[str, Any]) -> None:
    """The bytes are equal for any text in its other fields."""
    bare = an_offer(number=number).with_links()
    quote = a_quote(a_request("sever"), "sever", bare.with_links(**links))
    written = encoded(quote)
    assert written.feed_event == encode_quote(Quote(quote.request_id, "sever", bare, quote.received_at))
    assert decode_quote(quote.request_id, written.event) == quote
