"""What an insurer repeats of an application does not leave the worker: neither as a code nor as a number."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import get_type_hints

import pytest
from msgspec.structs import replace
from support.applications import an_application
from support.quotes import TOWING, a_request, an_offer

from app.domain.offers.extras import Extra
from app.domain.offers.refusals import MendableProblem
from app.domain.quote import Offer, Reason, declined
from app.redis.job_streams import Delivery
from workers.insurer_calls.redaction import is_echo, without_echo
from workers.job import Holding, Job

APPLICATION = an_application(datetime.now(UTC).date())
REQUEST = a_request()
JOB = Job("sever", REQUEST.id, APPLICATION, REQUEST.expires_at, None, Holding(Delivery(0, "1-1", REQUEST.id)))
ECHOES = [
    "4511654321",
    "XTAGFL110MY654321",
    "xtagfl110my654321",
    "9923456781",
    "1965-03-08",
    "DUP-4511654321.79031112233",
]


@pytest.mark.parametrize("code", ECHOES)
def test_a_code_that_is_personal_is_dropped(code: str) -> None:
    """A passport, a VIN in either case, a licence, a birth date, and any of them within another text."""
    assert without_echo(declined(code), JOB) == declined()


@pytest.mark.parametrize("number", [*ECHOES, "4511654321 Кузнецова Мария", "45 11 / 654-321"])
def test_a_number_that_is_personal_becomes_the_requests_id(number: str) -> None:
    """The insurer knows it from the idempotency key; the rest of the offer stays."""
    assert without_echo(an_offer(number=number), JOB) == an_offer(number=str(REQUEST.id))


@pytest.mark.parametrize("echo", ECHOES)
def test_an_extra_that_is_personal_loses_its_name_and_keeps_its_price(echo: str) -> None:
    """Its price stays part of what the customer has to pay."""
    named, coded = an_offer(extras=(an_extra(name=echo), TOWING)), an_offer(extras=(TOWING, an_extra(code=echo)))
    assert without_echo(named, JOB) == an_offer(extras=(an_extra(name="ACCIDENT"), TOWING))
    assert without_echo(coded, JOB) == an_offer(extras=(TOWING, an_extra(code="extra-2", name="extra-2")))


def an_extra(**changes: str) -> Extra:
    return replace(Extra(code="ACCIDENT", name="Защита", price=Decimal("990.00"), is_mandatory=True), **changes)


@pytest.mark.parametrize("echo", ECHOES)
def test_a_problem_whose_code_is_personal_is_dropped(echo: str) -> None:
    """The other problems still say where to mend the application."""
    good = MendableProblem(("vehicle",), "DATA_NOT_CONFIRMED")
    answer = declined("DATA_NOT_CONFIRMED", (MendableProblem(("drivers",), echo), good))
    assert without_echo(answer, JOB) == declined("DATA_NOT_CONFIRMED", (good,))


def test_anything_else_stays() -> None:
    """An answer without problems or codes stays, too; a link is stored sealed, so it may hold personal data."""
    link = "https://ins.example/buy?phone=79031112233&passport=4511654321"
    for answer in (declined("NOT_IN_MY_REGION"), declined("42"), declined(), an_offer(), an_offer(purchase_url=link)):
        assert without_echo(answer, JOB) == answer
    assert not is_echo("sever-application-1", JOB, "application id")


def test_no_text_of_an_answer_is_forgotten() -> None:
    """A text that is added to an offer or a reason needs a decision in `workers.insurer_calls.redaction`."""
    texts = {
        name for shape in (Offer, Reason) for name, type_ in get_type_hints(shape).items() if type_ in (str, str | None)
    }
    assert texts == {"number", "insurer_code", "purchase_url", "sealed_url"}, "the last two: app.postgres.link_cipher"
