"""Every adapter in the whole system: over real HTTP, Redis and PostgreSQL, from the mutation to the frame."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
import pytest
from prometheus_client import REGISTRY
from support.packages import install
from support.until import until
from support.world import ApiAtHand, World

from sandbox.insurers.script.behaviours import BrokenConnection, CallBack, Hang, Offer, Processing, Status
from sandbox.insurers.wire.dialects.callback import signature

OPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "rest-poll": {},
    "rest-sync": {},
    "rest-oauth2": {"client_id": "osago", "client_secret": "sandbox", "desired_timeout_s": "1"},
    "soap": {},
    "callback": {"callback_secret": "sandbox"},
    "business-200": {},
}


async def asked_through(world: World, adapter: str, **more: Any) -> ApiAtHand:
    """An API and the insurer `sever`; a worker is still to come."""
    await world.insurers("sever", more={"adapter": adapter, "options": OPTIONS.get(adapter, {}), **more})
    api = await world.api()
    world.set(public_url=api.url)
    return api


async def quoted(world: World, api: ApiAtHand, accepted: Mapping[str, Any] | None = None) -> dict[str, Any]:
    quote, end = await world.watched(api, accepted or await world.accepted(api))
    assert end["__typename"] == "QuotesCompleted"
    return quote["quote"]


@pytest.mark.parametrize("adapter", OPTIONS)
async def test_a_quote_comes_through_every_adapter(world: World, adapter: str) -> None:
    """With everything that the insurer says, KBM as it reports it; and as one application."""
    api = await asked_through(world, adapter)
    await world.worker()
    quote = await quoted(world, api)
    assert quote["status"] == "OFFERED", quote
    assert quote["offer"]["coefficients"]["bonusMalus"] == "1.17"
    assert quote["offer"]["purchaseUrl"].startswith("https://sever.example/")
    assert world.sandbox.seen_by("sever").applications == 1


async def test_what_an_insurer_does_not_insure_costs_no_call(world: World) -> None:
    """Declined at once, with a reason of its own."""
    api = await asked_through(world, "rest-poll", categories=["A", "C"])
    await world.worker()
    quote = await quoted(world, api)
    assert (quote["status"], quote["reason"]["code"]) == ("DECLINED", "INSURER_NOT_SUITED")
    assert world.sandbox.seen_by("sever").creates == 0


class TestCallback:
    """`callback`: polls stand so far apart that what comes in time was called."""

    RARELY: Final = "20s"

    async def test_a_call_wakes_the_worker_and_the_second_changes_nothing(self, world: World) -> None:
        """Nobody polls; the browser has it as soon as the insurer has said it."""
        api = await asked_through(world, "callback", poll_interval=self.RARELY)
        await world.worker()
        world.sandbox.script("sever", CallBack(calls=2))
        accepted = await world.accepted(api)
        assert (await quoted(world, api, accepted))["status"] == "OFFERED"
        await until(lambda: seen_of(world, accepted).callbacks == 2)
        assert seen_of(world, accepted).polls == 0

    async def test_a_call_that_comes_before_the_create_has_returned(self, world: World) -> None:
        """And one whose create never returns: the answer is there, so nobody waits for the rest."""
        api = await asked_through(world, "callback", poll_interval=self.RARELY, request_timeout="20s")
        await world.worker()
        world.sandbox.script("sever", CallBack(early=True), CallBack(early=True), Hang(step="create"))
        for _ in range(2):
            assert (await quoted(world, api))["status"] == "OFFERED"

    @pytest.mark.parametrize("calls", [CallBack(calls=0), CallBack(signature="bad"), CallBack(body="nonsense")])
    async def test_without_a_call_it_is_polled(self, world: World, calls: CallBack) -> None:
        """Never called, forged, or not to be understood."""
        api = await asked_through(world, "callback", poll_interval="100ms")
        await world.worker()
        world.sandbox.script("sever", calls, Processing(times=2))
        accepted = await world.accepted(api)
        assert (await quoted(world, api, accepted))["status"] == "OFFERED"
        assert seen_of(world, accepted).polls > 0

    async def test_neither_called_nor_ready_ends_at_the_deadline(self, world: World) -> None:
        """Like any other silence."""
        world.set(quote_deadline="2s")
        api = await asked_through(world, "callback")
        await world.worker()
        world.sandbox.script("sever", CallBack(calls=0))
        world.sandbox.set_mode("sever", Processing())
        assert (await quoted(world, api))["status"] == "TIMED_OUT"

    async def test_a_call_while_no_worker_was_there_is_read_by_the_next_one(self, world: World) -> None:
        """The first worker has handed in, and is gone; what was called with waits, sealed, in Redis."""
        api = await asked_through(world, "callback", poll_interval=self.RARELY)
        first = await world.worker("first")
        world.sandbox.script("sever", CallBack(calls=0))
        accepted = await world.accepted(api)
        await until(lambda: world.sandbox.seen_by("sever").applications == 1)
        key = f"{UUID(accepted['quoteRequest']['id'])}:sever"
        url = first.resources.callbacks.url(key)
        await first.stop()
        body = b'{"status": "declined", "reason": {"code": "SECRET_OF_SOMEBODY"}}'
        assert (await call(url, body)) == 204
        kept = await world.redis.client.lrange(f"{{osago-00}}:callbacks:{key}", 0, -1)
        assert len(kept) == 1
        assert "SECRET_OF_SOMEBODY" not in kept[0]
        await world.worker("second")
        quote = await quoted(world, api, accepted)
        assert (quote["status"], quote["reason"]["insurerCode"]) == ("DECLINED", "SECRET_OF_SOMEBODY")
        assert world.sandbox.seen_by("sever").creates == 1

    async def test_an_address_that_is_not_ours_is_not_found(self, world: World) -> None:
        """Forged, of another request, lapsed, or nonsense: nothing is kept. Too much is refused."""
        api = await asked_through(world, "callback")
        resources = await world.resources()
        accepted = [UUID((await world.accepted(api))["quoteRequest"]["id"]) for _ in range(2)]
        tokens = [resources.callbacks.token(id_, "sever") for id_ in accepted]
        other = tokens[0].partition(".")[0] + "." + tokens[1].partition(".")[2]
        lapsed = resources.callbacks.token(UUID("01890a5d-ac96-774b-bcce-b302099a8057"), "sever")
        for token in (tokens[0][:-2], other, lapsed, "x", "x.y.z", f"{accepted[0].hex}.k1.", "a" * 5000):
            assert (await call(f"{api.url}/callbacks/{token}", b"{}")) == 404, token
        assert (await call(f"{api.url}/callbacks/{tokens[0]}", b"x" * 100_000)) == 413
        assert [key async for key in world.redis.client.scan_iter("*callbacks*")] == []
        assert (await call(f"{api.url}/callbacks/{tokens[0]}", b"{}")) == 204

    async def test_a_flood_of_calls_is_bounded(self, world: World) -> None:
        """The newest are kept, and go with the request's other keys."""
        api = await asked_through(world, "callback")
        resources = await world.resources()
        id_ = UUID((await world.accepted(api))["quoteRequest"]["id"])
        url = resources.callbacks.url(f"{id_}:sever")
        assert [await call(url, b"{}") for _ in range(20)] == [204] * 20
        assert len(await resources.callbacks.heard(id_, "sever")) == 8


