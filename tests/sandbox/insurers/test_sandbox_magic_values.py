"""Magic values: an application that says in its vehicle's model what is to become of it."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from support.world import ApiAtHand, World

from sandbox.insurers.model.magic_values import MAGIC, PREFIX

OUTCOMES: dict[str, tuple[str, str | None]] = {
    "offer": ("OFFERED", None),
    "decline": ("DECLINED", "INSURER_DECLINED"),
    "expired": ("OFFERED", None),
    "unlawful": ("OFFERED", None),
    "extras": ("OFFERED", None),
    "moved": ("OFFERED", None),
    "unconfirmed": ("DECLINED", "DATA_NOT_CONFIRMED"),
    "documents": ("DECLINED", "DOCUMENTS_WANTED"),
    "insured": ("DECLINED", "POLICY_EXISTS"),
    "busy": ("OFFERED", None),
    "flaky": ("OFFERED", None),
    "unavailable": ("FAILED", "INSURER_UNREACHABLE"),
    "credentials": ("FAILED", "INSURER_CREDENTIALS"),
    "rejected": ("FAILED", "INSURER_REJECTED"),
    "hang": ("FAILED", "INSURER_UNREACHABLE"),
    "broken": ("FAILED", "INSURER_UNREACHABLE"),
    "garbage": ("FAILED", "INSURER_PROTOCOL"),
    "huge": ("FAILED", "INSURER_PROTOCOL"),
    "drip": ("FAILED", "INSURER_UNREACHABLE"),
    "silent": ("TIMED_OUT", "NO_ANSWER_IN_TIME"),
    "down": ("FAILED", "INSURER_UNREACHABLE"),
}
DIALECTS: dict[str, str] = {
    "sever": "rest-poll",
    "volga": "rest-sync",
    "ural": "rest-oauth2",
    "baikal": "soap",
    "kama": "business-200",
    "onega": "callback",
}


NEVER_ANSWERED = ("hang", "drip")


async def with_two_insurers(world: World, name: str = "") -> ApiAtHand:
    """An API and a worker; the deadline is near, and calls are given up soon, only where that is to happen."""
    world.set(quote_deadline="8s" if name == "silent" else "60s")
    timeout = "300ms" if name in NEVER_ANSWERED else "20s"
    await world.insurers("sever", "volga", each={"sever": {"request_timeout": timeout}})
    api = await world.api()
    await world.worker()
    return api


async def answers(world: World, api: ApiAtHand, model: str) -> dict[str, dict[str, Any]]:
    request = world.new_request()
    request["application"]["vehicle"]["model"] = model
    *quotes, _ = await world.watched(api, await world.accepted(api, application=request["application"]))
    return {event["quote"]["insurer"]["id"]: event["quote"] for event in quotes}


@pytest.mark.parametrize("name", OUTCOMES)
async def test_a_magic_value_forces_its_outcome(world: World, name: str) -> None:
    """It forces the outcome of the insurer that it names; the other one is as always."""
    api = await with_two_insurers(world, name)
    found = await answers(world, api, f"{PREFIX}{name}@sever")
    reason = found["sever"]["reason"]
    assert (found["sever"]["status"], reason and reason["code"]) == OUTCOMES[name]
    assert found["volga"]["status"] == "OFFERED"


DETAILS = """query Q($id: ID!) { quoteRequest(id: $id) {
  quotes { insurer { id } reason { code message insurerCode problems { path code message } }
    offer { premium { amount } total { amount } startsOn extras { code name price { amount currency } isMandatory }
      coefficients { trailer drivers { bonusMalus ageExperience } bonusMalus ageExperience } } } } }"""


async def details(world: World, api: ApiAtHand, model: str) -> dict[str, dict[str, Any]]:
    """What each insurer's answer has, by its dialect."""
    request = world.new_request()
    request["application"]["vehicle"]["model"] = model
    accepted = await world.accepted(api, application=request["application"])
    await world.watched(api, accepted)
    found = (await api.post(DETAILS, {"id": accepted["quoteRequest"]["id"]})).json()["data"]["quoteRequest"]
    return {DIALECTS[quote["insurer"]["id"]]: quote for quote in found["quotes"]}


async def test_every_dialect_carries_all_of_an_answer(world: World) -> None:
    """Total, extras, another start and drivers' own factors of an offer; what can be mended of a refusal, and where."""
    api = await in_every_dialect(world)
    for dialect, quote in (await details(world, api, "sandbox:extras")).items():
        offer = quote["offer"]
        assert Decimal(offer["total"]["amount"]) == Decimal(offer["premium"]["amount"]) + 990, dialect
        assert [(one["code"], one["price"]["amount"], one["isMandatory"]) for one in offer["extras"]] == [
            ("ACCIDENT", "990.00", True),
            ("TOWING", "450.00", False),
        ], dialect
        factors = offer["coefficients"]
        for name in ("bonusMalus", "ageExperience"):
            assert max(driver[name] for driver in factors["drivers"]) == factors[name], dialect
    starts_on = date.fromisoformat(world.new_request()["application"]["startsOn"]) + timedelta(days=3)
    for dialect, quote in (await details(world, api, "sandbox:moved")).items():
        assert quote["offer"]["startsOn"] == starts_on.isoformat(), dialect
    for dialect, quote in (await details(world, api, "sandbox:unconfirmed")).items():
        (problem,) = quote["reason"]["problems"]
        assert (quote["reason"]["code"], quote["reason"]["insurerCode"]) == ("DATA_NOT_CONFIRMED", None), dialect
        assert problem["path"] == ["application", "drivers", "listed", "0", "license", "number"], dialect
        assert problem["code"] == "DATA_NOT_CONFIRMED", dialect
        assert "опечатк" in problem["message"], dialect


async def in_every_dialect(world: World, request_timeout: str = "1s") -> ApiAtHand:
    """An API and a worker that ask six insurers, each in a dialect of its own."""
    options = {"ural": {"client_id": "any", "client_secret": "sandbox"}, "onega": {"callback_secret": "sandbox"}}
    each = {id_: {"adapter": adapter, "options": options.get(id_, {})} for id_, adapter in DIALECTS.items()}
    await world.insurers(*DIALECTS, more={"request_timeout": request_timeout}, each=each)
    api = await world.api()
    world.set(public_url=api.url)
    await world.worker()
    return api


@pytest.mark.parametrize("name", OUTCOMES)
async def test_a_magic_value_has_its_outcome_in_every_dialect(world: World, name: str) -> None:
    """The rule includes the insurer that calls back."""
    timeout = "1s" if name in NEVER_ANSWERED else "20s"
    if name == "silent":  # an insurer that answers the create itself holds it until the deadline
        world.set(quote_deadline="8s")
    api = await in_every_dialect(world, timeout)
    found = await answers(world, api, f"{PREFIX}{name}")
    outcomes = {DIALECTS[id_]: (one["status"], one["reason"] and one["reason"]["code"]) for id_, one in found.items()}
    assert outcomes == dict.fromkeys(DIALECTS.values(), OUTCOMES[name])


async def test_several_insurers_can_be_named_or_all(world: World) -> None:
    """Each with a value of its own."""
    api = await with_two_insurers(world)
    found = await answers(world, api, "sandbox:decline@sever,garbage@volga")
    assert [found[id_]["status"] for id_ in ("sever", "volga")] == ["DECLINED", "FAILED"]
    assert {quote["status"] for quote in (await answers(world, api, "sandbox:decline")).values()} == {"DECLINED"}


def test_every_value_is_tried() -> None:
    """Every documented value is tried by a test."""
    assert OUTCOMES.keys() == MAGIC.keys()
