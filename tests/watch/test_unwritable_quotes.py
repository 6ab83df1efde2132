"""Quotes of other releases, and quotes that cannot be read, on every face: the others and the end come all the same."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import httpx
import pytest
from support.plain_http import plain_http
from support.quotes import AUTHENTICATOR
from support.socket import opened
from support.until import until
from support.world import SECRET, ApiAtHand, SettlerAtHand, World
from websockets.asyncio.client import connect

from app.api.auth.tokens import Tokens
from app.redis import keys
from app.runtime.clock import Clock
from sandbox.insurers.script.behaviours import Offer, WrongShape

INSURERS: Final = ("sever", "volga", "zarya")
QUOTE: Final = """id insurer { id } status reason { code } offer { number premium { amount } validUntil purchaseUrl
  coefficients { baseRate territory bonusMalus ageExperience driverRestriction power season } }"""
SELECTED: Final = f"""{{ __typename ... on QuoteReceived {{ quote {{ {QUOTE} }} }}
  ... on QuotesCompleted {{ outcome bestQuote {{ insurer {{ id }} }} }} }}"""
QUOTES: Final = f"subscription S($id: ID!) {{ quotes(requestId: $id) {SELECTED} }}"
NOT_COMPILED: Final = QUOTES.replace("outcome", "outcome @include(if: true)")
CUSTOMER: Final = f"subscription S($id: ID!) {{ quotes: customerQuotes(customerId: $id) {SELECTED} }}"
REQUEST: Final = (
    f"query Q($id: ID!) {{ quoteRequest(id: $id) {{ quotes {{ {QUOTE} }} bestQuote {{ insurer {{ id }} }} }} }}"
)
ONES: Final = dict.fromkeys(
    ("baseRate", "territory", "bonusMalus", "ageExperience", "driverRestriction", "power", "season"), "1"
)
ROW: Final = "INSERT INTO osago_quotes VALUES ($1, 'sever', $2, $3, $4, now())"
GOOD: Final = {"number": "N-1", "premium": "5000.50", "currency": "RUB"}
OLD: Final[Mapping[str, Mapping[str, Any]]] = {
    "the first year": {"validUntil": "0001-01-01T00:00:00+03:00"},
    "the last year": {"validUntil": "9999-12-31T23:59:59-23:59"},
    "tiny": {"coefficients": {**ONES, "baseRate": "1E-3000000"}},
    "long": {"coefficients": {**ONES, "power": "1." + "1" * 200_000}},
    "loopback": {"purchaseUrl": "https://127.0.0.1/"},
}
UNREADABLE: Final[Mapping[str, tuple[str, Any, Any]]] = {
    "no premium": ("OFFERED", {"number": "N-1", "currency": "RUB"}, None),
    "a premium out of bounds": ("OFFERED", {**GOOD, "premium": "1E+999999999"}, None),
    "another currency": ("OFFERED", {**GOOD, "currency": "X" * 100_000}, None),
    "another shape": ("OFFERED", ["N-1"], None),
    "a reason of a later release": ("DECLINED", None, {"code": "OF_A_LATER_RELEASE"}),
}


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers(*INSURERS)
    return await world.api()


async def row(world: World, accepted: Mapping[str, Any], status: str, offer: Any, reason: Any) -> None:
    """A row as another release may have left it."""
    texts = [None if part is None else json.dumps(part) for part in (offer, reason)]
    await world.database.fetch(ROW, UUID(accepted["quoteRequest"]["id"]), status, *texts)


async def by_socket(api: ApiAtHand, token: str, query: str, id_: str) -> list[dict[str, Any]]:
    """The events of a subscription, up to the end of a request."""
    async with opened(api.graphql) as socket:
        await socket.init(token)
        await socket.subscribe(query, {"id": id_})
        return await until_end([], socket.event)


async def until_end(events: list[dict[str, Any]], receive: Any) -> list[dict[str, Any]]:
    while not events or "outcome" not in events[-1]:
        events.append(await receive())
    return events


async def by_plain_socket(api: ApiAtHand, accepted: Mapping[str, Any]) -> list[dict[str, Any]]:
    url = f"{api.url.replace('http', 'ws', 1)}/osago/quotes/{accepted['quoteRequest']['id']}/stream"
    async with connect(url, additional_headers={"Authorization": f"Bearer {accepted['watchToken']}"}) as socket:
        return [json.loads(message) async for message in socket]


async def by_http(api: ApiAtHand, accepted: Mapping[str, Any], path: str = "") -> httpx.Response:
    async with plain_http() as http:
        url = f"{api.url}/osago/quotes/{accepted['quoteRequest']['id']}{path}"
        response = await http.get(url, headers={"Authorization": f"Bearer {accepted['watchToken']}"})
    assert response.status_code == 200, response.text
    return response


async def by_every_face(api: ApiAtHand, accepted: Mapping[str, Any]) -> Mapping[str, list[dict[str, Any]]]:
    """The quotes that each face shows; each stream has to come to its end, with the best of the others."""
    id_, token = accepted["quoteRequest"]["id"], accepted["watchToken"]
    sse = (await by_http(api, accepted, "/events")).text
    streams = {
        "subscription": await by_socket(api, token, QUOTES, id_),
        "graphql-core": await by_socket(api, token, NOT_COMPILED, id_),
        "plain WebSocket": await by_plain_socket(api, accepted),
        "server-sent events": [json.loads(line[6:]) for line in sse.splitlines() if line.startswith("data: ")],
    }
    assert {streams[face][-1].get("outcome") for face in streams} == {"ALL_ANSWERED"}
    story = (await api.post(REQUEST, {"id": id_}, token=token)).json()
    assert "errors" not in story, story
    rest = (await by_http(api, accepted)).json()
    return {
        **{face: [event["quote"] for event in events[:-1]] for face, events in streams.items()},
        "quoteRequest": story["data"]["quoteRequest"]["quotes"],
        "REST": rest["quotes"],
    }


def one_of(quotes: Sequence[dict[str, Any]], insurer: str) -> dict[str, Any]:
    (found,) = [quote for quote in quotes if quote["insurer"]["id"] == insurer]
    return found


@pytest.mark.parametrize("old", OLD.values(), ids=OLD)
async def test_a_row_of_an_older_release_is_shown(
    world: World, api: ApiAtHand, settler: SettlerAtHand, old: Mapping[str, Any]
) -> None:
    """Values that are out of bounds now are left out."""
    accepted = await world.accepted(api)
    await row(world, accepted, "OFFERED", {**GOOD, **old}, None)
    await settler.settle(accepted, "volga", "zarya")
    for face, quotes in (await by_every_face(api, accepted)).items():
        offer = one_of(quotes, "sever")["offer"]
        assert (offer["number"], offer["premium"]["amount"]) == ("N-1", "5000.50"), face
        assert [offer[name] for name in old] == [None], face
        assert one_of(quotes, "volga")["offer"]["coefficients"], face


@pytest.mark.parametrize("columns", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_row_that_cannot_be_read_is_shown_as_failed(
    world: World, api: ApiAtHand, settler: SettlerAtHand, columns: tuple[str, Any, Any]
) -> None:
    """FAILED, INTERNAL, in queries, streams and the feed; the others as they are."""
    accepted = await world.accepted(api)
    await row(world, accepted, *columns)
    await settler.settle(accepted, "volga", "zarya")
    for face, quotes in (await by_every_face(api, accepted)).items():
        broken = one_of(quotes, "sever")
        assert (broken["status"], broken["reason"]["code"], broken["offer"]) == ("FAILED", "INTERNAL", None), face
        assert {one_of(quotes, insurer)["status"] for insurer in ("volga", "zarya")} == {"OFFERED"}, face
    entries = [fields for _, fields in await world.redis.client.xrange(keys.feed(0))]
    in_the_feed = [json.loads(entry["quote"]) for entry in entries if "quote" in entry]
    assert {quote["insurer"]: quote["status"] for quote in in_the_feed}["sever"] == "FAILED"
    assert "end" in entries[-1]


async def test_a_subscription_to_the_customer_gets_the_others_and_the_end(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """Over the one subscription for all requests."""
    accepted = await world.accepted(api)
    tokens = Tokens(SECRET, Clock(), watch_ttl_s=1800)
    token = tokens.service_token("core-app", "quotes:read", timedelta(hours=1))
    await row(world, accepted, *UNREADABLE["no premium"])
    async with opened(api.graphql) as socket:
        await socket.init(token)
        await socket.subscribe(CUSTOMER, {"id": "customer-1"})
        events = [await socket.event()]
        await settler.settle(accepted, "volga", "zarya")
        events = await until_end(events, socket.event)
    quotes = [event["quote"] for event in events[:-1]]
    assert [quote["status"] for quote in quotes] == ["FAILED", "OFFERED", "OFFERED"]


@pytest.mark.parametrize("event", ["{", "{}", '{"insurer": "sever"}', "[" * 100_000, "\x00"])
async def test_an_event_that_cannot_be_read_is_looked_up(
    world: World, api: ApiAtHand, settler: SettlerAtHand, event: str
) -> None:
    """Redis moves what PostgreSQL knows: the subscription shows the row, and goes on."""
    accepted = await world.accepted(api)
    request_id = UUID(accepted["quoteRequest"]["id"])
    async with opened(api.graphql) as socket:
        await socket.init(accepted["watchToken"])
        await socket.subscribe(QUOTES, {"id": str(request_id)})
        await until(lambda: api.services.live.subscriptions == 1)
        await row(world, accepted, "OFFERED", GOOD, None)
        mac = AUTHENTICATOR.mac("quote", str(request_id), event.encode())
        await world.redis.client.xadd(keys.events(0, request_id), {"quote": event, "mac": mac})
        await settler.settle(accepted, "volga")
        events = [await socket.event(), await socket.event()]
        await settler.settle(accepted, "zarya")
        events = await until_end(events, socket.event)
    assert sorted(event["quote"]["insurer"]["id"] for event in events[:-1]) == sorted(INSURERS)
    assert {event["quote"]["status"] for event in events[:-1]} == {"OFFERED"}


async def test_a_worker_goes_on_beside_a_row_that_it_cannot_read(world: World) -> None:
    """Its job is acknowledged with the substitute, not delivered five times."""
    await world.insurers("sever", "volga")
    api = await world.api()
    accepted = await world.accepted(api)
    await row(world, accepted, *UNREADABLE["another shape"])
    await world.worker()
    *_, end = await world.watched(api, accepted)
    assert end["outcome"] == "ALL_ANSWERED"
    await until(lambda: _is_empty(world))


async def _is_empty(world: World) -> bool:
    return not await world.redis.client.xlen(keys.jobs(0, "sever"))


def offered(**offer: Any) -> WrongShape:
    return WrongShape(step="poll", body={"status": "offered", "offer": {**GOOD, **offer}})


@pytest.mark.parametrize(
    ("behaviour", "left_out"),
    [
        (offered(validUntil="9999-12-31T23:59:59-05:00"), {"validUntil": None}),
        (offered(validUntil="0001-01-01T00:00:00+03:00"), {"validUntil": None}),
        (offered(validUntil="2027-12-31"), {"validUntil": None}),
        (offered(validUntil={"date": "2027-12-31"}), {"validUntil": None}),
        (offered(coefficients={**ONES, "baseRate": "1E-3000000"}), {"coefficients": None}),
        (offered(coefficients=dict.fromkeys(ONES, "1E-999999")), {"coefficients": None}),
        (offered(coefficients="none"), {"coefficients": None}),
        (offered(purchaseUrl=["https://sever.example/"]), {"purchaseUrl": None}),
        (offered(purchaseUrl="https://127.0.0.1/"), {"purchaseUrl": None}),
        (offered(purchaseUrl="https://volga.example/"), {"purchaseUrl": None}),
        (offered(purchaseUrl="https://полис.рф/оплата"), {
            "purchaseUrl": "https://xn--h1afidn.xn--p1ai/%D0%BE%D0%BF%D0%BB%D0%B0%D1%82%D0%B0"
        }),
        (offered(premium="5000.5000"), {}),
        (Offer(premium="5000.50", number="N-\u200b1", valid_until="", purchase_url="ftp://x"), {"purchaseUrl": None}),
    ],
    ids=lambda value: str(getattr(value, "body", ""))[:40],
)  # fmt: skip
async def test_an_optional_field_costs_no_offer(world: World, behaviour: Any, left_out: Mapping[str, Any]) -> None:
    """The rule holds from the insurer's answer to every face."""
    await world.insurers(*INSURERS, more={"purchase_hosts": ["sever.example", "полис.рф"]})
    api = await world.api()
    await world.worker()
    world.sandbox.script("sever", behaviour)
    accepted = await world.accepted(api)
    await world.watched(api, accepted)
    for face, quotes in (await by_every_face(api, accepted)).items():
        offer = one_of(quotes, "sever")["offer"]
        assert (offer["number"], offer["premium"]["amount"]) == ("N-1", "5000.50"), face
        assert {name: offer[name] for name in left_out} == left_out, face
