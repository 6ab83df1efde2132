"""Rate limits: over all API processes, per caller and per customer, and never a reason to stand still."""

import asyncio
from typing import Any

import pytest
from support.world import ApiAtHand, World

from app.config.quantities import Rate
from app.redis.rate_cells import Cell, LocalRates, take
from app.runtime.clock import Clock
from cli.quote.aggregator_client import CREATE


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stall of this process is none of Redis: with Redis away each process limits alone."""
    monkeypatch.setattr("app.use_cases.caller_rate_limit.REDIS_S_MAX", 60.0)


async def asked(api: ApiAtHand, world: World, customer: str = "customer-1", token: str | None = None) -> dict[str, Any]:
    body = {"input": world.new_request(customerId=customer)}
    response = await api.post(CREATE, body, **({"token": token} if token else {}))
    return response.json()["data"]["createQuoteRequest"]


def accepted(results: list[dict[str, Any]]) -> int:
    return sum(result["__typename"] == "QuoteRequestAccepted" for result in results)


async def test_a_callers_limit_holds_over_all_processes(world: World) -> None:
    """A caller above its limit gets an error that says when to come again; other callers are not affected."""
    world.write_insurers("sever")
    world.set(rate_limit="5/h")
    apis = [await world.api(), await world.api()]
    results = await asyncio.gather(*(asked(apis[number % 2], world, f"customer-{number}") for number in range(12)))
    assert accepted(list(results)) == 5
    refused = [result for result in results if result["__typename"] == "RateLimited"]
    assert all(0 < result["retryAfterSeconds"] <= 720 for result in refused)
    other = await asked(apis[0], world, token=world.token("another-app"))
    assert other["__typename"] == "QuoteRequestAccepted"


async def test_a_customers_limit_is_its_own(world: World) -> None:
    """Another customer and the caller itself are not limited by it, and refused requests count for nothing."""
    world.write_insurers("sever")
    world.set(customer_rate_limit="2/h", rate_limit="5/h")
    api = await world.api()
    assert accepted([await asked(api, world) for _ in range(5)]) == 2
    assert accepted([await asked(api, world, f"other-{number}") for number in range(4)]) == 3


async def test_customers_are_not_named_in_redis(world: World) -> None:
    """What a caller calls its customer may be a telephone number."""
    world.write_insurers("sever")
    world.set(customer_rate_limit="2/h", rate_limit="5/h")
    api = await world.api()
    await asked(api, world, "79161234567")
    cells = [key async for key in world.redis.client.scan_iter(match="*:rate:*")]
    assert len(cells) == 2
    assert not any("79161234567" in key or "core-app" in key for key in cells)


async def test_without_redis_each_process_limits_alone(world: World) -> None:
    """The limits hold per process then, and requests are still accepted."""
    world.write_insurers("sever")
    world.set(rate_limit="3/h", redis_url="redis://127.0.0.1:1/0")
    api = await world.api()
    assert accepted([await asked(api, world) for _ in range(6)]) == 3


@pytest.mark.parametrize("rate", [Rate(10, 1.0), Rate(3, 60.0), Rate(2500, 1.0)])
async def test_both_places_count_alike(world: World, rate: Rate) -> None:
    """A burst of the whole count, then one at a time, in Redis and in memory."""
    world.write_insurers("sever")
    local = LocalRates(Clock())
    client = (await world.resources()).redis
    cells = [Cell("{osago-00}:rate:test:a", rate)]
    assert [await take(client, cells, rate.count), local.take(cells, rate.count)] == [None, None]
    far, near = await take(client, cells, rate.count), local.take(cells, rate.count)
    assert far is not None
    assert near is not None
    assert near.seconds == pytest.approx(rate.per_s, rel=0.2)
    assert far.seconds == pytest.approx(rate.per_s, rel=0.2)


async def test_of_several_cells_all_give_or_none(world: World) -> None:
    """The wait that is returned belongs to the cell that lacks most."""
    world.write_insurers("sever")
    client = (await world.resources()).redis
    wide, narrow = Cell("{osago-00}:rate:test:wide", Rate(5, 60)), Cell("{osago-00}:rate:test:narrow", Rate(1, 60))
    for taken in (take(client, [wide, narrow]), take(client, [wide])):
        assert await taken is None
    wait = await take(client, [wide, narrow])
    assert wait is not None
    assert wait.place == 1
    assert await take(client, [wide], 3) is None
    assert await take(client, [wide]) is not None
