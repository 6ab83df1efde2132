"""Accepting: stored and then enqueued, safely repeated, and nothing half-done."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import httpx
import pytest
from support.plain_http import plain_http
from support.stalls import within
from support.until import until
from support.world import ApiAtHand, World

from app.domain.intake.moscow_calendar import moscow_day
from app.redis import keys
from cli.quote.aggregator_client import CREATE


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers("sever", "volga", "zarya")
    return await world.api()


async def created(api: ApiAtHand, world: World, **changes: Any) -> dict[str, Any]:
    return (await api.post(CREATE, {"input": world.new_request(**changes)})).json()["data"]["createQuoteRequest"]


async def test_an_accepted_request_is_stored_sealed_and_enqueued(world: World, api: ApiAtHand) -> None:
    """A row, a job per insurer, and soon no notice left; what is personal stands nowhere in the clear."""
    accepted = await world.accepted(api)
    request_id = accepted["quoteRequest"]["id"]
    for insurer in ("sever", "volga", "zarya"):
        entries = await until(lambda insurer=insurer: world.redis.client.xrange(keys.jobs(0, insurer)))
        assert [fields for _, fields in entries] == [{"request": request_id}]
    [row] = await world.database.fetch("SELECT * FROM osago_requests")
    assert (row["tenant"], row["customer_id"], row["application_key_id"]) == ("core-app", "customer-1", "k1")
    for marker in personal(world):
        assert marker.encode() not in row["application"]
    await until(lambda: no_notices(world))


def personal(world: World) -> list[str]:
    """What of an application is a person's."""
    application = world.new_request()["application"]
    holder, driver = application["policyholder"]["person"], application["drivers"]["listed"][0]
    numbers = [holder["document"]["number"], driver["license"]["number"], application["vehicle"]["vin"]]
    return [holder["lastName"], holder["phone"], *numbers]


async def no_notices(world: World) -> bool:
    return await world.database.fetch("SELECT 1 FROM osago_outbox") == []


async def test_all_insurers_are_asked_unless_some_are_chosen(world: World, api: ApiAtHand) -> None:
    """The insurers are in the order of the file, or of the choice."""
    all_insurers = await world.accepted(api)
    some = await world.accepted(api, insurerIds=["zarya", "sever"])
    ids = [[quote["insurer"]["id"] for quote in one["quoteRequest"]["quotes"]] for one in (all_insurers, some)]
    assert ids == [["sever", "volga", "zarya"], ["zarya", "sever"]]


@pytest.mark.parametrize(
    ("insurer_ids", "problems"),
    [
        ([], [(["insurerIds"], "INSURERS_EMPTY")]),
        (["sever", "unknown"], [(["insurerIds", "1"], "INSURER_UNKNOWN")]),
        (["sever", "sever"], [(["insurerIds", "1"], "INSURER_REPEATED")]),
    ],
)
async def test_a_wrong_choice_of_insurers_is_a_problem_with_a_path(
    world: World, api: ApiAtHand, insurer_ids: list[str], problems: list[object]
) -> None:
    """A caller can mend it, as every other problem."""
    result = await created(api, world, insurerIds=insurer_ids)
    assert [(problem["path"], problem["code"]) for problem in result["problems"]] == problems


async def test_all_problems_are_reported_at_once(world: World, api: ApiAtHand) -> None:
    """Problems of the request and of the application come together."""
    request = world.new_request(customerId="", clientReference="с пробелом", insurerIds=["unknown"])
    request["application"]["vehicle"]["vin"] = "short"
    request["application"]["policyholder"]["person"]["email"] = "unknown@"
    result = (await api.post(CREATE, {"input": request})).json()["data"]["createQuoteRequest"]
    assert {problem["code"] for problem in result["problems"]} == {
        "CUSTOMER_ID_INVALID",
        "CLIENT_REFERENCE_INVALID",
        "INSURER_UNKNOWN",
        "VIN_INVALID",
        "EMAIL_INVALID",
    }
    assert ["application", "vehicle", "vin"] in [problem["path"] for problem in result["problems"]]
    assert await world.database.fetch("SELECT 1 FROM osago_requests") == []


