"""What an insurer says is what the customer is shown."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from osago_adapter_suite.applications import APPLICATIONS, SECRETS
from osago_adapter_suite.harness import INSURER, Harness
from osago_adapters import Application, Extra, NoOffer, Offer
from osago_adapters.testing import NOT_SUITED, declined
from sandbox.insurers.model.catalogue import INSURERS
from sandbox.insurers.model.pricing import price
from sandbox.insurers.script.behaviours import CallBack, Decline, Processing
from sandbox.insurers.script.behaviours import Offer as Offered

SILENT = CallBack(calls=0, times="forever")
"""Those that call back do not: what is scripted for polls is to be met there."""


@pytest.mark.parametrize("application", APPLICATIONS.values(), ids=list(APPLICATIONS))
def test_the_offer_is_the_insurers(harness: Harness, application: Application) -> None:
    """Every factor arrives as it was reported, KBM too: so all that a price depends on had reached the insurer.

    What is not insured is declined at once, and costs no call.
    """
    asked = harness.ask(application=application)
    if application.vehicle.category not in harness.abilities.categories:
        assert (asked.answer, asked.paths) == (NOT_SUITED, ())
        return
    expected = price(application, INSURERS[INSURER].rate_position, harness.sandbox.edition())
    assert isinstance(asked.answer, Offer), asked.answer
    assert expected is not None
    assert asked.answer.premium == expected.premium
    assert asked.answer.coefficients in (expected.coefficients, None)


def test_an_offer_has_its_number_link_and_validity(harness: Harness) -> None:
    """The moment with its offset; a link that a customer can follow."""
    offer = harness.ask().answer
    assert isinstance(offer, Offer)
    assert offer.number.startswith("SEVER-")
    assert offer.purchase_url in (f"https://sever.example/buy/{offer.number}", None)
    assert offer.valid_until is None or offer.valid_until > datetime.now(UTC)


def test_an_offer_that_has_expired_says_so(harness: Harness) -> None:
    """It is shown, and never the best: so its moment has to arrive as it is."""
    offer = harness.ask(SILENT, Offered(premium="5000.00", valid_until="2020-01-01T00:00:00+03:00")).answer
    assert isinstance(offer, Offer)
    assert offer.valid_until in (datetime(2019, 12, 31, 21, tzinfo=UTC), None)


def test_a_link_that_is_not_https_is_dropped(harness: Harness) -> None:
    """And the offer stays."""
    offer = harness.ask(SILENT, Offered(premium="5000.00", purchase_url="javascript:alert(1)")).answer
    assert isinstance(offer, Offer)
    assert (offer.premium.amount, offer.purchase_url) == (Decimal("5000.00"), None)


def test_an_offer_says_what_has_to_be_paid(harness: Harness) -> None:
    """Total, extras and another start, where the API carries them; and never a total that is less than its parts."""
    extra = {"code": "ACCIDENT", "name": "Защита", "price": "990.00", "mandatory": True}
    sold = Offered(premium="5000.00", total="5990.00", extras=[extra], starts_on="2099-01-02")
    offer = harness.ask(SILENT, sold).answer
    assert isinstance(offer, Offer)
    assert offer.premium.amount == Decimal("5000.00")
    assert offer.extras in ((), (Extra(code="ACCIDENT", name="Защита", price=Decimal("990.00"), is_mandatory=True),))
    assert offer.total.amount in (Decimal("5000.00"), Decimal("5990.00"))
    assert offer.total.amount == Decimal("5990.00") or not offer.extras
    assert offer.starts_on in (date(2099, 1, 2), None)


def test_a_refusal_says_what_can_be_mended(harness: Harness) -> None:
    """Where the API carries it: a path into the application, cut where it leads nowhere."""
    wrong = {"path": ["vehicle", "document", "nowhere"], "code": "DATA_NOT_CONFIRMED"}
    refused = harness.ask(SILENT, Decline.model_validate({"code": "DATA_NOT_CONFIRMED", "problems": [wrong]})).answer
    assert isinstance(refused, NoOffer)
    assert refused.reason.code == "DATA_NOT_CONFIRMED"
    assert [one.path for one in refused.reason.problems] in ([("application", "vehicle", "document")], [])


@pytest.mark.parametrize("step", ["create", "poll"])
def test_a_refusal_is_an_answer(harness: Harness, step: str) -> None:
    """With the insurer's own code; at the door, or after some thought. It is not repeated."""
    asked = harness.ask(SILENT, Decline.model_validate({"code": "KBM_TOO_HIGH", "step": step}))
    assert asked.answer == declined("KBM_TOO_HIGH")
    assert asked.seen is not None
    assert asked.seen.creates == 1


def test_a_refusals_free_text_is_dropped(harness: Harness) -> None:
    """It may echo personal data."""
    assert harness.ask(SILENT, Decline(code="Иванов Иван, 4510123456")).answer == declined()


def test_an_insurer_that_is_still_at_it_is_asked_again(harness: Harness) -> None:
    """However often; it stays one application."""
    asked = harness.ask(SILENT, Processing(times=2))
    assert isinstance(asked.answer, Offer)
    assert asked.insurer.applications == 1


def test_an_insurer_that_never_answers_is_left_at_the_end(harness: Harness) -> None:
    """Accepted, with no premium, for ever."""
    asked = harness.ask(SILENT, Processing(times="forever"), within_s=0.8)
    assert asked.answer is None or isinstance(asked.answer, NoOffer)
    assert asked.seconds < 2


def test_nothing_personal_stands_in_an_address(harness: Harness) -> None:
    """Logs on the way keep addresses."""
    paths = "".join(harness.ask(SILENT).paths)
    assert paths
    assert not any(secret in paths for secret in SECRETS)
