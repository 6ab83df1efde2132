"""Circuits over several workers: opened by one, open for all; one trial in the whole cluster; shown by `insurers`."""

import asyncio
import time
from typing import Any

import pytest
from support.circuits import one_call
from support.proxy import proxied
from support.stalls import within
from support.until import until
from support.world import ApiAtHand, WorkerAtHand, World

from app.domain.errors import InsurerUnavailable
from app.domain.insurer import Availability
from app.redis.insurer_states import REMEMBERED_S
from sandbox.insurers.script.behaviours import Behaviour, BrokenConnection, Decline, Hang, Processing, Status
from workers.resilience.circuit_breaker import SharedBreaker

AVAILABILITY = "{ insurers { id availability } }"
BREAKER = {"failure_rate": 0.5, "window": "10s", "min_calls": 4, "reset_after": "400ms", "most": "2s"}
DOWN = Status(status=503)


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    """Its breaker opens after four calls, and tries again soon."""
    more = {"breaker": BREAKER, "retry": {"attempts": 1, "first": "10ms", "most": "50ms"}, "request_timeout": "2s"}
    await world.insurers("sever", "volga", more=more)
    return await world.api()


def circuit(worker: WorkerAtHand, insurer: str = "sever") -> SharedBreaker:
    return worker.worker._circuits[insurer]


async def shown(api: ApiAtHand) -> dict[str, str]:
    body = (await api.post(AVAILABILITY)).json()
    return {one["id"]: one["availability"] for one in body["data"]["insurers"]}


async def asked(world: World, api: ApiAtHand, count: int, *behaviours: Behaviour) -> list[dict[str, Any]]:
    """What sever's quotes become, asked one after the other."""
    if behaviours:
        world.sandbox.rewrite("sever", *behaviours)
    quotes: list[dict[str, Any]] = []
    for _ in range(count):
        accepted = await world.accepted(api, insurerIds=["sever"])
        quotes.append((await world.watched(api, accepted))[0]["quote"])
    return quotes


async def opened(world: World, api: ApiAtHand) -> None:
    """By one worker that sees enough of it; each counts by itself."""
    world.sandbox.set_mode("sever", DOWN)
    for one in await asyncio.gather(*(world.accepted(api, insurerIds=["sever"]) for _ in range(20))):
        await world.watched(api, one)


async def test_what_one_worker_opens_is_open_for_all_within_a_tenth_of_a_second(world: World, api: ApiAtHand) -> None:
    """Heard through Redis, read locally; and the API, which asks no insurer, shows it."""
    lasting = {**BREAKER, "window": "60s", "reset_after": "3s"}  # it stays open while the test asks all of them
    world.write_insurers("sever", "volga", more={"breaker": lasting, "retry": {"attempts": 1}})
    first, second = await world.worker("first"), await world.worker("second", insurers=["sever"])
    await until(lambda: circuit(second).availability is Availability.AVAILABLE)
    for worker in (first, second):
        await until(lambda worker=worker: worker.worker._notifier.is_connected)
    assert await shown_as(api, {"sever": "AVAILABLE", "volga": "AVAILABLE"})  # its document is compiled by now
    opening = [one_call(circuit(first), unavailable) for _ in range(4)]
    await asyncio.gather(*opening, return_exceptions=True)
    assert circuit(first).availability is Availability.UNAVAILABLE
    with within(0.1):
        await until(lambda: circuit(second).availability is Availability.UNAVAILABLE)
    assert circuit(first, "volga").availability is Availability.AVAILABLE
    with within(0.3, *world.server_pids):
        await until(lambda: shown_as(api, {"sever": "UNAVAILABLE", "volga": "AVAILABLE"}))
    await until(lambda: shown_as(api, {"sever": "RECOVERING", "volga": "AVAILABLE"}))


async def unavailable() -> None:
    raise InsurerUnavailable("status 503")


async def shown_as(api: ApiAtHand, expected: dict[str, str]) -> bool:
    return await shown(api) == expected


async def test_an_open_circuit_is_shown_at_once_and_costs_no_call(world: World, api: ApiAtHand) -> None:
    """The customer sees UNAVAILABLE, and the others' offers as ever."""
    slow = {**BREAKER, "window": "60s", "reset_after": "60s", "most": "60s"}  # it does not try again in this test
    world.write_insurers("sever", "volga", more={"breaker": slow, "retry": {"attempts": 1}})
    world.sandbox.set_mode("sever", DOWN)
    await world.worker()
    quotes = await asked(world, api, 6)
    assert [quote["status"] for quote in quotes[:4]] == ["FAILED"] * 4
    accepted = await world.accepted(api)
    seen = {event["quote"]["insurer"]["id"]: event["quote"] for event in (await world.watched(api, accepted))[:2]}
    assert (seen["sever"]["status"], seen["sever"]["reason"]["code"]) == ("UNAVAILABLE", "CIRCUIT_OPEN")
    assert seen["volga"]["status"] == "OFFERED"
    assert world.sandbox.seen_by("sever").creates <= 5