async def test_a_repeated_client_reference_returns_the_first_request(world: World, api: ApiAtHand) -> None:
    """A retry after a lost answer makes no second request."""
    first = await world.accepted(api, clientReference="ref-1")
    again = await world.accepted(api, clientReference="ref-1")
    assert again["quoteRequest"]["id"] == first["quoteRequest"]["id"]
    assert len(await world.database.fetch("SELECT 1 FROM osago_requests")) == 1


async def test_two_that_arrive_at_once_are_one(world: World, api: ApiAtHand) -> None:
    """The rule holds at one API and at two."""
    other = await world.api()
    accepted = await asyncio.gather(
        *(world.accepted(one, clientReference="ref-1") for one in (api, other, api, other) for _ in range(5))
    )
    assert len({one["quoteRequest"]["id"] for one in accepted}) == 1


async def test_a_client_reference_of_other_content_is_a_problem(world: World, api: ApiAtHand) -> None:
    """Another car, another customer, another choice of insurers: none of them is a retry."""
    await world.accepted(api, clientReference="ref-1")
    other_car = world.new_request(clientReference="ref-1")
    other_car["application"]["vehicle"]["year"] -= 1
    for request in (
        other_car,
        world.new_request(clientReference="ref-1", customerId="customer-2"),
        world.new_request(clientReference="ref-1", insurerIds=["sever", "volga", "zarya"]),
    ):
        result = (await api.post(CREATE, {"input": request})).json()["data"]["createQuoteRequest"]
        assert [problem["code"] for problem in result["problems"]] == ["CLIENT_REFERENCE_REUSED"]


async def test_a_client_reference_belongs_to_its_caller(world: World, api: ApiAtHand) -> None:
    """Two services may number their applications alike."""
    mine = await world.accepted(api, clientReference="ref-1")
    body = {"input": world.new_request(clientReference="ref-1")}
    other = (await api.post(CREATE, body, token=world.token("another-app"))).json()["data"]["createQuoteRequest"]
    assert other["quoteRequest"]["id"] != mine["quoteRequest"]["id"]


async def test_under_load_requests_share_transactions(world: World, api: ApiAtHand) -> None:
    """Two hundred, a quarter of them at once: every one accepted, in far fewer transactions."""
    commits = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    before = (await world.database.fetch(commits))[0]["xact_commit"]
    accepted = await asyncio.gather(*(world.accepted(api) for _ in range(200)))
    assert len({one["quoteRequest"]["id"] for one in accepted}) == 200
    assert len(await world.database.fetch("SELECT 1 FROM osago_requests")) == 200
    assert (await world.database.fetch(commits))[0]["xact_commit"] - before < 200


async def test_without_redis_requests_are_accepted_and_left_to_the_relay(world: World) -> None:
    """Accepted is what is committed; the jobs come later."""
    world.write_insurers("sever")
    world.set(redis_url="redis://127.0.0.1:1/0")
    api = await world.api()
    await world.accepted(api)
    [row] = await world.database.fetch("SELECT kind FROM osago_outbox")
    assert row["kind"] == "accepted"


async def test_without_postgresql_a_mutation_says_so_at_once(world: World) -> None:
    """Within two seconds, with a code and when to come again."""
    world.write_insurers("sever")
    world.set(database_url="postgresql://osago@127.0.0.1:1/osago")
    api = await world.api()
    with within(2):
        response = await api.post(CREATE, {"input": world.new_request()})
    [error] = response.json()["errors"]
    assert error["extensions"] == {"code": "UNAVAILABLE", "retryAfterSeconds": 1.0}
    assert isinstance(response, httpx.Response)


