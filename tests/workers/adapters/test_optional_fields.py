"""Optional fields of an answer: each that cannot be read costs itself alone."""

import json
from decimal import Decimal
from typing import Any

import pytest

from app.domain.errors import InsurerProtocol
from app.domain.offers.extras import EXTRAS_MAX
from app.domain.offers.refusals import PROBLEMS_MAX
from app.domain.quote import NoOffer, Offer, ReasonCode
from workers.adapters import optional_fields
from workers.adapters.optional_fields import optional, read_extras, read_problems
from workers.adapters.wire import as_offer, read_answer, refusal_in

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


@pytest.mark.parametrize(
    ("price", "kept"),
    [
        ("0E-999999", "0.00"),
        ("0E+30", "0.00"),
        ("-0", "0.00"),
        ("1990", "1990.00"),
        ("1.99E3", "1990.00"),
        ("1990." + "0" * 40_000, "1990.00"),
        ("990.00", "990.00"),
    ],
    ids=lambda value: value[:12],
)
def test_the_price_of_an_extra_has_one_form(price: str, kept: str) -> None:
    """Decimals of one value are equal in every writing; what goes on into rows, events and pages is the short one."""
    found = offer(extras=[{**EXTRA, "price": price}])
    assert [str(extra.price) for extra in found.extras] == [kept]
    assert str(found.total.amount) == str(Decimal("5000.00") + Decimal(kept))


@pytest.mark.parametrize("factor", ["1." + "0" * 3900, "1.0000000000", "1E0"])
def test_the_factors_of_a_driver_have_one_form(factor: str) -> None:
    """As those of the premium have."""
    found = offer(coefficients={**FACTORS, "drivers": [{"bonusMalus": factor, "ageExperience": "1.8"}]}).coefficients
    assert found is not None
    assert found.drivers is not None
    assert [(str(one.bonus_malus), str(one.age_experience)) for one in found.drivers] == [("1", "1.8")]


def test_of_a_long_list_no_more_is_read_than_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte of them is a second of the worker's time, for every insurer's jobs."""
    read: list[object] = []

    def counted(value: object, shape: Any) -> Any:
        read.append(value)
        return optional(value, shape)

    monkeypatch.setattr(optional_fields, "optional", counted)
    assert read_extras([0] * 100_000) == ()
    assert read_problems([0] * 100_000) == ()
    assert len(read) <= 2 + PROBLEMS_MAX


@pytest.mark.parametrize("value", ["\ud800", 253402300800, 10**400, "2027123123", float("inf"), {1: 2}, [[]], object()])
def test_a_value_of_any_kind_costs_its_field_alone(value: object) -> None:
    """Adapters of other houses hand over what Python's own readers make of an answer; a bare number is no moment."""
    found = as_offer(
        number="N-1",
        premium=Decimal("5000.00"),
        coefficients=value,
        total=None,
        extras=value,
        starts_on=value,
        valid_until=value,
        purchase_url=value,
    )
    assert (found.coefficients, found.extras, found.starts_on, found.valid_until) == (None, (), None, None)


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
