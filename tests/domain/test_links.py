"""What a customer is sent to: https or nothing."""

from datetime import UTC, datetime

import pytest
from support.quotes import an_offer

from app.codecs.quote_codec import decode_quote, encode_quote
from app.domain.ids import uuid7
from app.domain.offers.links import URL_LENGTH_MAX, https_url, is_at
from app.domain.quote import Quote


@pytest.mark.parametrize(
    "url",
    [
        "https://sever.example",
        "https://sever.example/buy/N-1?from=osago&price=5432.10#pay",
        "https://buy.sever.example:8443/%D0%9F/~me/(a);b=c,d",
        "https://xn--80aesfpebagmfblc0a.xn--p1ai/",
        "https://8.8.8.8/buy",
    ],
)
def test_a_link_over_https_is_kept_as_it_is(url: str) -> None:
    """Its path, query and fragment stay."""
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
        "https://sever.example/" + "a" * URL_LENGTH_MAX,
    ],
)
def test_anything_else_is_dropped(url: str | None) -> None:
    """The offer stays; only its link is gone. No code can build one with it."""
    assert https_url(url) is None
    assert an_offer(purchase_url=url) == an_offer(purchase_url=None)


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://полис.рф/x", "https://xn--h1afidn.xn--p1ai/x"),
        ("https://ПОЛИС.рф:8443/x", "https://xn--h1afidn.xn--p1ai:8443/x"),
        ("https://полис。рф", "https://xn--h1afidn.xn--p1ai"),
        ("https://shop.example/оплата", "https://shop.example/%D0%BE%D0%BF%D0%BB%D0%B0%D1%82%D0%B0"),
        ("https://shop.example/?имя=%D1%8F&b=1#я", "https://shop.example/?%D0%B8%D0%BC%D1%8F=%D1%8F&b=1#%D1%8F"),
        ("https://shop.example/é", "https://shop.example/%C3%A9"),
    ],
)
def test_letters_of_other_alphabets_are_written_as_browsers_send_them(written: str, url: str) -> None:
    """Hosts in punycode, the rest percent-encoded; what has been written so once stays as it is."""
    assert https_url(written) == https_url(url) == url


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "192.168.0.1",
        "0.0.0.0",  # noqa: S104 - a link, not a listener
        "224.0.0.1",
        "100.64.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "shop.localhost",
        "shop.local",
        "shop.internal",
        "router.home.arpa",
        "intranet",
        "интранет",
        "１２７.０.０.１",
        "127。0。0。1",
        "шоп.localhost",
    ],
)
def test_a_host_of_a_private_network_is_none(host: str) -> None:
    """An insurer must not send a customer into the customer's own network, in any spelling that a browser resolves."""
    assert https_url(f"https://{host}/buy") is None
    assert https_url(f"https://{host}:8443/buy") is None


@pytest.mark.parametrize(
    "url",
    [
        "https://полис.рф\\@evil.example/",
        "https://user@полис.рф/",
        "https://полис.рф／evil.example/",
        "https://полис.рф？@evil.example/",
        "https://полис..рф/",
        "https://" + "п" * 64 + ".рф/",
        "https://faß.example/",
        "https://полис.рф/\u200bx",
        "https://полис.рф/\u202ex",
        "https://shop.example/\ud800",
        "https://полис.рф/a b",
        "https://полис.рф:0/",
        "https://shop.example:65536/",
        "https://-shop.example/",
        "https://" + "a." * 127 + "example/",
        "https://shop.example/" + "я" * 400,
    ],
)
def test_what_only_looks_like_a_link_is_none(url: str) -> None:
    """Hosts that come apart when they are normalised, characters that cannot be seen, lengths that grow beyond the limit."""
    assert https_url(url) is None


@pytest.mark.parametrize(
    ("url", "is_theirs"),
    [
        ("https://sever.example/x", True),
        ("https://SEVER.example:8443/x", True),
        ("https://pay.sever.example/", True),
        ("https://xn--h1afidn.xn--p1ai/x", True),
        ("https://notsever.example/", False),
        ("https://sever.example.evil.example/", False),
        ("https://evil.example/?sever.example", False),
    ],
)
def test_hosts_of_an_insurer_are_compared_label_by_label(url: str, *, is_theirs: bool) -> None:
    """The host itself, or one below it."""
    assert is_at(url, ["sever.example", "xn--h1afidn.xn--p1ai"]) is is_theirs


def test_what_was_kept_comes_back() -> None:
    """A link is equal after PostgreSQL and after Redis."""
    quote = Quote(uuid7(datetime.now(UTC)), "sever", an_offer(), datetime.now(UTC))
    assert decode_quote(quote.request_id, encode_quote(quote)) == quote


@pytest.mark.parametrize(
    "host", ["б" * 64 + ".ru", "例" * 2000 + ".ru", "я。" + "я" * 300 + ".рф", ("й" * 40 + ".") * 7 + "рф"]
)
def test_what_no_host_can_be_is_not_encoded(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """A label of more than 63 characters, a name of more than 253: the time that encoding takes grows with their square."""
    encoded: list[str] = []
    monkeypatch.setattr("encodings.idna.ToASCII", encoded.append)
    assert https_url(f"https://{host}/buy") is None
    assert encoded == []
