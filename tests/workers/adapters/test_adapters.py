"""Every adapter in the whole system: over real HTTP, Redis and PostgreSQL, from the mutation to the frame."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from support.packages import install
from support.plain_http import plain_http
from support.until import until
from support.world import ApiAtHand, World

from app.domain.intake.moscow_calendar import moscow_day
from app.use_cases.insurer_callbacks import INSURER_BYTES_MAX
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
    """The quote has every value of the insurer's answer, КБМ as the insurer reports it; there is one application."""
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


async def test_an_insurer_that_does_not_take_the_start_is_not_asked(world: World) -> None:
    """Declined at once, where another one takes it; `startsOn` is what the customer can mend."""
    early = (moscow_day(datetime.now(UTC)) + timedelta(days=3)).isoformat()
    await world.insurers("sever", "volga", each={"sever": {"starts_ahead": "4d"}})
    api = await world.api()
    await world.worker()
    request = world.new_request()
    request["application"]["startsOn"] = early
    accepted = await world.accepted(api, application=request["application"])
    quotes = {event["quote"]["insurer"]["id"]: event["quote"] for event in (await world.watched(api, accepted))[:-1]}
    assert quotes["volga"]["status"] == "OFFERED"
    assert (quotes["sever"]["status"], quotes["sever"]["reason"]["code"]) == ("DECLINED", "INSURER_NOT_SUITED")
    assert world.sandbox.seen_by("sever").creates == 0


