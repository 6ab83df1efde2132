"""Magic values: an application that says in its vehicle's model what is to become of it."""

from typing import Any

import pytest
from support.world import ApiAtHand, World

from sandbox.insurers.model.magic_values import MAGIC, PREFIX

OUTCOMES: dict[str, tuple[str, str | None]] = {
    "offer": ("OFFERED", None),
    "decline": ("DECLINED", "INSURER_DECLINED"),
    "expired": ("OFFERED", None),
    "unlawful": ("OFFERED", None),
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


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.set(quote_deadline="5s")
    await world.insurers("sever", "volga", more={"request_timeout": "300ms"})
    api = await world.api()
    await world.worker()
    return api


async def answers(world: World, api: ApiAtHand, model: str) -> dict[str, dict[str, Any]]:
    request = world.new_request()
    request["application"]["vehicle"]["model"] = model
    *quotes, _ = await world.watched(api, await world.accepted(api, application=request["application"]))
    return {event["quote"]["insurer"]["id"]: event["quote"] for event in quotes}


@pytest.mark.parametrize("name", OUTCOMES)
async def test_a_magic_value_forces_its_outcome(world: World, api: ApiAtHand, name: str) -> None:
    """Of the insurer that it names; the other one is as always."""
    found = await answers(world, api, f"{PREFIX}{name}@sever")
    reason = found["sever"]["reason"]
    assert (found["sever"]["status"], reason and reason["code"]) == OUTCOMES[name]
    assert found["volga"]["status"] == "OFFERED"


@pytest.mark.parametrize("name", OUTCOMES)
async def test_a_magic_value_has_its_outcome_in_every_dialect(world: World, name: str) -> None:
    """Of the insurer that calls back too."""
    options = {"ural": {"client_id": "any", "client_secret": "sandbox"}, "onega": {"callback_secret": "sandbox"}}
    timeout = "1s"
    if name == "silent":  # an insurer that answers the create itself holds it until the deadline
        world.set(quote_deadline="5s")
        timeout = "10s"
    each = {id_: {"adapter": adapter, "options": options.get(id_, {})} for id_, adapter in DIALECTS.items()}
    await world.insurers(*DIALECTS, more={"request_timeout": timeout}, each=each)
    api = await world.api()
    world.set(public_url=api.url)
    await world.worker()
    found = await answers(world, api, f"{PREFIX}{name}")
    outcomes = {DIALECTS[id_]: (one["status"], one["reason"] and one["reason"]["code"]) for id_, one in found.items()}
    assert outcomes == dict.fromkeys(DIALECTS.values(), OUTCOMES[name])


async def test_several_insurers_can_be_named_or_all(world: World, api: ApiAtHand) -> None:
    """Each with a wish of its own."""
    found = await answers(world, api, "sandbox:decline@sever,garbage@volga")
    assert [found[id_]["status"] for id_ in ("sever", "volga")] == ["DECLINED", "FAILED"]
    assert {quote["status"] for quote in (await answers(world, api, "sandbox:decline")).values()} == {"DECLINED"}


def test_every_value_is_tried() -> None:
    """None is documented that nobody has seen work."""
    assert OUTCOMES.keys() == MAGIC.keys()
