"""What a customer is sent to: https or nothing."""

from datetime import UTC, datetime

import pytest
from support.quotes import an_offer

from app.codecs.documents import decode_quote, encode_quote
from app.domain.ids import uuid7
from app.domain.links import URL_LENGTH_MOST, https_url
from app.domain.quote import Quote


@pytest.mark.parametrize(
    "url",
    [
        "https://sever.example",
        "https://sever.example/buy/N-1?from=osago&price=5432.10#pay",
        "https://buy.sever.example:8443/%D0%9F/~me/(a);b=c,d",
        "https://xn--80aesfpebagmfblc0a.xn--p1ai/",
        "https://127.0.0.1/",
    ],
)
def test_a_link_over_https_is_kept_as_it_is(url: str) -> None:
    """With its path, query and fragment."""
    assert https_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "http://sever.example/",
        "HTTPS://sever.example/",
        "//sever.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "https:sever.example",
        "https://",
        "https:///buy",
        "https://user@sever.example/",
        "https://sever.example\\@evil.example/",
        "https://sever.example/a b",
        'https://sever.example/"onclick=',
        "https://sever.example/<script>",
        "https://sever.example/\n",
        " https://sever.example/",
        "https://sever.example:port/",
        "https://страховка.рф/",
        "https://sever.example/" + "a" * URL_LENGTH_MOST,
    ],
)
def test_anything_else_is_dropped(url: str | None) -> None:
    """The offer stays; only its link is gone. No code can build one with it."""
    assert https_url(url) is None
    if url is not None:
        with pytest.raises(ValueError, match="https"):
            an_offer(purchase_url=url)


def test_what_was_kept_comes_back() -> None:
    """Through PostgreSQL and Redis."""
    quote = Quote(uuid7(datetime.now(UTC)), "sever", an_offer(), datetime.now(UTC))
    assert decode_quote(quote.request_id, encode_quote(quote)) == quote