class TestOAuth2:
    """`rest-oauth2`: one token for all, another when it is time."""

    async def test_however_many_ask_one_token_is_fetched(self, world: World) -> None:
        """Single flight; and a token that is dropped in mid-job is replaced, once for all."""
        api = await asked_through(world, "rest-oauth2")
        await world.worker()
        world.sandbox.script("sever", Processing(times="forever"))
        accepted = await asyncio.gather(*(world.accepted(api) for _ in range(20)))
        await until(lambda: world.sandbox.seen_by("sever").polls >= 20)
        assert world.sandbox.seen_by("sever").tokens == 1
        world.sandbox.expire_tokens("sever")
        world.sandbox.rewrite("sever")
        quotes = await asyncio.gather(*(quoted(world, api, one) for one in accepted))
        assert {quote["status"] for quote in quotes} == {"OFFERED"}
        assert world.sandbox.seen_by("sever").tokens == 2
        assert world.sandbox.seen_by("sever").applications == 20

    async def test_a_token_that_runs_out_is_replaced_before_it_does(self, world: World) -> None:
        """The insurer never has to say that one has expired."""
        api = await asked_through(world, "rest-oauth2")
        world.sandbox.settings = world.sandbox.settings.model_copy(update={"token_ttl_s": 1.0})
        await world.worker()
        world.sandbox.script("sever", Processing(times="forever"))
        accepted = await world.accepted(api)
        await until(lambda: world.sandbox.seen_by("sever").tokens >= 3)
        world.sandbox.rewrite("sever")
        assert (await quoted(world, api, accepted))["status"] == "OFFERED"
        assert "401" not in world.sandbox.seen_by("sever").statuses

    async def test_a_token_that_is_not_to_be_had_at_first(self, world: World) -> None:
        """A breakdown like any other: tried again, and nothing was handed in twice."""
        api = await asked_through(world, "rest-oauth2")
        await world.worker()
        world.sandbox.script("sever", Status(status=503, step="token"), BrokenConnection(step="token"))
        assert (await quoted(world, api))["status"] == "OFFERED"
        assert world.sandbox.seen_by("sever").creates == 1

    async def test_a_wrong_secret_is_told_as_one(self, world: World) -> None:
        """Nobody is handed an application that cannot be taken."""
        api = await asked_through(world, "rest-oauth2", options={"client_id": "osago", "client_secret": "guess"})
        await world.worker()
        assert (await quoted(world, api))["reason"]["code"] == "INSURER_CREDENTIALS"
        assert world.sandbox.seen_by("sever").creates == 0

    async def test_tokens_may_come_from_another_address(self, world: World) -> None:
        """They often do."""
        await world.insurers("sever")
        options = {**OPTIONS["rest-oauth2"], "token_url": f"{world.sandbox_url}/volga/oauth/token"}
        world.write_insurers("sever", more={"adapter": "rest-oauth2", "options": options})
        api = await world.api()
        await world.worker()
        quote = await quoted(world, api)
        # volga's tokens are not sever's: that it was asked is all there is to see.
        assert quote["reason"]["code"] == "INSURER_CREDENTIALS"
        assert world.sandbox.seen_by("volga").tokens > 0

    async def test_past_the_desired_time_there_is_an_operation_to_poll(self, world: World) -> None:
        """Within it the answer itself."""
        api = await asked_through(world, "rest-oauth2")
        await world.worker()
        at_once = await world.accepted(api)
        await quoted(world, api, at_once)
        world.sandbox.script("sever", Processing(times=2))
        later = await world.accepted(api)
        assert (await quoted(world, api, later))["status"] == "OFFERED"
        assert (seen_of(world, at_once).polls, seen_of(world, later).polls > 0) == (0, True)


