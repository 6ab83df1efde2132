"""core-app before a real API: answers at once, repeats safely, says within a second that the aggregator is down."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from support.core_app_client import KEY, submit, submit_once
from support.plain_http import plain_http
from support.proxy import proxied
from support.stalls import within
from support.world import ApiAtHand, World

from app.server.serve import listen, serve_here
from sandbox.core_app.aggregator import ATTEMPTS_MAX
from sandbox.core_app.config import CustomerLimit
from sandbox.core_app.endpoints import BODY_BYTES_MAX
from sandbox.core_app.identity import COOKIE

TOLD_S_MAX = 1.5  # it gives up after 0.9 s; the rest is for the client, which shares this process
ASLEEP = "http://127.0.0.1:1/graphql"


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient, None]:
    """A browser, in so far as it keeps its cookies."""
    async with plain_http() as client:
        yield client


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    """No worker runs, so accepted requests stay open."""
    world.write_insurers("sever", "volga")
    return await world.api()


def application(world: World) -> dict[str, Any]:
    return world.new_request()["application"]


async def requests_in(world: World) -> int:
    (row,) = await world.database.fetch("SELECT count(*) AS count FROM osago_requests")
    return row["count"]


async def test_an_application_is_answered_at_once(world: World, api: ApiAtHand, http: httpx.AsyncClient) -> None:
    """202 with its number, where to look, and a token that watches this request and nothing else."""
    url = await world.core_app(api)
    answer = await submit(http, url, application(world))
    accepted = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/applications/{accepted['number']}"
    assert [insurer["id"] for insurer in accepted["insurers"]] == ["sever", "volga"]
    assert 60 < accepted["remainingSeconds"] <= 120
    seen = await api.post(
        "query ($id: ID!) { quoteRequest(id: $id) { clientReference } }",
        {"id": accepted["requestId"]},
        token=accepted["watchToken"],
    )
    assert seen.json()["data"]["quoteRequest"]["clientReference"] == accepted["number"]


async def test_a_repetition_is_the_same_application(world: World, api: ApiAtHand, http: httpx.AsyncClient) -> None:
    """The key decides, at any process of core-app; another key is another application."""
    one, other = await world.core_app(api), await world.core_app(api)
    first = await submit(http, one, application(world))
    again = await submit(http, other, application(world))
    assert again.json()["number"] == first.json()["number"]
    assert again.json()["requestId"] == first.json()["requestId"]
    new = await submit(http, one, application(world), key="another-key")
    assert new.json()["requestId"] != first.json()["requestId"]
    assert await requests_in(world) == 2


async def test_a_lost_answer_is_asked_for_again_and_stays_one_request(
    world: World, api: ApiAtHand, http: httpx.AsyncClient
) -> None:
    """The mutation has been committed, its answer never came: the retry finds the first request."""
    async with proxied(api.graphql) as proxy:
        url = await world.core_app(api, url=proxy.url)
        cut = proxy.cut_replies(b"createQuoteRequest")
        answer = await submit(http, url, application(world))
        assert cut.done.is_set()
    assert answer.status_code == 202
    assert await requests_in(world) == 1


async def test_problems_come_with_the_paths_of_the_input(world: World, api: ApiAtHand, http: httpx.AsyncClient) -> None:
    """All at once, for the fields of a form."""
    broken = application(world)
    broken["vehicle"]["vin"] = "short"
    broken["drivers"]["listed"][0]["license"]["number"] = "none"
    answer = await submit(http, await world.core_app(api), broken)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert [problem["path"] for problem in answer.json()["problems"]] == [
        ["application", "vehicle", "vin"],
        ["application", "drivers", "listed", "0", "license", "number"],
    ]


@pytest.mark.parametrize("how", ["refuses", "hangs"])
async def test_an_aggregator_that_is_down_is_said_within_a_second(
    world: World, api: ApiAtHand, http: httpx.AsyncClient, how: str
) -> None:
    """The answer has the number, and when to try again; the same key goes on from there."""
    async with proxied(api.graphql) as proxy:
        url = await world.core_app(api, url=proxy.url)
        traps = [proxy.trap(lambda _: True) for _ in range(5)] if how == "hangs" else []
        if how == "refuses":
            proxy.go_down()
        with within(TOLD_S_MAX):
            answer = await submit_once(http, url, application(world))
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= answer.json()["retryAfterSeconds"] > 0
        for trap in traps:
            proxy._traps.clear()
            trap.released.set()
        proxy.come_back()
        again = await submit(http, url, application(world))
    assert again.status_code == 202
    assert again.json()["number"] == answer.json()["number"]
    assert await requests_in(world) == 1


async def test_many_customers_of_a_dead_aggregator_wait_a_second_together(
    world: World, http: httpx.AsyncClient
) -> None:
    """Each has its answer as soon as one alone; readiness says that the aggregator is silent, core-app itself is ready."""
    url = await world.core_app(ApiAtHand("http://127.0.0.1:1", "none", None), url=ASLEEP)
    with within(TOLD_S_MAX):
        answers = await asyncio.gather(*(submit_once(http, url, application(world)) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {503}
    assert (await http.get(f"{url}/readyz")).json() == {"status": "ready", "aggregator": "silent"}


async def test_an_aggregator_that_fails_is_asked_three_times_and_no_more(world: World, http: httpx.AsyncClient) -> None:
    """Each call has the same number: it stays one request."""
    bodies: list[bytes] = []

    async def fails(request: Request) -> Response:
        bodies.append(await request.body())
        return Response(status_code=503)

    listening = listen("127.0.0.1", 0)
    async with serve_here(Starlette(routes=[Route("/graphql", fails, methods=["POST"])]), listening):
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        url = await world.core_app(ApiAtHand(address, "none", None))
        assert (await submit_once(http, url, application(world))).status_code == 503
    assert len(bodies) == ATTEMPTS_MAX
    assert len(set(bodies)) == 1


async def test_a_customer_who_asks_too_often_waits(world: World, api: ApiAtHand, http: httpx.AsyncClient) -> None:
    """Each customer has a limit of its own."""
    url = await world.core_app(api, customer_limit=CustomerLimit(count=2, per_s=60))
    await http.get(url)
    for number in range(2):
        assert (await submit(http, url, application(world), key=f"key-number-{number}")).status_code == 202
    refused = await submit(http, url, application(world), key="key-number-2")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 30
    async with plain_http() as other:
        await other.get(url)
        assert (await submit(other, url, application(world))).status_code == 202


async def got(url: str, **headers: str) -> httpx.Response:
    """The reply to a browser without cookies."""
    async with plain_http() as browser:
        return await browser.get(url, headers=headers)


async def statuses(url: str, world: World, *headers: Mapping[str, str]) -> list[int]:
    """The statuses of one application with each of these headers."""
    async with plain_http() as http:
        found: list[int] = []
        for number, more in enumerate(headers):
            http.cookies.clear()
            answer = await submit(http, url, application(world), f"key-number-{number}", more)
            found.append(answer.status_code)
        return found


@pytest.mark.parametrize("form", ["{random}", "{random}.{random}", "{random}.", ".{random}"])
async def test_a_made_up_cookie_is_none(world: World, api: ApiAtHand, form: str) -> None:
    """A new one each time, of the length of ours: all count as those of one address."""
    url = await world.core_app(api, customer_limit=CustomerLimit(count=3, per_s=3600))
    made_up = [{"Cookie": f"{COOKIE}={form.format(random=secrets.token_urlsafe(16))}"} for _ in range(6)]
    assert await statuses(url, world, *made_up) == [202] * 3 + [429] * 3


async def test_good_cookies_are_free_and_an_address_has_a_limit(world: World, api: ApiAtHand) -> None:
    """A visit of the page for each application."""
    url = await world.core_app(api, customer_limit=CustomerLimit(count=1, per_s=3600))
    cookies = [{"Cookie": f"{COOKIE}={(await got(url)).cookies[COOKIE]}"} for _ in range(12)]
    assert await statuses(url, world, *cookies) == [202] * 10 + [429] * 2


async def test_an_address_is_not_what_its_client_says(world: World, api: ApiAtHand) -> None:
    """No proxy is configured: `X-Forwarded-For` is of no account, from this machine too."""
    url = await world.core_app(api, customer_limit=CustomerLimit(count=3, per_s=3600))
    made_up = [{"X-Forwarded-For": f"6.6.6.{number}"} for number in range(5)]
    assert await statuses(url, world, *made_up) == [202] * 3 + [429] * 2


async def test_a_configured_proxy_says_who_its_client_is(world: World, api: ApiAtHand) -> None:
    """The address that it adds, the last one, and not what stood there before."""
    url = await world.core_app(api, customer_limit=CustomerLimit(count=2, per_s=3600), proxies="127.0.0.1")
    forwarded = ["6.6.6.1, 198.51.100.7", "6.6.6.2, 198.51.100.7", "6.6.6.3, 198.51.100.7", "6.6.6.3, 198.51.100.8"]
    assert await statuses(url, world, *({"X-Forwarded-For": one} for one in forwarded)) == [202, 202, 429, 202]


async def test_the_cookie_is_for_https_alone_where_the_page_came_over_it(world: World) -> None:
    """A proxy says so; a client that is none cannot."""
    unreachable = ApiAtHand("http://127.0.0.1:1", "none", None)
    over_https = {"X-Forwarded-Proto": "https"}
    behind, alone = await world.core_app(unreachable, proxies="127.0.0.1"), await world.core_app(unreachable)
    assert "Secure" in (await got(behind, **over_https)).headers["Set-Cookie"]
    assert "Secure" not in (await got(alone, **over_https)).headers["Set-Cookie"]


async def test_a_reader_of_the_table_is_no_customer(world: World, api: ApiAtHand, http: httpx.AsyncClient) -> None:
    """The customer's id, as the aggregator stores it, is in no cookie, and opens no application."""
    url = await world.core_app(api)
    answer = await submit(http, url, application(world))
    (row,) = await world.database.fetch("SELECT customer_id FROM osago_requests")
    assert row["customer_id"] not in answer.headers["Set-Cookie"]
    for cookie in (row["customer_id"], f"{row['customer_id']}.{row['customer_id']}"):
        seen = await got(url + answer.headers["Location"], Cookie=f"{COOKIE}={cookie}")
        assert seen.status_code == 404