async def test_personal_data_stays_out_of_redis(world: World, api: ApiAtHand) -> None:
    """A job carries ids; so does everything else there."""
    accepted = await world.accepted(api)
    await until(lambda: world.redis.client.exists(keys.jobs(0, "sever")))
    dump = ""
    client = world.redis.client
    members = partial(client.zrange, start=0, end=-1)
    read = {"stream": client.xrange, "hash": client.hgetall, "string": client.get, "zset": members}
    async for key in client.scan_iter():
        dump += key + repr(await read[await client.type(key)](key))
    for marker in personal(world):
        assert marker not in dump
    assert UUID(accepted["quoteRequest"]["id"])


async def test_a_repeat_whose_first_request_cannot_be_read_any_more_is_the_first_request(
    world: World, api: ApiAtHand
) -> None:
    """Its key was dropped: there is nothing left to compare, and a retry must stay safe."""
    first = await world.accepted(api, clientReference="ref-1")
    await world.database.fetch("UPDATE osago_requests SET application_key_id = 'dropped'")
    again = await world.accepted(api, clientReference="ref-1")
    assert again["quoteRequest"]["id"] == first["quoteRequest"]["id"]


WARNED: Final = CREATE.replace("watchToken", "watchToken warnings { path code message }", 1)


async def test_what_is_unusual_is_a_warning_and_so_it_is_in_a_repeat(world: World, api: ApiAtHand) -> None:
    """GraphQL and REST show it; the application is accepted."""
    request = world.new_request(clientReference="ref-1")
    request["application"]["vehicle"]["vin"] = "A" * 17
    found: list[Any] = []
    for _ in range(2):
        result = (await api.post(WARNED, {"input": request})).json()["data"]["createQuoteRequest"]
        found.append(result["warnings"])
    headers = {"Authorization": f"Bearer {api.token}"}
    async with plain_http() as http:
        answer = await http.post(f"{api.url}/osago/quotes", json=request, headers=headers)
    assert answer.status_code == 202
    found.append(answer.json()["warnings"])
    assert [(each["path"], each["code"]) for each in found[0]] == [(["application", "vehicle", "vin"], "VIN_UNUSUAL")]
    assert found == [found[0]] * 3


async def test_an_application_without_consent_is_a_problem_unless_that_is_switched_off(world: World) -> None:
    """`OSAGO_REQUIRE_CONSENT`; the consent is stored sealed and reaches no insurer."""
    world.write_insurers("sever")
    request = world.new_request()
    del request["application"]["consent"]
    strict = await world.api()
    result = (await strict.post(CREATE, {"input": request})).json()["data"]["createQuoteRequest"]
    assert [(each["path"], each["code"]) for each in result["problems"]] == [(["application", "consent"], "REQUIRED")]
    world.set(require_consent="false")
    lenient = await world.api()
    result = (await lenient.post(CREATE, {"input": request})).json()["data"]["createQuoteRequest"]
    assert result["__typename"] == "QuoteRequestAccepted"


async def test_a_start_that_no_chosen_insurer_takes_is_refused_with_the_first_day(world: World) -> None:
    """One that takes it is enough; which are asked counts."""
    await world.insurers("sever", "volga", each={"sever": {"starts_ahead": "4d"}, "volga": {"starts_ahead": "5d"}})
    api = await world.api()
    today = moscow_day(datetime.now(UTC))
    request = world.new_request()
    request["application"]["startsOn"] = (today + timedelta(days=4)).isoformat()
    assert (await api.post(CREATE, {"input": request})).json()["data"]["createQuoteRequest"].get("problems") is None
    for days, chosen, first in ((3, None, 4), (4, ["volga"], 5)):
        request["application"]["startsOn"] = (today + timedelta(days=days)).isoformat()
        body = {"input": {**request, "insurerIds": chosen}}
        [problem] = (await api.post(CREATE, body)).json()["data"]["createQuoteRequest"]["problems"]
        assert (problem["path"], problem["code"]) == (["application", "startsOn"], "STARTS_TOO_SOON")
        assert f"{today + timedelta(days=first):%d.%m.%Y}" in problem["message"]
