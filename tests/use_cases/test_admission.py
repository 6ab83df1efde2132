"""Admission: a request that cannot get its quotes in time is refused at once."""

from typing import Any

from support.until import until
from support.world import ApiAtHand, World

from cli.quote.aggregator_client import CREATE


async def outcome(world: World, api: ApiAtHand, **changes: Any) -> str:
    """The type of the result, or the code of the error."""
    body = (await api.post(CREATE, {"input": world.new_request(**changes)})).json()
    if "errors" in body:
        return body["errors"][0]["extensions"]["code"]
    return body["data"]["createQuoteRequest"]["__typename"]


async def test_while_jobs_wait_too_long_new_requests_are_refused(world: World) -> None:
    """With a code and when to come again; when a worker reads again, requests are accepted again."""
    world.set(admission_age="300ms")
    await world.insurers("sever", "volga")
    api = await world.api()
    assert await outcome(world, api) == "QuoteRequestAccepted"

    async def is_refused() -> bool:
        return await outcome(world, api) == "OVERLOADED"

    await until(is_refused)
    body = (await api.post(CREATE, {"input": world.new_request()})).json()
    assert body["errors"][0]["extensions"]["retryAfterSeconds"] > 0
    await world.worker()

    async def is_accepted() -> bool:
        return await outcome(world, api) == "QuoteRequestAccepted"

    await until(is_accepted)


async def test_one_late_insurer_of_three_delays_no_request_to_the_others(world: World) -> None:
    """It delays only itself; a request for that insurer alone is refused."""
    world.set(admission_age="300ms")
    await world.insurers("sever", "volga", "ural")
    api = await world.api()
    await world.worker(insurers=["volga", "ural"])
    await world.accepted(api, insurerIds=["sever"])

    async def is_refused_alone() -> bool:
        return await outcome(world, api, insurerIds=["sever"]) == "OVERLOADED"

    await until(is_refused_alone)
    assert await outcome(world, api) == "QuoteRequestAccepted"
    assert await outcome(world, api, insurerIds=["sever", "volga"]) == "OVERLOADED"


async def test_without_redis_the_age_of_the_outbox_counts(world: World) -> None:
    """The length of streams cannot be read then; what is accepted meanwhile must still have its time."""
    world.set(admission_age="300ms", redis_url="redis://127.0.0.1:1/0")
    await world.insurers("sever")
    api = await world.api()
    assert await outcome(world, api) == "QuoteRequestAccepted"

    async def is_refused() -> bool:
        return await outcome(world, api) == "OVERLOADED"

    await until(is_refused)


async def test_the_bound_can_be_switched_off(world: World) -> None:
    """Without the bound a test can measure how many requests can be accepted."""
    world.set(admission_age="off")
    await world.insurers("sever")
    api = await world.api()
    await world.accepted(api)
    await api.services.accepting.admission.measure()
    assert await outcome(world, api) == "QuoteRequestAccepted"
