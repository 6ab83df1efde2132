"""SOAP as it must not be met: entities, documents within documents, and what is no envelope."""

import time
from datetime import UTC, datetime

import pytest

from app.domain.errors import InsurerBusy, InsurerCredentials, InsurerProtocol, InsurerRejected, InsurerUnavailable
from workers.adapters.soap import DEPTH_MAX, ELEMENTS_MAX, SOAP, _error, _Fault, _shaped, envelope, open_envelope

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
QUADRATIC = f'<!ENTITY a "{"x" * 50_000}">'


def enclosed(content: str, doctype: str = "") -> bytes:
    return f'{doctype}<s:Envelope xmlns:s="{SOAP}"><s:Body>{content}</s:Body></s:Envelope>'.encode()


@pytest.mark.parametrize(
    "body",
    [
        enclosed("<a>&l11;</a>", f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>'),
        enclosed(f"<a>{'&a;' * 50_000}</a>", f"<!DOCTYPE x [{QUADRATIC}]>"),
        enclosed(f'<a b="{"&a;" * 5_000}"/>', f"<!DOCTYPE x [{QUADRATIC}]>"),
        enclosed("<a>&f;</a>", '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'),
        enclosed("<a/>", '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">'),
        enclosed("<a/>", "<!DOCTYPE x>"),
        enclosed("<a/>", "<!DOCTYPE x>").decode().encode("utf-16"),
        enclosed("<a>" * 200 + "</a>" * 200),
        b"<a>" * 300_000,
        b"",
        b"<x/>",
        enclosed(""),
        enclosed("<a/><b/>"),
        b"<?xml version='1.0' encoding='nonsense'?><a/>",
    ],
    ids=["laughs", "quadratic", "in an attribute", "a file", "a DTD", "a document type", "the same in UTF-16",
         "deep", "deeper", "nothing", "no envelope", "no message", "two messages", "an encoding"],
)  # fmt: skip
def test_what_is_no_envelope_is_refused_at_once(body: bytes) -> None:
    """Without a document type there are no entities: nothing is fetched, nothing grows."""
    began_at = time.process_time()
    with pytest.raises(InsurerProtocol):
        open_envelope(body)
    assert time.process_time() - began_at < 1


def test_what_is_written_is_read() -> None:
    """Markup and letters of all scripts inside of a text."""
    fields = {"a": "<&>\"'", "b": {"c": "Ёж 🦔"}}
    assert open_envelope(envelope("Message", fields)) == ("Message", fields)


def test_comments_and_instructions_are_no_fields() -> None:
    """An element nested to the limit is still read."""
    assert open_envelope(enclosed("<m><!-- x --><?y z?><a>1</a></m>")) == ("m", {"a": "1"})
    inner = DEPTH_MAX - 2
    assert open_envelope(enclosed(f"<m>{'<a>' * inner}{'</a>' * inner}</m>"))[0] == "m"


@pytest.mark.parametrize(
    ("side", "code", "error"),
    [
        ("soap:Server", "Busy", InsurerBusy),
        ("soap:Client", "AccessDenied", InsurerCredentials),
        ("soap:Server", "Whatever", InsurerUnavailable),
        ("soap:Client", "Whatever", InsurerRejected),
    ],
)
def test_a_fault_says_what_to_do(side: str, code: str, error: type[Exception]) -> None:
    """By its code; where the code is unknown, by its side, client or server."""
    fields = {"faultcode": side, "detail": {"code": code, "retryAfter": "7"}}
    found = _error(_shaped(fields, _Fault), NOW)
    assert type(found) is error
    assert getattr(found, "retry_after_s", 7.0) == 7.0


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"faultcode": "soap:Server", "faultstring": "?"}, InsurerUnavailable),
        ({"faultcode": "soap:Client", "faultstring": "?"}, InsurerRejected),
        ({"faultcode": "Server.Timeout", "detail": "out of order"}, InsurerUnavailable),
        ({"faultcode": "SOAP-ENV:Client.Authentication", "detail": ""}, InsurerCredentials),
        ({"faultcode": "soap:MustUnderstand", "detail": {"what": "x"}}, InsurerRejected),
    ],
)
def test_a_fault_without_a_code_names_its_side(fields: dict[str, object], error: type[Exception]) -> None:
    """SOAP 1.1 (4.4): the detail may be missing, `faultcode` may not."""
    assert type(_error(_shaped(fields, _Fault), NOW)) is error


