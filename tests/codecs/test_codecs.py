"""Documents: what goes into PostgreSQL and Redis comes back as it was."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from support.applications import an_application
from support.quotes import a_quote, a_refusal, a_request, an_end, an_offer

from app.codecs.application_codec import decode_application, encode_application
from app.codecs.quote_codec import (
    decode_answer,
    decode_ending,
    decode_quote,
    encode_answer,
    encode_ending,
    encode_quote,
)
from app.domain.quote import TIMED_OUT, Outcome

TODAY = date(2026, 11, 22)


def test_an_application_comes_back_as_it_was() -> None:
    """Decimals exact, Cyrillic whole."""
    application = an_application(TODAY)
    assert decode_application(encode_application(application)) == application


@given(
    st.decimals("0.01", "999999.99", places=2),
    st.sampled_from([{}, {"coefficients": None, "valid_until": None, "purchase_url": None}]),
)
def test_a_quote_comes_back_as_it_was(premium: object, left_out: dict[str, None]) -> None:
    """To the kopeck and to the microsecond, with all its parts or without."""
    request = a_request("sever")
    quote = a_quote(request, "sever", an_offer(str(premium), **left_out))
    assert decode_quote(request.id, encode_quote(quote)) == quote


def test_an_answer_comes_back_from_its_columns() -> None:
    """An offer, a refusal with the insurer's code, silence."""
    for answer in (an_offer(), a_refusal(), TIMED_OUT):
        assert decode_answer(*encode_answer(a_quote(a_request("sever"), "sever", answer))) == answer


def test_an_end_comes_back_as_it_was() -> None:
    """Its outcome and its moment."""
    assert decode_ending(encode_ending(an_end(Outcome.DEADLINE))) == an_end(Outcome.DEADLINE)