async def test_an_application_can_be_looked_at_by_its_customer(
    world: World, api: ApiAtHand, http: httpx.AsyncClient
) -> None:
    """At the address that the 202 gave; another browser gets 404."""
    url = await world.core_app(api)
    answer = await submit(http, url, application(world))
    seen = (await http.get(url + answer.headers["Location"])).json()
    assert (seen["status"], seen["progress"]) == ("COLLECTING", {"answered": 0, "total": 2})
    async with plain_http() as other:
        assert (await other.get(url + answer.headers["Location"])).status_code == 404


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Idempotency-Key": KEY, "Content-Type": "text/plain"}, b"{}", 415),
        ({"Idempotency-Key": KEY, "Content-Type": "application/json"}, b"[]", 400),
        ({"Idempotency-Key": KEY, "Content-Type": "application/json"}, b'{"application": []}', 400),
        ({"Idempotency-Key": KEY, "Content-Type": "application/json"}, b"[" * 50_000, 400),
        ({"Idempotency-Key": KEY, "Content-Type": "application/json"}, b" " * (BODY_BYTES_MAX + 1), 413),
        ({"Content-Type": "application/json"}, b'{"application": {}}', 422),
        ({"Idempotency-Key": "?", "Content-Type": "application/json"}, b'{"application": {}}', 422),
    ],
)
async def test_a_wrong_request_is_refused_before_anybody_is_asked(
    world: World, http: httpx.AsyncClient, headers: dict[str, str], body: bytes, status: int
) -> None:
    """The status names the fault, and the aggregator is not called."""
    url = await world.core_app(ApiAtHand("http://127.0.0.1:1", "none", None))
    assert (await http.post(f"{url}/applications", content=body, headers=headers)).status_code == status


