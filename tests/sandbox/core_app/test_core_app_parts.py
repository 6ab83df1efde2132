"""The parts of core-app that need no other service: numbers, limits, cookies, remembered applications."""

import json
import re

import pytest
from starlette.requests import Request

from sandbox.core_app.config import CustomerLimit
from sandbox.core_app.feed import BEGINNING, entry_id
from sandbox.core_app.identity import COOKIE, CustomerSigner, address_of
from sandbox.core_app.limits import ADDRESS_SHARE, SubmissionLimits
from sandbox.core_app.numbering import REMEMBERED_S, Applications, number_of
from sandbox.core_app.responses import problem


class Time:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.mark.parametrize(("wait_s", "shown"), [(0.004, 0.1), (0.16, 0.2), (2.0, 2.0)])
def test_a_wait_is_rounded_up(wait_s: float, shown: float) -> None:
    """A page that waits as long as it reads there is welcome then; no wait is 0, which would be none."""
    response = problem(429, "Слишком много заявлений подряд.", retry_after_s=wait_s)
    assert json.loads(bytes(response.body))["retryAfterSeconds"] == shown
    assert response.headers["Retry-After"] == str(max(1, round(wait_s)))


def test_a_submission_has_one_number_everywhere() -> None:
    """A repetition reaches another process, and is still the same application; other people's are others."""
    number = number_of("anna", "key-1")
    assert number == number_of("anna", "key-1")
    assert re.fullmatch("(?:[0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}", number)
    assert len({number, number_of("anna", "key-2"), number_of("boris", "key-1")}) == 3


def test_a_customer_may_ask_so_often_and_no_more(time: Time) -> None:
    """Others are not concerned, and after a while it is welcome again."""
    limits = SubmissionLimits(CustomerLimit(count=3, per_s=60), time)
    assert [limits.take("anna", "192.0.2.1") for _ in range(3)] == [0, 0, 0]
    assert limits.take("anna", "192.0.2.1") == pytest.approx(20)
    assert limits.take("anna", "192.0.2.2") == pytest.approx(20)
    assert limits.take("boris", "192.0.2.1") == 0
    time.now_s += 20
    assert limits.take("anna", "192.0.2.1") == 0
    assert limits.take("anna", "192.0.2.1") > 0


def test_corrections_are_no_applications(time: Time) -> None:
    """Ten wrong fields, mended one by one, cost their customer nothing; the address counts them, against loops."""
    limits = SubmissionLimits(CustomerLimit(count=3, per_s=60), time)
    for _ in range(3 * ADDRESS_SHARE):
        assert limits.take("anna", "192.0.2.1") == 0
        limits.give_back("anna", "192.0.2.1")
    assert limits.take("anna", "192.0.2.1") == pytest.approx(2)
    assert [limits.take("anna", "192.0.2.2") for _ in range(3)] == [0, 0, 0]
    assert limits.take("anna", "192.0.2.2") > 0


def test_an_address_may_ask_for_ten_customers(time: Time) -> None:
    """However many cookies it has: they are free. What was refused does not count."""
    limits = SubmissionLimits(CustomerLimit(count=3, per_s=60), time)
    waits = [limits.take(f"customer {number}", "192.0.2.1") for number in range(3 * ADDRESS_SHARE + 50)]
    assert waits[: 3 * ADDRESS_SHARE] == [0] * 3 * ADDRESS_SHARE
    assert waits[3 * ADDRESS_SHARE :] == [pytest.approx(2)] * 50
    assert limits.take("anna", "192.0.2.2") == 0
    time.now_s += 2
    assert limits.take("anna", "192.0.2.1") == 0


def test_without_cookies_an_address_is_one_customer(time: Time) -> None:
    """Requests of one address without a cookie count as one customer; those with a cookie are counted apart."""
    limits = SubmissionLimits(CustomerLimit(count=3, per_s=60), time)
    assert [limits.take(None, "192.0.2.1") > 0 for _ in range(4)] == [False, False, False, True]
    assert limits.take("anna", "192.0.2.1") == 0


def test_no_limit_is_none() -> None:
    """`--customer-limit off` switches the limit off."""
    limits = SubmissionLimits(None)
    assert {limits.take("anna", "192.0.2.1") for _ in range(1000)} == {0}


def request(*, cookie: str = "", host: str = "192.0.2.1") -> Request:
    headers = [(b"cookie", f"{COOKIE}={cookie}".encode("latin-1"))] if cookie else []
    return Request({"type": "http", "headers": headers, "client": (host, 1)})


def test_a_customer_is_known_by_a_signed_cookie_alone() -> None:
    """Every process with the secret knows the cookie; the id, which others see, is no cookie and leads to none."""
    signer = CustomerSigner("a secret")
    anna = signer.new_customer()
    assert CustomerSigner("a secret").customer_of(request(cookie=anna.cookie)) == anna
    assert CustomerSigner("another").customer_of(request(cookie=anna.cookie)) is None
    name, _, signature = anna.cookie.partition(".")
    assert anna.id not in {name, signature}
    made_up = [
        "",
        "A" * 22,
        name,
        f"{name}.",
        f".{signature}",
        f"{name}.{anna.id}",
        f"{anna.id}.{signature}",
        f"{anna.id}.{name}",
    ]
    made_up += [f"{anna.cookie}A", anna.cookie[:-1], anna.cookie.swapcase(), f"{name}x.{signature}", f"{name}.\xe9"]
    assert [signer.customer_of(request(cookie=cookie)) for cookie in made_up] == [None] * len(made_up)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:202", "192.0.2.2"),
        ("fe80::7%eth0", "fe80::/64"),
        ("", "unknown"),
    ],
)
def test_an_address_is_what_one_client_has(host: str, address: str) -> None:
    """A client of IPv6 has a whole network; IPv4 on a socket that serves both is IPv4."""
    assert address_of(request(host=host)) == address


def test_an_application_is_found_by_its_customer_alone_and_for_a_while(time: Time) -> None:
    """What is old goes when something new comes."""
    applications = Applications(time)
    applications.remember("N-1", "anna", "request-1", remaining_s=60)
    found = applications.find("N-1", "anna")
    assert found is not None
    assert found.request_id == "request-1"
    assert applications.find("N-1", "boris") is None
    time.now_s += REMEMBERED_S + 1
    applications.remember("N-2", "anna", "request-2", remaining_s=60)
    assert applications.find("N-1", "anna") is None


@pytest.mark.parametrize("text", ["", "x", "1", "1-", "-1", "1-x", "9" * 5000 + "-1", "1-" + "9" * 5000])
def test_what_names_no_entry_of_the_feed_is_its_beginning(text: str) -> None:
    """`Last-Event-ID` is the browser's, and may be anything."""
    assert entry_id(text) == BEGINNING
    assert entry_id("1732262400123-4") == (1732262400123, 4)