SINGLE: Final = """
from typing import ClassVar
from workers.insurers.adapter import Abilities
from workers.insurers.rest_poll import RestPoll

class Single(RestPoll):
    abilities: ClassVar = Abilities(is_idempotent=False)
"""


async def test_a_create_that_must_not_be_repeated_is_not(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by the worker whose answer was lost, nor by the one that takes over from it."""
    monkeypatch.syspath_prepend(install(tmp_path / "site", "single", SINGLE, {"single": "single:Single"}))
    api = await asked_through(world, "single", request_timeout="20s")
    first = await world.worker("first")
    world.sandbox.script("sever", BrokenConnection(step="create"), Hang(step="create"))
    assert (await quoted(world, api))["reason"]["code"] == "INSURER_UNREACHABLE"
    accepted = await world.accepted(api)
    await until(lambda: world.sandbox.seen_by("sever").calls_now == 1)
    await first.stop()
    await world.worker("second")
    assert (await quoted(world, api, accepted))["reason"]["code"] == "INSURER_UNREACHABLE"
    assert seen_of(world, accepted).creates == 1


async def test_an_expired_offer_is_shown_and_never_the_best(world: World) -> None:
    """`bestQuote` and `orderBy: PREMIUM` agree on it."""
    await world.insurers("sever", "volga", "ural")
    api = await world.api()
    await world.worker()
    world.sandbox.script("sever", Offer(premium="1.00", valid_until="2020-01-01T00:00:00+03:00"))
    world.sandbox.script("volga", Offer(premium="9000.00"))
    world.sandbox.script("ural", Offer(premium="7000.00", valid_until="2120-01-01T00:00:00+03:00"))
    accepted = await world.accepted(api)
    *_, end = await world.watched(api, accepted)
    assert end["bestQuote"]["insurer"]["id"] == "ural"
    query = """query Q($id: ID!) { quoteRequest(id: $id) {
      bestQuote { insurer { id } } quotes(orderBy: PREMIUM) { insurer { id } offer { validUntil } } } }"""
    found = (await api.post(query, {"id": accepted["quoteRequest"]["id"]})).json()["data"]["quoteRequest"]
    assert found["bestQuote"]["insurer"]["id"] == "ural"
    assert [quote["insurer"]["id"] for quote in found["quotes"]] == ["ural", "volga", "sever"]
    assert found["quotes"][2]["offer"]["validUntil"].startswith("2019-12-31T21:00:00")


async def test_a_premium_outside_the_corridor_is_kept_and_counted(world: World) -> None:
    """By magic, as anybody can try it: ten times the base rate."""
    api = await asked_through(world, "rest-poll")
    await world.worker()
    before = unlawful()
    request = world.new_request()
    await quoted(world, api)
    assert unlawful() == before
    request["application"]["vehicle"]["model"] = "sandbox:unlawful"
    quote = await quoted(world, api, await world.accepted(api, application=request["application"]))
    assert quote["status"] == "OFFERED"
    assert unlawful() == before + 1


def unlawful() -> float:
    return REGISTRY.get_sample_value("osago_premiums_unlawful_total", {"insurer": "sever"}) or 0.0


def seen_of(world: World, accepted: Mapping[str, Any]) -> Any:
    return world.sandbox.seen(f"{UUID(accepted['quoteRequest']['id'])}:sever")


async def call(url: str, body: bytes) -> int:
    """The status that an insurer's call gets, signed as it signs."""
    headers = {"X-Signature": signature(body)}
    async with httpx.AsyncClient(verify=False) as http:  # noqa: S501 - plain HTTP; contexts are slow to make
        return (await http.post(url, content=body, headers=headers)).status_code
