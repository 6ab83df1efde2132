"""Optional fields of an answer: each that cannot be read costs itself alone."""

import json
from decimal import Decimal
from typing import Any

import pytest

from app.domain.errors import InsurerProtocol
from app.domain.offers.extras import EXTRAS_MAX
from app.domain.quote import NoOffer, Offer, ReasonCode
from workers.adapters.wire import read_answer, refusal_in

FACTORS = dict.fromkeys(
    ("territory", "bonusMalus", "ageExperience", "driverRestriction", "power", "season", "baseRate"), "1"
)
EXTRA = {"code": "ACCIDENT", "name": "Защита", "price": "990.00", "mandatory": True}


def offer(**more: Any) -> Offer:
    body = {"status": "offered", "offer": {"number": "N-1", "premium": "5000.00", "currency": "RUB", **more}}
    found = read_answer(json.dumps(body).encode()).answer()
    assert isinstance(found, Offer)
    return found


def test_what_is_left_out_has_its_default() -> None:
    """No extras, the premium as total, a trailer's factor of 1."""
    plain = offer(coefficients=FACTORS)
    assert (plain.total, plain.extras, plain.starts_on) == (plain.premium, (), None)
    assert plain.coefficients is not None
    assert (plain.coefficients.trailer, plain.coefficients.drivers) == (1, None)
    assert offer(extras=[EXTRA]).total.amount == Decimal("5990.00")


@pytest.mark.parametrize(
    "extras",
    [
        "none",
        {"code": "A"},
        [EXTRA, "second"],
        [{**EXTRA, "price": "dear"}],
        [{**EXTRA, "price": "1.005"}],
        [{**EXTRA, "price": "-1"}],
        [{**EXTRA, "name": "x" * 101}],
        [{**EXTRA, "name": "\u200b"}],
        [{**EXTRA, "code": "a b"}],
        [{**EXTRA, "mandatory": "perhaps"}],
        [EXTRA] * (EXTRAS_MAX + 1),
    ],
)
def test_extras_are_read_together_or_not_at_all(extras: Any) -> None:
    """The offer stays, and so does a total that is stated."""
    found = offer(extras=extras, total="6000.00")
    assert (found.extras, found.total.amount) == ((), Decimal("6000.00"))


def test_a_total_below_its_parts_is_unintelligible() -> None:
    """The customer would see the wrong amount of the two."""
    for more in ({"total": "4999.99"}, {"total": "5989.99", "extras": [EXTRA]}):
        with pytest.raises(InsurerProtocol):
            offer(**more)
    assert offer(total="cheap").total.amount == Decimal("5000.00")
    assert offer(total="5990.00", extras=[EXTRA]) == offer(extras=[EXTRA])


def test_the_factors_of_drivers_cost_no_others() -> None:
    """They are left out where one cannot be read."""
    for drivers in ("all", [{"bonusMalus": "1"}], [{"bonusMalus": "1", "ageExperience": "-1"}]):
        found = offer(coefficients={**FACTORS, "drivers": drivers}).coefficients
        assert found is not None
        assert found.drivers is None
    assert offer(startsOn="tomorrow").starts_on is None


@pytest.mark.parametrize("place", ["in the reason", "beside it", "of a 422"])
def test_a_refusal_names_what_can_be_mended(place: str) -> None:
    """A part of a path may be a number; a problem that cannot be read leaves the others."""
    problems = [{"path": ["drivers", "listed", 0], "code": "DATA_NOT_CONFIRMED"}, {"path": "vehicle"}, 7]
    reason: dict[str, Any] = {"code": "X-1", "message": "…"}
    body: dict[str, Any] = {"status": "declined", "reason": reason}
    (reason if place == "in the reason" else body)["problems"] = problems
    raw = json.dumps(body).encode()
    found = refusal_in(raw) if place == "of a 422" else read_answer(raw).answer()
    assert isinstance(found, NoOffer)
    assert (found.reason.code, found.reason.insurer_code) == (ReasonCode.DATA_NOT_CONFIRMED, "X-1")
    assert [(one.path, one.code) for one in found.reason.problems] == [
        (("drivers", "listed", "0"), "DATA_NOT_CONFIRMED")
    ]
