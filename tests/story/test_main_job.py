"""The main job, as a customer's browser and core-app see it, through a third-party GraphQL client."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from graphql import coerce_input_value
from support.plain_http import GIVEN_UP_S
from support.until import until
from support.world import ApiAtHand, World

from app.api.schema.build import schema
from app.domain.intake.moscow_calendar import moscow_day
from app.domain.offers.extras import mandatory_price
from app.domain.tariff.edition_loader import load_editions
from app.intake.new_request import IntakeRules, read_new_request
from app.runtime.clock import Clock
from cli.quote.aggregator_client import CREATE, WATCH
from sandbox.insurers.model.catalogue import INSURERS
from sandbox.insurers.model.pricing import price
from sandbox.insurers.script.behaviours import Decline, Status

APPLICATIONS = 50


async def created(api: ApiAtHand, request: Mapping[str, Any]) -> dict[str, Any]:
    """As core-app does it: the same again, where the API asks for that on a busy machine."""
    headers = {"Authorization": f"Bearer {api.token}"}
    while True:
        with suppress(TransportQueryError):
            transport = HTTPXAsyncTransport(url=api.graphql, headers=headers, verify=False, timeout=GIVEN_UP_S)
            async with Client(transport=transport) as session:
                created = await session.execute(GraphQLRequest(CREATE, variable_values={"input": request}))
                return created["createQuoteRequest"]


async def watched(api: ApiAtHand, accepted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """As a browser does it: behind the cursor again, where the API asks for that on a busy machine."""
    events: list[dict[str, Any]] = []
    while not events or events[-1]["__typename"] != "QuotesCompleted":
        transport = WebsocketsTransport(
            url=api.graphql.replace("http", "ws", 1),
            subprotocols=["graphql-transport-ws"],
            init_payload={"token": accepted["watchToken"]},
            connect_timeout=GIVEN_UP_S,
            ack_timeout=GIVEN_UP_S,
        )
        after = events[-1]["cursor"] if events else None
        request = GraphQLRequest(WATCH, variable_values={"requestId": accepted["quoteRequest"]["id"], "after": after})
        with suppress(TransportQueryError):  # what never passes ends the test by its time
            async with Client(transport=transport) as session:
                events += [event["quotes"] async for event in session.subscribe(request)]
    return events


def with_power(world: World, horsepower: int) -> dict[str, Any]:
    request = world.new_request(customerId=f"customer-{horsepower}", clientReference=f"power-{horsepower}")
    request["application"]["vehicle"]["enginePower"] = str(horsepower)
    return request


async def test_fifty_applications_and_six_hundred_quotes(world: World) -> None:
    """Each once, each premium the tariff's, the last event the end; nothing is left behind in Redis."""
    world.set(quote_deadline="120s")
    await world.insurers(*INSURERS, time_scale=0.02)
    api = await world.api()
    for number in range(2):
        await world.worker(f"worker-{number}")
    requests = [with_power(world, 60 + number) for number in range(APPLICATIONS)]
    accepted = await asyncio.gather(*(created(api, request) for request in requests))
    stories = await asyncio.gather(*(watched(api, one) for one in accepted))

    for request, events in zip(requests, stories, strict=True):
        *quotes, end = events
        assert sorted(event["quote"]["insurer"]["id"] for event in quotes) == sorted(INSURERS)
        assert (end["__typename"], end["outcome"], end["progress"]) == (
            "QuotesCompleted",
            "ALL_ANSWERED",
            {"answered": len(INSURERS), "total": len(INSURERS)},
        )
        expected = premiums(world, request)
        offered = {event["quote"]["insurer"]["id"]: premium_of(event["quote"]) for event in quotes}
        assert offered == expected
        paid = {id_: amount + mandatory_price(INSURERS[id_].extras) for id_, amount in expected.items()}
        assert paid[end["bestQuote"]["insurer"]["id"]] == min(paid.values())
    assert len(await world.database.fetch("SELECT 1 FROM osago_quotes")) == APPLICATIONS * len(INSURERS)
    await until(lambda: nothing_left(world))


def premium_of(quote: Mapping[str, Any]) -> Decimal:
    return Decimal(quote["offer"]["premium"]["amount"])


def premiums(world: World, request: Mapping[str, Any]) -> dict[str, Decimal]:
    """The premium that each insurer must offer, by the tariff."""
    raw = {**request, "application": coerced(request["application"])}
    now = Clock().now()
    application = read_new_request(raw, now=now, rules=IntakeRules.of(*INSURERS)).application
    edition = load_editions().on(moscow_day(now))
    prices = {id_: price(application, profile.rate_position, edition) for id_, profile in INSURERS.items()}
    return {id_: found.premium.amount for id_, found in prices.items() if found}


def coerced(application: Mapping[str, Any]) -> dict[str, Any]:
    """The application as GraphQL's coercion gives it."""
    return coerce_input_value(dict(application), schema._schema.type_map["ApplicationInput"])  # type: ignore[arg-type]


async def nothing_left(world: World) -> bool:
    """No job waits or is pending, and no notice."""
    async for key in world.redis.client.scan_iter(match="*:jobs:*"):
        if await world.redis.client.xlen(key):
            return False
    return await world.database.fetch("SELECT 1 FROM osago_outbox") == []


async def test_no_offer_at_all_is_a_stub_in_russian(world: World) -> None:
    """The stub has the time after which asking again makes sense."""
    await world.insurers("sever", "volga")
    world.sandbox.set_mode("sever", Decline(code="KBM_TOO_HIGH"))
    world.sandbox.set_mode("volga", Status(status=503))
    api = await world.api()
    await world.worker()
    *_, end = await watched(api, await created(api, world.new_request(clientReference="one")))
    assert end["bestQuote"] is None
    assert end["stub"]["title"] == "Пока предложений нет"
    assert 30 <= end["stub"]["retryAfterSeconds"] <= 600