async def test_time_outs_open_it_and_refusals_do_not(world: World, api: ApiAtHand) -> None:
    """An insurer that answers is alive, whether the answer is an offer or a refusal."""
    await world.worker()
    for refusal in (Decline(step="create", code="NO"), Status(status=400), Status(status=401)):
        world.sandbox.set_mode("sever", refusal)
        await asked(world, api, 5)
    assert (await shown(api))["sever"] == "AVAILABLE"
    world.sandbox.set_mode("sever", Hang())
    accepted = await asyncio.gather(*(world.accepted(api, insurerIds=["sever"]) for _ in range(30)))
    await until(lambda: shown_as(api, {"sever": "UNAVAILABLE", "volga": "AVAILABLE"}))
    assert len(accepted) == 30


async def test_one_trial_in_the_whole_cluster_closes_it_for_all(
    world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three workers, sixty jobs: one call; its answer is waited for, and then all jobs go on."""
    monkeypatch.setattr("workers.resilience.circuit_breaker.TRIAL_WAIT_S_MAX", 60.0)
    async with proxied(world.sandbox_url) as proxy:
        patient = {"breaker": BREAKER, "retry": {"attempts": 1}}
        world.write_insurers("sever", "volga", more=patient, each={"sever": {"base_url": f"{proxy.url}/sever"}})
        workers = [await world.worker(f"worker-{number}") for number in range(3)]
        await opened(world, api)
        await until(lambda: all(circuit(worker).availability is Availability.RECOVERING for worker in workers))
        before = world.sandbox.seen_by("sever").creates
        world.sandbox.set_mode("sever", None)
        answer = proxy.trap(b" 202 ", "to_client")
        accepted = await asyncio.gather(*(world.accepted(api, insurerIds=["sever"]) for _ in range(60)))
        await until(lambda: sum(len(worker.worker._lanes["sever"]._holdings) for worker in workers) == 60)
        await answer.reached.wait()
        assert world.sandbox.seen_by("sever").creates == before + 1
        answer.released.set()
        for one in accepted:
            assert (await world.watched(api, one))[0]["quote"]["status"] == "OFFERED"
    assert all(circuit(worker).availability is Availability.AVAILABLE for worker in workers)
    assert (await shown(api))["sever"] == "AVAILABLE"


async def test_a_failed_trial_opens_it_for_twice_as_long_wherever_it_was_made(world: World, api: ApiAtHand) -> None:
    """0.4 s, then 0.8 s, then 1.6 s, then never more than 2 s; each with up to a tenth of jitter."""
    workers = [await world.worker(f"worker-{number}") for number in range(2)]
    await opened(world, api)
    for number, lasting in enumerate((0.8, 1.6, 2.0)):
        trying = circuit(workers[number % 2])
        await until(lambda trying=trying: trying.availability is Availability.RECOVERING)
        began_at = time.monotonic()
        with pytest.raises(Exception, match="503"):
            await one_call(trying, unavailable)
        left_s = await world.redis.client.pttl("{osago-00}:circuit:sever") / 1000 - REMEMBERED_S
        assert lasting - (time.monotonic() - began_at) <= left_s <= lasting * 1.1 + 0.1
        await until(lambda: len({circuit(worker)._window._openings for worker in workers}) == 1)  # each has heard of it


async def test_without_redis_each_worker_goes_by_what_it_sees(world: World, api: ApiAtHand) -> None:
    """It opens, tries and closes by itself; its findings are published when Redis is back."""
    lasting = {**BREAKER, "reset_after": "3s", "most": "6s"}  # it is looked at while it is open
    world.write_insurers("sever", "volga", more={"breaker": lasting, "retry": {"attempts": 1}})
    async with proxied(world.redis.url) as proxy:
        world.set(redis_url=proxy.url)
        worker = await world.worker()
        await until(lambda: worker.worker._sharing._peers.is_redis_there and worker.worker._notifier.is_connected)
        proxy.go_down()
        own = circuit(worker)
        await asyncio.gather(*(one_call(own, unavailable) for _ in range(4)), return_exceptions=True)
        assert own.availability is Availability.UNAVAILABLE
        await until(lambda: own.availability is Availability.RECOVERING)
        await asyncio.gather(one_call(own, unavailable), return_exceptions=True)
        assert own.availability is Availability.UNAVAILABLE
        assert (await shown(api))["sever"] == "AVAILABLE"
        proxy.come_back()
        await until(lambda: is_published(world))
        await until(lambda: own.availability is Availability.RECOVERING)
        assert await one_call(own, alive) == "ok"
        await until(lambda: shown_as(api, {"sever": "AVAILABLE", "volga": "AVAILABLE"}))
        await world.stop()


async def is_published(world: World) -> bool:
    return bool(await world.redis.client.exists("{osago-00}:circuit:sever"))


async def alive() -> str:
    return "ok"


LOW_TRAFFIC = {"failure_rate": 0.5, "window": "10s", "min_calls": 1000, "reset_after": "2s", "most": "4s"}
"""No window is ever full: what opens it is jobs in a row."""


async def low_traffic(world: World, *, deadline: str = "30s") -> tuple[ApiAtHand, list[WorkerAtHand]]:
    """Two workers, and an insurer that is called three times at most for each job."""
    world.set(quote_deadline=deadline)
    more = {
        "breaker": LOW_TRAFFIC,
        "retry": {"attempts": 3, "first": "10ms", "most": "50ms"},
        "request_timeout": "200ms",
    }
    await world.insurers("sever", "volga", more=more)
    api = await world.api()
    workers = [await world.worker(f"worker-{number}") for number in range(2)]
    for worker in workers:
        await until(lambda worker=worker: worker.worker._notifier.is_connected)
    return api, workers


async def known(workers: list[WorkerAtHand], unanswered: int) -> None:
    """Each worker knows of the whole row."""
    for worker in workers:
        await until(lambda worker=worker: circuit(worker)._unanswered == unanswered)


@pytest.mark.parametrize(
    "down",
    [DOWN, Status(status=500), Hang(step="create"), BrokenConnection(), Hang(step="poll")],
    ids=["503", "500", "hangs", "breaks off", "hangs when polled"],
)
async def test_five_jobs_in_a_row_over_all_workers_open_it(world: World, down: Behaviour) -> None:
    """One after the other, whichever worker has them; the sixth customer does not wait, and `insurers` says so."""
    api, workers = await low_traffic(world)
    world.sandbox.set_mode("sever", down)
    for number in range(5):
        assert (await shown(api))["sever"] == "AVAILABLE"
        assert [one["status"] for one in await asked(world, api, 1)] == ["FAILED"], number
    # The fifth is counted before its quote is settled, by the worker that had it.
    assert any(circuit(worker).availability is not Availability.AVAILABLE for worker in workers), "five opened nothing"
    await until(lambda: shown_as(api, {"sever": "UNAVAILABLE", "volga": "AVAILABLE"}))
    assert all(circuit(worker).availability is not Availability.AVAILABLE for worker in workers)


async def test_jobs_of_several_workers_are_one_row_and_an_answer_to_any_ends_it(world: World) -> None:
    """Two of one worker and two of the other, an offer, four more, and one."""
    api, workers = await low_traffic(world)
    for worker in (*workers, *workers):
        await asyncio.gather(one_call(circuit(worker), unavailable), return_exceptions=True)
    await known(workers, 4)
    assert await one_call(circuit(workers[1]), alive) == "ok"
    await known(workers, 0)
    for worker in (*workers, *workers):
        await asyncio.gather(one_call(circuit(worker), unavailable), return_exceptions=True)
    assert await shown(api) == {"sever": "AVAILABLE", "volga": "AVAILABLE"}
    await asyncio.gather(one_call(circuit(workers[0]), unavailable), return_exceptions=True)
    await until(lambda: circuit(workers[1]).availability is not Availability.AVAILABLE, seconds=10)
    await until(lambda: shown_as(api, {"sever": "UNAVAILABLE", "volga": "AVAILABLE"}))


async def test_an_insurer_that_never_says_anything_is_left_alone_too(world: World) -> None:
    """It accepts applications and never answers: five customers wait, the sixth gets UNAVAILABLE at once."""
    api, _ = await low_traffic(world, deadline="1500ms")
    assert [one["status"] for one in await asked(world, api, 5, Processing(times="forever"))] == ["TIMED_OUT"] * 5
    await until(lambda: shown_as(api, {"sever": "UNAVAILABLE", "volga": "AVAILABLE"}))


async def test_an_insurer_with_a_cold_first_call_is_never_cut_and_comes_back_by_itself(world: World) -> None:
    """Every create answers 503 first. Every customer has an offer; and what a real outage has opened, such a job closes."""
    api, workers = await low_traffic(world)
    for _ in range(12):
        world.sandbox.script("sever", Status(status=503, step="create"))
        assert [one["status"] for one in await asked(world, api, 1)] == ["OFFERED"]
    assert await shown(api) == {"sever": "AVAILABLE", "volga": "AVAILABLE"}
    world.sandbox.set_mode("sever", DOWN)
    await asked(world, api, 5)
    await until(lambda: circuit(workers[0]).availability is not Availability.AVAILABLE, seconds=10)
    world.sandbox.set_mode("sever", None)
    await until(lambda: circuit(workers[0]).availability is Availability.RECOVERING)
    await until(lambda: circuit(workers[1]).availability is Availability.RECOVERING)
    world.sandbox.script("sever", Status(status=503, step="create", times=2))
    assert [one["status"] for one in await asked(world, api, 1)] == ["OFFERED"]
    await until(lambda: shown_as(api, {"sever": "AVAILABLE", "volga": "AVAILABLE"}))
