"""A pause between the steps of one conversation: what it stops, what it lets be, and what it leaves uncounted."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from support.clock import MovedClock
from support.until import until
from support.world import ApiAtHand, WorkerAtHand, World

from app.domain.errors import InsurerPaused
from app.domain.operators.control import Order, PauseMode
from sandbox.insurers.script.behaviours import Processing, Status
from workers.resilience.pause_gate import PauseGate

ORDER = Order("anna", "its prices are wrong")
AT = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    await world.insurers("sever", "volga")
    return await world.api()


def gate_of(at_hand: WorkerAtHand) -> PauseGate:
    return at_hand.worker._controls.gates["sever"]


async def status_of(world: World, api: ApiAtHand, accepted: dict[str, Any]) -> tuple[str, str | None]:
    events = await world.watched(api, accepted)
    (quote,) = [event["quote"] for event in events if "quote" in event]
    return quote["status"], (quote["reason"] or {}).get("code")


async def test_what_has_an_application_there_is_polled_on(world: World, api: ApiAtHand) -> None:
    """The insurer has the data already, and the customer may have its answer."""
    world.sandbox.set_mode("sever", Processing())
    worker = await world.worker()
    accepted = await world.accepted(api, insurerIds=["sever"])
    await until(lambda: world.sandbox.seen_by("sever").polls > 1)
    await worker.resources.controls.pause("sever", ORDER)
    await until(lambda: gate_of(worker).mode)
    polls = world.sandbox.seen_by("sever").polls
    await until(lambda: world.sandbox.seen_by("sever").polls > polls + 1)
    world.sandbox.set_mode("sever", None)
    assert await status_of(world, api, accepted) == ("OFFERED", None)


async def test_a_job_that_waits_to_be_repeated_is_refused_at_once(world: World, api: ApiAtHand) -> None:
    """The refusal does not wait for the end of the backoff."""
    world.sandbox.set_mode("sever", Status(status=429, retry_after=20))
    worker = await world.worker()
    accepted = await world.accepted(api, insurerIds=["sever"])
    await until(lambda: world.sandbox.seen_by("sever").creates)
    await worker.resources.controls.pause("sever", ORDER)
    assert await status_of(world, api, accepted) == ("UNAVAILABLE", "INSURER_PAUSED")
    assert world.sandbox.seen_by("sever").creates == 1


async def test_a_job_that_waits_for_the_limit_is_refused_at_once(world: World, api: ApiAtHand) -> None:
    """It has left the line, and no call is made for it."""
    worker = await world.worker()
    await worker.resources.controls.limit("sever", "6/min", ORDER)
    await until(lambda: worker.worker._limits["sever"].of["create"].has_rate)
    accepted = [await world.accepted(api, insurerIds=["sever"]) for _ in range(2)]
    await until(lambda: len(worker.worker._limits["sever"].of["create"]._line) >= 1)
    await worker.resources.controls.pause("sever", ORDER)
    found = [await status_of(world, api, one) for one in accepted]
    assert ("UNAVAILABLE", "INSURER_PAUSED") in found
    assert world.sandbox.seen_by("sever").creates <= 1


async def test_held_jobs_end_with_their_request_and_say_nothing_of_the_insurer(world: World, api: ApiAtHand) -> None:
    """TIMED_OUT, as others are; its circuit counts none of them."""
    world.set(quote_deadline="3s")
    api = await world.api()
    worker = await world.worker()
    await worker.resources.controls.pause("sever", ORDER, holds=True)
    await until(lambda: gate_of(worker).mode)
    accepted = [await world.accepted(api, insurerIds=["sever"]) for _ in range(6)]
    found = await asyncio.gather(*(status_of(world, api, one) for one in accepted))
    assert set(found) == {("TIMED_OUT", "NO_ANSWER_IN_TIME")}
    assert world.sandbox.seen_by("sever").creates == 0
    assert worker.worker._circuits["sever"].availability == "AVAILABLE"


async def test_held_jobs_count_in_no_promise_about_the_first_call(world: World, api: ApiAtHand) -> None:
    """An operator has made them wait; those that are accepted later count again."""
    worker = await world.worker()
    counted = worker.worker._lanes["sever"]._asking._meter._first
    await worker.resources.controls.pause("sever", ORDER, holds=True)
    await until(lambda: gate_of(worker).mode)
    before = counted._sum.get(), sum(bucket.get() for bucket in counted._buckets)
    held = await world.accepted(api, insurerIds=["sever"])
    await until(lambda: worker.worker._lanes["sever"].in_flight() == 1)
    await worker.resources.controls.resume("sever", ORDER)
    assert await status_of(world, api, held) == ("OFFERED", None)
    assert (counted._sum.get(), sum(bucket.get() for bucket in counted._buckets)) == before
    later = await world.accepted(api, insurerIds=["sever"])
    assert await status_of(world, api, later) == ("OFFERED", None)
    assert sum(bucket.get() for bucket in counted._buckets) == before[1] + 1


async def test_paused_insurers_are_shown_as_unavailable(world: World, api: ApiAtHand) -> None:
    """A forced circuit too; one that is forced closed is available."""
    controls = (await world.resources()).controls

    async def shown() -> dict[str, str]:
        body = (await api.post("{ insurers { id availability } }")).json()
        return {one["id"]: one["availability"] for one in body["data"]["insurers"]}

    await until(lambda: api.services.live.notifier.is_connected)
    await controls.pause("sever", ORDER)
    await controls.circuit("volga", "open", ORDER)
    await until(lambda: is_equal(shown, {"sever": "UNAVAILABLE", "volga": "UNAVAILABLE"}))
    await controls.resume("sever", ORDER)
    await controls.circuit("volga", "closed", ORDER)
    await until(lambda: is_equal(shown, {"sever": "AVAILABLE", "volga": "AVAILABLE"}))


async def is_equal(read: Callable[[], Awaitable[dict[str, str]]], expected: dict[str, str]) -> bool:
    return await read() == expected


async def test_a_change_that_no_message_announces_is_found(world: World, api: ApiAtHand) -> None:
    """Redis may be away: workers look for themselves."""
    worker = await world.worker()
    await worker.resources.controls.pause("sever", ORDER)
    await until(lambda: gate_of(worker).mode)
    await world.database.fetch("UPDATE osago_controls SET setting = 'hold', version = version + 1")
    await until(lambda: gate_of(worker).mode is PauseMode.HOLD)
    await world.database.fetch("DELETE FROM osago_controls")
    await until(lambda: gate_of(worker).mode is None)


async def test_a_gate_refuses_or_holds_and_wakes_what_waits() -> None:
    """Refusing in place of holding ends the waits; resting ends with a pause, and not before its time without one."""
    gate, clock = PauseGate(), MovedClock()
    gate.set(PauseMode.HOLD, AT)
    waiting = [asyncio.create_task(gate.passed()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    gate.set(PauseMode.REFUSE, AT)
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(one, InsurerPaused) and not one.holds for one in found] == [True, True]
    gate.set(None, AT)
    await gate.passed()
    resting = asyncio.create_task(gate.rest(5.0, clock))
    await until(lambda: clock._sleepers)
    await clock.advance(4.0)
    assert not resting.done()
    gate.set(PauseMode.HOLD, AT)
    await resting