async def test_a_byte_order_mark_is_named(world: World, http: httpx.AsyncClient) -> None:
    """An editor does not show it."""
    url = await world.core_app(ApiAtHand("http://127.0.0.1:1", "none", None))
    headers = {"Idempotency-Key": KEY, "Content-Type": "application/json"}
    answer = await http.post(f"{url}/applications", content=b'\xef\xbb\xbf{"application": {}}', headers=headers)
    assert answer.status_code == 400
    assert "BOM" in answer.text


async def test_an_application_in_russian_is_not_made_larger(
    world: World, api: ApiAtHand, http: httpx.AsyncClient
) -> None:
    """The aggregator takes 64 KiB: escaping every letter would triple what a customer wrote."""
    large = application(world)
    large["vehicle"]["make"] = "ш" * (BODY_BYTES_MAX // 2 - 3000)
    answer = await submit(http, await world.core_app(api), large)
    assert [problem["code"] for problem in answer.json()["problems"]] == ["MAKE_INVALID"]


async def test_a_token_that_does_not_hold_is_ours_to_mend(
    world: World, api: ApiAtHand, http: httpx.AsyncClient
) -> None:
    """The answer does not blame the customer, and the aggregator counts as one that answers."""
    url = await world.core_app(api, token="none")
    assert (await submit(http, url, application(world))).status_code == 502
    assert (await http.get(f"{url}/readyz")).json()["aggregator"] == "answering"


async def test_its_api_is_described_without_internet(world: World, http: httpx.AsyncClient) -> None:
    """The description has every status that a caller may meet."""
    url = await world.core_app(ApiAtHand("http://127.0.0.1:1", "none", None))
    assert "/docs/files/swagger-ui-bundle.js" in (await http.get(f"{url}/docs")).text
    assert (await http.get(f"{url}/docs/files/swagger-ui-bundle.js")).status_code == 200
    described = (await http.get(f"{url}/openapi.json")).json()["paths"]
    assert {"202", "422", "429", "503"} <= described["/applications"]["post"]["responses"].keys()
    assert set(described) == {"/applications", "/applications/{number}", "/applications/{number}/events", "/insurers"}


async def test_the_page_may_only_reach_its_own_server_and_the_aggregator(world: World, http: httpx.AsyncClient) -> None:
    """The policy header allows no other host."""
    url = await world.core_app(ApiAtHand("http://127.0.0.1:1", "none", None))
    answer = await http.get(url)
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "connect-src 'self' ws://127.0.0.1:1;" in policy
    assert "HttpOnly" in answer.headers["Set-Cookie"]
