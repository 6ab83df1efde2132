"""What `rest-poll` puts on the wire: the application as in `ApplicationInput`."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from support.applications import an_application, application_from, changed, looks_like_email

from workers.adapters.adapter import https_url, plain_code
from workers.adapters.rest_poll import as_wire
from workers.adapters.transport.retry_after import retry_after_s

TODAY = date(2026, 11, 22)
ENCODER = msgspec.json.Encoder(decimal_format="string")


def wire(raw: dict[str, Any]) -> dict[str, Any]:
    application = application_from(raw, today=TODAY, is_email=looks_like_email)
    return msgspec.json.decode(ENCODER.encode(as_wire(application)))


def test_the_wire_is_the_input_in_camel_case() -> None:
    """Dates and decimals are strings; drivers are those of the list."""
    sent = msgspec.json.decode(ENCODER.encode(as_wire(an_application(TODAY))))
    assert sent["vehicle"]["enginePower"].replace(".", "").isdigit()
    assert sent["policyholder"]["person"]["birthDate"].count("-") == 2
    assert {"lastName", "firstName", "birthDate", "license", "drivingSince"} <= sent["drivers"]["listed"][0].keys()


def test_what_is_not_known_is_left_out() -> None:
    """Insurers read a null in different ways."""
    assert "null" not in ENCODER.encode(as_wire(an_application(TODAY))).decode()


def test_anyone_may_drive() -> None:
    """The other half of the one-of."""
    assert wire(changed(TODAY, {"drivers": {"unlimited": True}}))["drivers"] == {"unlimited": True}


@pytest.mark.parametrize(
    ("text", "code"),
    [("KBM_TOO_HIGH", "KBM_TOO_HIGH"), ("Иванов Иван", None), ("x" * 65, None), ("a b", None), (None, None)],
)
def test_an_insurers_code_is_kept_only_if_it_is_one(text: str | None, code: str | None) -> None:
    """Free text may echo personal data."""
    assert plain_code(text) == code


@pytest.mark.parametrize(
    "text",
    [
        "http://a.example/x",
        "javascript:alert(1)",
        "https://",
        "//a.example",
        "https://u@a.example/",
        "https://[",
        "x" * 3000,
    ],
)
def test_a_link_that_is_not_https_is_no_link(text: str) -> None:
    """Customers follow the link, so any other scheme is dropped."""
    assert https_url(text) is None
    assert https_url("https://a.example/buy/1?x=y") == "https://a.example/buy/1?x=y"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        ("0", 0.0),
        (None, None),
        ("soon", None),
        ("-1", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
        ("Sun, 22 Nov 2026 12:00:07 GMT", 7.0),
        ("Sun, 22 Nov 2026 15:00:07 +0300", 7.0),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str | None, seconds: float | None) -> None:
    """The date is compared with the clock of all requests, not with the machine's. Other texts are ignored."""
    assert retry_after_s(text, datetime(2026, 11, 22, 12, tzinfo=UTC)) == seconds
