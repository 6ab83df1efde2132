"""Each behaviour of an insurer becomes a quote, over the real wire."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from support.until import until
from support.world import ApiAtHand, World

from sandbox.insurers.script.behaviours import (
    Behaviour,
    BrokenConnection,
    Decline,
    Garbage,
    Hang,
    HugeBody,
    Offer,
    Processing,
    Status,
    WrongShape,
)


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    await world.insurers("sever", more={"request_timeout": "1s"})
    api = await world.api()
    await world.worker()
    return api


async def quoted(world: World, api: ApiAtHand, *behaviours: Behaviour) -> dict[str, Any]:
    """The quote that comes of it, and the key under which the insurer was asked."""
    world.sandbox.script("sever", *behaviours)
    accepted = await world.accepted(api)
    quote, end = await world.watched(api, accepted)
    assert end["__typename"] == "QuotesCompleted"
    return {**quote["quote"], "key": f"{UUID(accepted['quoteRequest']['id'])}:sever"}


async def test_an_offer_arrives_with_everything_that_it_says(world: World, api: ApiAtHand) -> None:
    """The quote has its number, premium, coefficients, validity and link."""
    quote = await quoted(world, api)
    assert quote["status"] == "OFFERED"
    offer = quote["offer"]
    assert offer["premium"]["currency"] == "RUB"
    assert offer["purchaseUrl"].startswith("https://sever.example/")
    assert offer["validUntil"]
    assert set(offer["coefficients"]) == {
        "baseRate", "territory", "bonusMalus", "ageExperience", "driverRestriction", "power", "season", "trailer", "drivers",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("behaviours", "status", "reason"),
    [
        ([Decline(code="KBM_TOO_HIGH")], "DECLINED", "INSURER_DECLINED"),
        ([Decline(step="create", code="KBM_TOO_HIGH")], "DECLINED", "INSURER_DECLINED"),
        ([Status(status=401, times="forever")], "FAILED", "INSURER_CREDENTIALS"),
        ([Status(status=403, step="poll", times="forever")], "FAILED", "INSURER_CREDENTIALS"),
        ([Status(status=400)], "FAILED", "INSURER_REJECTED"),
        ([Status(status=404, step="poll")], "FAILED", "INSURER_REJECTED"),
        ([Garbage()], "FAILED", "INSURER_PROTOCOL"),
        ([Garbage(step="poll")], "FAILED", "INSURER_PROTOCOL"),
        ([WrongShape(step="create", body={"applicationId": ""})], "FAILED", "INSURER_PROTOCOL"),
        ([WrongShape(step="poll", body={"status": "offered"})], "FAILED", "INSURER_PROTOCOL"),
        ([WrongShape(step="poll", body=[])], "FAILED", "INSURER_PROTOCOL"),
        ([Garbage(step="poll", text='{"x":' + "[" * 100_000)], "FAILED", "INSURER_PROTOCOL"),
        ([HugeBody(step="poll")], "FAILED", "INSURER_PROTOCOL"),
        ([Offer(premium="-5.00")], "FAILED", "INSURER_PROTOCOL"),
        ([Offer(premium="NaN")], "FAILED", "INSURER_PROTOCOL"),
        ([Offer(premium="1.005")], "FAILED", "INSURER_PROTOCOL"),
        ([Offer(premium="99999999999.00")], "FAILED", "INSURER_PROTOCOL"),
        ([Offer(premium="5.00", number="\x00")], "FAILED", "INSURER_PROTOCOL"),
        ([Status(status=503, times=99)], "FAILED", "INSURER_UNREACHABLE"),
        ([BrokenConnection(times=99)], "FAILED", "INSURER_UNREACHABLE"),
        ([BrokenConnection(step="poll", when="middle", times=99)], "FAILED", "INSURER_UNREACHABLE"),
        ([Hang(times=99)], "FAILED", "INSURER_UNREACHABLE"),
        ([Status(status=429, retry_after=3000)], "FAILED", "INSURER_UNREACHABLE"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(one.kind for one in value),
)
async def test_each_way_to_fail_has_its_reason(
    world: World, api: ApiAtHand, behaviours: Sequence[Behaviour], status: str, reason: str
) -> None:
    """A refusal is declined, a breakdown failed; what cannot be mended is not tried again."""
    quote = await quoted(world, api, *behaviours)
    assert (quote["status"], quote["reason"]["code"]) == (status, reason)


@pytest.mark.parametrize(
    "behaviours",
    [
        [Status(status=500), Status(status=503, step="poll")],
        [Status(status=408, times=2), Status(status=425, step="poll", times=2)],
        [Hang(step="create"), Hang(step="poll")],
        [BrokenConnection(), BrokenConnection(step="poll", when="middle")],
        [Status(status=429, times=9), Status(status=429, step="poll", times=9)],
        [Processing(times=5)],
    ],
    ids=["5xx", "408, 425", "hangs", "broken off", "busy", "still at it"],
)
async def test_what_passes_is_waited_for(world: World, api: ApiAtHand, behaviours: Sequence[Behaviour]) -> None:
    """Trying again with one idempotency key makes one application, however often the answer was lost."""
    quote = await quoted(world, api, *behaviours)
    assert quote["status"] == "OFFERED"
    seen = world.sandbox.seen(quote["key"])
    assert len(seen.application_ids) == 1
    assert world.sandbox.seen_by("sever").applications == 1


async def test_retry_after_is_honoured(world: World, api: ApiAtHand) -> None:
    """The insurer asked for a second; no call comes before."""
    quote = await quoted(world, api, Status(status=429, retry_after=1))
    seen = world.sandbox.seen(quote["key"])
    assert quote["status"] == "OFFERED"
    assert (seen.last_at - seen.first_at).total_seconds() >= 1


async def test_a_bad_link_is_dropped_and_the_offer_stays(world: World, api: ApiAtHand) -> None:
    """A customer follows https, or nothing."""
    quote = await quoted(world, api, Offer(premium="5000.00", purchase_url="javascript:alert(1)"))
    assert quote["offer"]["purchaseUrl"] is None
    assert quote["offer"]["premium"]["amount"] == "5000.00"


async def test_an_insurers_free_text_is_not_published(world: World, api: ApiAtHand) -> None:
    """It may repeat personal data: the reason is a sentence of this project, and the insurer's code if it is one."""
    quote = await quoted(world, api, Decline(code="Иванов Иван, 4510123456"))
    assert quote["reason"] == {
        "code": "INSURER_DECLINED",
        "message": "Страховая компания отказала в расчёте.",
        "insurerCode": None,
        "problems": [],
    }