def test_a_fault_without_its_faultcode_is_no_agreed_one() -> None:
    """Whether to try again cannot be known."""
    with pytest.raises(InsurerProtocol):
        _shaped({"faultstring": "?", "detail": {"code": "Whatever"}}, _Fault)


def test_a_wait_that_cannot_be_read_is_none() -> None:
    """The fault is busy all the same."""
    fields = {"faultcode": "soap:Server", "detail": {"code": "Busy", "retryAfter": {"seconds": "5"}}}
    found = _error(_shaped(fields, _Fault), NOW)
    assert isinstance(found, InsurerBusy)
    assert found.retry_after_s is None


def test_an_envelope_has_a_limit_of_elements() -> None:
    """They are read one by one: a small flood of them would hold up every insurer's jobs."""
    fields = "".join(f"<a{number}/>" for number in range(ELEMENTS_MAX - 3))
    assert len(open_envelope(enclosed(f"<m>{fields}</m>"))[1]) == ELEMENTS_MAX - 3
    for more in (f"{fields}<x/>", "<extras>" + "<a/>" * ELEMENTS_MAX + "</extras>"):
        with pytest.raises(InsurerProtocol):
            open_envelope(enclosed(f"<m>{more}</m>"))


NIL = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil'


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ("<premium>5432<!-- kop -->.10</premium>", {"premium": "5432.10"}),
        ("<premium>5432<?kop?>.<!----><?x y?>10</premium>", {"premium": "5432.10"}),
        ("<premium><![CDATA[5432]]>.<![CDATA[10]]></premium>", {"premium": "5432.10"}),
        ("<premium>54&#51;2.10</premium>", {"premium": "5432.10"}),
        ("<premium><!-- only a comment --></premium>", {"premium": ""}),
        ("<status>\n  Offered\n</status>", {"status": "Offered"}),
        ("<status>\r\n\tIn \t\n progress&#13;</status>", {"status": "In progress"}),
        ("<number>\u00a0A\u00a01\u00a0</number>", {"number": "\u00a0A\u00a01\u00a0"}),
        (f'<a>1</a><validUntil {NIL}="true"/>', {"a": "1"}),
        (f'<a>1</a><validUntil {NIL}=" 1 "></validUntil>', {"a": "1"}),
        (f'<a>1</a><validUntil {NIL}="false">x</validUntil>', {"a": "1", "validUntil": "x"}),
        ("<a>\n <!-- x --> <b>1</b>\n <?y?></a>", {"a": {"b": "1"}}),
    ],
)
def test_an_element_is_read_as_a_whole(content: str, fields: dict[str, object]) -> None:
    """Comments, instructions and CDATA are no ends of a text; blanks around it are no part of it; nil is nothing."""
    assert open_envelope(enclosed(f"<m>{content}</m>")) == ("m", fields)


@pytest.mark.parametrize(
    "content",
    [
        "<premium>5432.10</premium><premium>1.00</premium>",
        '<premium>5432.10</premium><x:premium xmlns:x="urn:x">1.00</x:premium>',
        f'<premium {NIL}="true"/><premium>1.00</premium>',
        "<offer><n>1</n><n>1</n></offer>",
        "<premium>54<b/>32</premium>",
        "<premium><b/>5432</premium>",
    ],
)
def test_what_can_be_read_in_two_ways_is_not_read(content: str) -> None:
    """Of two premiums neither is taken, nor is a text with elements in it."""
    with pytest.raises(InsurerProtocol):
        open_envelope(enclosed(f"<m>{content}</m>"))


def test_an_envelope_has_one_body() -> None:
    """The second one would be another answer."""
    with pytest.raises(InsurerProtocol):
        open_envelope(f'<s:Envelope xmlns:s="{SOAP}"><s:Body><a/></s:Body><s:Body><b/></s:Body></s:Envelope>'.encode())


def test_a_byte_order_mark_before_an_envelope_is_skipped() -> None:
    """The envelope may have a declaration or none."""
    for declaration in ("", '<?xml version="1.0" encoding="utf-8"?>'):
        assert open_envelope(b"\xef\xbb\xbf" + enclosed("<m><a>1</a></m>", declaration)) == ("m", {"a": "1"})
