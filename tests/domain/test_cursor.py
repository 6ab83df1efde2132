"""Cursors: the set of answers that a client has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.quotes import a_request

from app.config.insurers_file import INSURERS_MAX
from app.domain.cursor import CURSOR_LENGTH_MAX, Cursor
from app.domain.errors import InvalidCursor

INSURERS = st.integers(1, INSURERS_MAX).map(lambda count: [f"insurer-{n}" for n in range(count)])


@given(st.data(), INSURERS)
def test_a_cursor_comes_back_as_it_was(data: st.DataObject, insurers: list[str]) -> None:
    """For any set of answers, with the end or without."""
    cursor = Cursor(a_request().id, insurers, data.draw(st.integers(0, (1 << len(insurers) + 1) - 1)))
    text = cursor.encode()
    assert Cursor.decode(text, cursor.request_id, insurers) == cursor
    assert len(text) <= CURSOR_LENGTH_MAX


def test_a_cursor_knows_what_its_client_has() -> None:
    """An answer counts once, in any order; the end is not counted."""
    request = a_request("sever", "volga", "zarya")
    cursor = Cursor(request.id, request.insurers).having("zarya").having("sever").having("zarya").having_end()
    assert [cursor.has(insurer) for insurer in request.insurers] == [True, False, True]
    assert (cursor.answered, cursor.ended) == (2, True)


def test_a_cursor_of_another_request_is_refused() -> None:
    """Its holes would be taken for this request's, and answers would be skipped without an error."""
    mine, other = a_request("sever", "volga"), a_request("sever", "volga")
    with pytest.raises(InvalidCursor):
        Cursor.decode(Cursor(other.id, other.insurers, 1).encode(), mine.id, mine.insurers)


@given(st.text(max_size=80))
def test_nothing_else_is_taken_for_a_cursor(text: str) -> None:
    """Garbage is refused with that same error."""
    request = a_request("sever", "volga")
    known = {Cursor(request.id, request.insurers, bits).encode() for bits in range(8)}
    try:
        cursor = Cursor.decode(text, request.id, request.insurers)
    except InvalidCursor:
        return
    assert cursor.encode() in known