async def test_silence_is_timed_out_at_the_deadline(world: World) -> None:
    """An insurer that never answers delays the end of a request no longer than that."""
    await world.insurers("sever", "volga")
    world.set(quote_deadline="8s")
    api = await world.api()
    await world.worker()
    world.sandbox.set_mode("sever", Processing())
    *quotes, end = await world.watched(api, await world.accepted(api))
    assert {quote["quote"]["insurer"]["id"]: quote["quote"]["status"] for quote in quotes} == {
        "sever": "TIMED_OUT",
        "volga": "OFFERED",
    }
    assert (end["outcome"], end["bestQuote"]["insurer"]["id"]) == ("DEADLINE", "volga")


async def test_there_is_a_last_look_before_the_deadline(world: World) -> None:
    """An answer that is ready by then is an offer, not a time-out, however long the intervals have grown."""
    await world.insurers("sever", more={"poll_interval": "30s"})
    world.set(quote_deadline="6s")
    api = await world.api()
    await world.worker()
    quote, end = await world.watched(api, await world.accepted(api))
    assert (quote["quote"]["status"], end["outcome"]) == ("OFFERED", "ALL_ANSWERED")


async def test_an_open_circuit_is_unavailable_at_once_and_shown(world: World) -> None:
    """The insurer is left alone; `insurers { availability }` says so, and its neighbour never notices."""
    breaker = {"failure_rate": 0.5, "window": "10s", "min_calls": 6, "reset_after": "60s", "most": "60s"}
    await world.insurers("sever", "volga", more={"breaker": breaker})
    api = await world.api()
    await world.worker()
    world.sandbox.set_mode("sever", Status(status=503))
    statuses: list[str] = []
    by_insurer: dict[str, Any] = {}
    for _ in range(3):
        *quotes, _end = await world.watched(api, await world.accepted(api))
        by_insurer = {quote["quote"]["insurer"]["id"]: quote["quote"] for quote in quotes}
        statuses.append(by_insurer["sever"]["status"])
        assert by_insurer["volga"]["status"] == "OFFERED"
    assert statuses == ["FAILED", "FAILED", "UNAVAILABLE"]
    assert by_insurer["sever"]["reason"]["code"] == "CIRCUIT_OPEN"
    assert world.sandbox.seen_by("sever").creates == 6

    async def shown() -> bool:
        insurers = (await api.post("{ insurers { id availability } }")).json()["data"]["insurers"]
        return {one["id"]: one["availability"] for one in insurers} == {"sever": "UNAVAILABLE", "volga": "AVAILABLE"}

    await until(shown)