class TestCallback:
    """`callback`: polls are so rare that an answer that comes in time came by the insurer's call."""

    RARELY: Final = "20s"

    async def test_a_call_wakes_the_worker_and_the_second_changes_nothing(self, world: World) -> None:
        """No poll is made; the browser has the quote as soon as the insurer has called."""
        api = await asked_through(world, "callback", poll_interval=self.RARELY)
        await world.worker()
        world.sandbox.script("sever", CallBack(calls=2))
        accepted = await world.accepted(api)
        assert (await quoted(world, api, accepted))["status"] == "OFFERED"
        await until(lambda: seen_of(world, accepted).callbacks == 2)
        assert seen_of(world, accepted).polls == 0

    async def test_a_call_that_comes_before_the_create_has_returned(self, world: World) -> None:
        """Also if the create never returns: the answer is there, and the create is not awaited any longer."""
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
        """The quote is TIMED_OUT, as after any other silence."""
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
        request_id = accepted["quoteRequest"]["id"]
        # Its answer has arrived, too: a worker that is gone before has the create repeated, under the same key.
        await until(lambda: world.redis.client.hget(f"{{osago-00}}:request:{request_id}", "at:sever"))
        key = f"{request_id}:sever"
        url = first.resources.callbacks.url(key)
        await first.stop()
        assert (await call(url, declined_about(key, "SECRET_OF_SOMEBODY"))) == 204
        kept = await kept_of(world, key)
        assert len(kept) == 1
        assert b"SECRET_OF_SOMEBODY" not in kept[0]
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
        at_the_end_of_time = "e677d21fdbff70008000000000000000.k1.AAAA"
        wrong = (tokens[0][:-2], other, lapsed, "x", "x.y.z", f"{accepted[0].hex}.k1.", "a" * 2000, at_the_end_of_time)
        for token in wrong:
            assert (await call(f"{api.url}/callbacks/{token}", b"{}")) == 404, token
        assert (await call(f"{api.url}/callbacks/{tokens[0]}", b"x" * 100_000)) == 413
        assert [key async for key in world.redis.client.scan_iter("*callbacks*")] == []
        assert (await call(f"{api.url}/callbacks/{tokens[0]}", b"{}")) == 204

    async def test_a_flood_of_calls_is_bounded(self, world: World) -> None:
        """The newest few are kept, of each no more than 8 KiB and the headers that the adapter reads, until the deadline."""
        api = await asked_through(world, "callback")
        resources = (await world.worker()).resources
        world.sandbox.script("sever", CallBack(calls=0), Processing(times="forever"))
        key = f"{UUID((await world.accepted(api))['quoteRequest']['id'])}:sever"
        url = resources.callbacks.url(key)
        headers = {f"X-Header-{number}": "h" * 480 for number in range(60)}
        assert [await call(url, b"x" * 65_502, headers) for _ in range(12)] == [413] * 12
        assert [await call(url, b"x" * 8_050, headers) for _ in range(12)] == [204] * 12
        kept = await kept_of(world, key)
        assert len(kept) == 8
        assert sum(map(len, kept)) <= 8 * 8 * 1024 + 8 * 64
        calls = await resources.callbacks.heard(UUID(key.partition(":")[0]), "sever")
        assert {tuple(one.headers) for one in calls.values()} == {("x-signature",)}
        assert await world.redis.client.pttl(key_of(key)) <= world.settings.quote_deadline * 1000
        assert await world.redis.client.get("{osago-00}:callback-bytes:sever") == str(sum(map(len, kept)))

    async def test_a_call_that_no_key_opens_costs_itself_alone(self, world: World) -> None:
        """Of another key, or not sealed at all: those beside it are heard, and the insurer is polled."""
        api = await asked_through(world, "callback")
        accepted = await world.accepted(api)
        resources = await world.resources()
        key = f"{accepted['quoteRequest']['id']}:sever"
        assert (await call(resources.callbacks.url(key), b"{}")) == 204
        await world.redis.client.lpush(key_of(key), "garbage", b"other.\xff\xfe", "")
        calls = await resources.callbacks.heard(UUID(key.partition(":")[0]), "sever")
        assert [one.body for one in calls.values()] == [b"{}"]

    async def test_an_insurer_has_a_share_of_memory(self, world: World) -> None:
        """When that is used up, its calls are refused for a while, and may come again; other insurers' are kept."""
        api = await asked_through(world, "callback")
        resources = (await world.worker()).resources
        world.sandbox.script("sever", CallBack(calls=0), Processing(times="forever"))
        key = f"{UUID((await world.accepted(api))['quoteRequest']['id'])}:sever"
        await world.redis.client.set("{osago-00}:callback-bytes:sever", INSURER_BYTES_MAX - 100, px=60_000)
        assert (await call(resources.callbacks.url(key), b"x" * 200)) == 503
        assert await kept_of(world, key) == []
        assert (await call(resources.callbacks.url(key.replace("sever", "volga")), b"x" * 200)) == 204

    @pytest.mark.parametrize("signed", ["", "sha256=", "sha256=" + "0" * 64, signature(b"another body"), "é"])
    async def test_what_the_insurer_has_not_signed_is_not_kept(self, world: World, signed: str) -> None:
        """A call without a valid signature never gets into Redis, so that a leaked address fills nothing."""
        api = await asked_through(world, "callback")
        resources = (await world.worker()).resources
        world.sandbox.script("sever", CallBack(calls=0), Processing(times="forever"))
        key = f"{UUID((await world.accepted(api))['quoteRequest']['id'])}:sever"
        async with plain_http() as http:
            headers = {b"X-Signature": signed.encode("latin-1")} if signed else {}
            response = await http.post(resources.callbacks.url(key), content=declined_about(key), headers=headers)
        assert response.status_code == 403
        assert await kept_of(world, key) == []

    async def test_an_api_without_the_secret_keeps_nothing(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """It cannot verify the call; the insurer may call again, and is polled."""
        monkeypatch.setenv("SEVER_CALLBACK_SECRET", "sandbox")
        api = await asked_through(world, "callback", options={"callback_secret_env": "SEVER_CALLBACK_SECRET"})
        resources = (await world.worker()).resources
        world.sandbox.script("sever", CallBack(calls=0), Processing(times="forever"))
        key = f"{UUID((await world.accepted(api))['quoteRequest']['id'])}:sever"
        monkeypatch.delenv("SEVER_CALLBACK_SECRET")
        assert (await call(resources.callbacks.url(key), declined_about(key))) == 503
        monkeypatch.setenv("SEVER_CALLBACK_SECRET", "sandbox")
        assert (await call(resources.callbacks.url(key), declined_about(key))) == 204

    @pytest.mark.parametrize("naming", ["idempotencyKey", "applicationId", "both", "nothing"])
    async def test_an_answer_about_another_request_is_not_taken(self, world: World, naming: str) -> None:
        """A valid signature is not enough: the signed answer has to name the request that the address belongs to."""
        api = await asked_through(world, "callback", poll_interval=self.RARELY)
        resources = (await world.worker()).resources
        world.sandbox.script("sever", CallBack(calls=0, times="forever"), Processing(times="forever"))
        first, second = [await world.accepted(api) for _ in range(2)]
        await until(lambda: world.sandbox.seen_by("sever").applications == 2)
        bodies = [self._naming(world, one, naming) for one in (first, second)]
        urls = [resources.callbacks.url(f"{one['quoteRequest']['id']}:sever") for one in (first, second)]
        assert (await call(urls[1], bodies[0])) == 204, "the API keeps it: it is signed"
        if naming == "nothing":
            await until(lambda: calls_of("InsurerProtocol") > 0)
            return
        assert (await call(urls[0], bodies[0])) == 204
        assert (await quoted(world, api, first))["reason"]["insurerCode"] == "OF_" + first["quoteRequest"]["id"]
        assert (await call(urls[1], bodies[1])) == 204
        assert (await quoted(world, api, second))["reason"]["insurerCode"] == "OF_" + second["quoteRequest"]["id"]

    @staticmethod
    def _naming(world: World, accepted: Mapping[str, Any], naming: str) -> bytes:
        request_id = accepted["quoteRequest"]["id"]
        application_id = world.sandbox.seen(f"{request_id}:sever").application_ids["sever"]
        names = {"idempotencyKey": f"{request_id}:sever", "applicationId": application_id}
        chosen = names if naming == "both" else {name: value for name, value in names.items() if name == naming}
        return json.dumps({**chosen, "status": "declined", "reason": {"code": f"OF_{request_id}"}}).encode()


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

    async def test_a_wrong_secret_is_reported_as_one(self, world: World) -> None:
        """No application is sent to an insurer that refuses the credentials."""
        api = await asked_through(world, "rest-oauth2", options={"client_id": "osago", "client_secret": "guess"})
        await world.worker()
        assert (await quoted(world, api))["reason"]["code"] == "INSURER_CREDENTIALS"
        assert world.sandbox.seen_by("sever").creates == 0

    async def test_tokens_may_come_from_another_address(self, world: World) -> None:
        """The token's address may be another host than the API's."""
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
        """Within that time the response is the answer itself."""
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
from workers.adapters.adapter import Abilities
from workers.adapters.rest_poll import RestPoll

class Single(RestPoll):
    abilities: ClassVar = Abilities(is_idempotent=False)
"""


async def test_a_create_that_must_not_be_repeated_is_not(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the worker that lost the answer nor the one that takes the job over repeats it."""
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


async def test_an_offer_that_the_tariff_does_not_allow_is_kept_and_counted(world: World) -> None:
    """A magic value makes a premium of ten times the base rate. Unlawful and inconsistent are two counters, by kind."""
    api = await asked_through(world, "rest-poll")
    await world.worker()
    before = unlawful("too_high"), inconsistent("base_rate"), inconsistent("product")
    request = world.new_request()
    await quoted(world, api)
    assert (unlawful("too_high"), inconsistent("base_rate"), inconsistent("product")) == before
    request["application"]["vehicle"]["model"] = "sandbox:unlawful"
    quote = await quoted(world, api, await world.accepted(api, application=request["application"]))
    assert quote["status"] == "OFFERED"
    after = before[0] + 1, before[1] + 1, before[2]
    assert (unlawful("too_high"), inconsistent("base_rate"), inconsistent("product")) == after


def unlawful(kind: str) -> float:
    return REGISTRY.get_sample_value("osago_premiums_unlawful_total", {"insurer": "sever", "kind": kind}) or 0.0


def inconsistent(kind: str) -> float:
    return REGISTRY.get_sample_value("osago_offers_inconsistent_total", {"insurer": "sever", "kind": kind}) or 0.0


def seen_of(world: World, accepted: Mapping[str, Any]) -> Any:
    return world.sandbox.seen(f"{UUID(accepted['quoteRequest']['id'])}:sever")


def declined_about(key: str, code: str = "KBM_TOO_HIGH") -> bytes:
    """What an insurer calls with to decline the application of this idempotency key."""
    return json.dumps({"idempotencyKey": key, "status": "declined", "reason": {"code": code}}).encode()


def key_of(key: str) -> str:
    return f"{{osago-00}}:callbacks:{key}:sealed"


async def kept_of(world: World, key: str) -> list[bytes]:
    """What Redis has of an application's calls, as it lies there."""
    return await world.redis.client.execute_command("LRANGE", key_of(key), 0, -1, NEVER_DECODE=True)


def calls_of(result: str) -> float:
    wanted = {"insurer": "sever", "step": "callback", "result": result}
    samples = (sample for metric in REGISTRY.collect() for sample in metric.samples)
    calls = (sample for sample in samples if sample.name == "osago_insurer_calls_total")
    return sum(sample.value for sample in calls if wanted.items() <= sample.labels.items())


async def call(url: str, body: bytes, more: Mapping[str, str] | None = None) -> int:
    """The status that an insurer's call gets, signed as it signs."""
    headers = {**(more or {}), "X-Signature": signature(body)}
    async with plain_http() as http:
        return (await http.post(url, content=body, headers=headers)).status_code
