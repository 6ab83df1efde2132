"""SOAP as it must not be met: entities, documents within documents, and what is no envelope."""

import time
from datetime import UTC, datetime

import pytest

from app.domain.errors import InsurerBusy, InsurerCredentials, InsurerProtocol, InsurerRejected, InsurerUnavailable
from workers.adapters.soap import DEPTH_MOST, SOAP, _error, _Fault, _shaped, envelope, open_envelope

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
    """Without a document type there are no entities; nothing is fetched, nothing grows."""
    began_at = time.process_time()
    with pytest.raises(InsurerProtocol):
        open_envelope(body)
    assert time.process_time() - began_at < 1


def test_what_is_written_is_read() -> None:
    """Whatever stands in a text: markup, letters of all scripts."""
    fields = {"a": "<&>\"'", "b": {"c": "Ёж 🦔"}}
    assert open_envelope(envelope("Message", fields)) == ("Message", fields)


def test_comments_and_instructions_are_no_fields() -> None:
    """And an element nested to the limit is still read."""
    assert open_envelope(enclosed("<m><!-- x --><?y z?><a>1</a></m>")) == ("m", {"a": "1"})
    inner = DEPTH_MOST - 2
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
    """By its code; by whose fault it is where nobody knows the code."""
    fields = {"faultcode": side, "detail": {"code": code, "retryAfter": "7"}}
    found = _error(_shaped(fields, _Fault), datetime(2026, 11, 22, tzinfo=UTC))
    assert type(found) is error
    assert getattr(found, "retry_after_s", 7.0) == 7.0


def test_a_fault_without_its_detail_is_no_agreed_one() -> None:
    """Whether to try again cannot be told."""
    with pytest.raises(InsurerProtocol):
        _shaped({"faultcode": "soap:Server", "faultstring": "?"}, _Fault)
