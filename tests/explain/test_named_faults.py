"""Each fault, really there, is named by the console and by the story of a request that suffers from it.

Limits of time are shortened here; tests/observability/test_twelve_faults.py has them as they are.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest
from support.commands import typed_beside
from support.proxy import proxied
from support.until import until
from support.world import ApiAtHand, World

from app.domain.quote import ReasonCode, failed
from app.observability.faults import FaultCode
from app.observability.recent_calls import RecentCalls
from app.overview.snapshot_reader import SnapshotReader
from app.overview.system_snapshot import Concern, Urgency
from app.postgres.database import read_time
from app.redis.dead_letters import DeadLetter, DeadLetters
from app.resources import Resources
from app.story.explain import explain
from app.story.request_story import RequestStory, StoryFault
from sandbox.insurers.script.behaviours import Delay, Hang, Processing, Status

MINUTE_S = 70.0
SKEW_S = 30.0


class Moments:
    """A clock that the test moves, seconds."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> Moments:
    """Calls are remembered by it."""
    moments = Moments()
    calls = RecentCalls(moments)
    for module in ("workers.insurer_calls.call_meter", "app.overview.process_reporter"):
        monkeypatch.setattr(f"{module}.RECENT_CALLS", calls)
    return moments


async def faults(resources: Resources, accepted: Mapping[str, Any]) -> tuple[StoryFault, ...]:
    found = await explain(resources, accepted["quoteRequest"]["id"])
    assert isinstance(found, RequestStory)
    return found.faults


async def explained(resources: Resources, accepted: Mapping[str, Any], code: FaultCode, what: str = "") -> StoryFault:
    """The fault of this request, once its story names it."""

    async def look() -> StoryFault | None:
        found = await faults(resources, accepted)
        return next((one for one in found if one.code is code and one.what == what), None)

    return await until(look)


async def red(resources: Resources, code: FaultCode, subject: str = "") -> Concern:
    """The alarm, once the console shows it."""

    async def look() -> Concern | None:
        found = (await SnapshotReader(resources).read()).concerns
        mine = (one for one in found if one.code is code and one.subject == subject)
        return next((one for one in mine if one.urgency is Urgency.ALARM), None)

    return await until(look)


async def several(world: World, api: ApiAtHand, count: int, **changes: Any) -> list[dict[str, Any]]:
    return await asyncio.gather(*(world.accepted(api, **changes) for _ in range(count)))


async def test_a_slow_insurer_is_named_with_the_call_beside_what_is_usual(world: World, moments: Moments) -> None:
    """Usual is what the workers have measured before; the command says it in words."""
    await world.insurers("sever", "volga")
    api, worker = await world.api(), await world.worker()
    for accepted in await several(world, api, 5):
        await world.watched(api, accepted)
    moments.now_s += MINUTE_S
    world.sandbox.set_mode("sever", Delay(seconds=1.2))
    slow = await several(world, api, 5)
    concern = await red(worker.resources, FaultCode.INSURER_SLOW, "sever")
    assert concern.value
    assert concern.usual is not None
    assert max(concern.usual, 1) < concern.value  # the insurer takes 1.2 s at the least
    fault = await explained(worker.resources, slow[0], FaultCode.INSURER_SLOW, "sever")
    assert fault.seconds
    assert fault.usual_s is not None
    assert max(fault.usual_s, 1) < fault.seconds
    assert {one.what for one in await faults(worker.resources, slow[0])} == {"sever"}
    said = await typed_beside(world, "explain", slow[0]["quoteRequest"]["id"])
    assert "- sever is slow: create " in said.stdout
    assert f"usually {fault.usual_s * 1000:.0f} ms" in said.stdout
    assert "[runbook insurer-slow]" in said.stdout


async def test_insurers_that_fail_hang_or_ask_for_patience_are_kept_apart(world: World, moments: Moments) -> None:
    """Each with how often and by which step; the one that is well is not accused."""
    del moments
    each = {"baikal": {"request_timeout": "200ms"}}
    await world.insurers("volga", "baikal", "ural", "onega", each=each)
    world.sandbox.set_mode("volga", Status(status=500))
    world.sandbox.set_mode("baikal", Hang())
    world.sandbox.set_mode("ural", Status(status=429, retry_after=0))
    api, worker = await world.api(), await world.worker()
    accepted = (await several(world, api, 3))[0]
    named = {
        "volga": (FaultCode.INSURER_FAILING, "500"),
        "baikal": (FaultCode.INSURER_HANGS, ""),
        "ural": (FaultCode.INSURER_BUSY, "429"),
    }
    for insurer, (code, detail) in named.items():
        await red(worker.resources, code, insurer)
        fault = await explained(worker.resources, accepted, code, insurer)
        assert (fault.step, fault.detail) == ("create", detail)
        assert fault.count
    assert {one.what for one in await faults(worker.resources, accepted)} == named.keys()


async def test_a_job_behind_a_full_lane_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """For how long it has waited, and how many places are taken; the one that has a place is not accused."""
    await world.insurers("kama", each={"kama": {"max_in_flight": 1}})
    world.sandbox.set_mode("kama", Processing())
    api, worker = await world.api(), await world.worker()
    accepted_at = time.monotonic()
    first = await world.accepted(api)
    await until(lambda: worker.worker._lanes["kama"].in_flight() == 1)
    long_s = max(0.3, time.monotonic() - accepted_at)  # longer than the first has waited
    monkeypatch.setattr("app.story.story_faults.READ_S_MAX", long_s)
    monkeypatch.setattr("app.overview.insurer_concerns.WAITING_S_MAX", long_s)
    second = await world.accepted(api)
    await red(worker.resources, FaultCode.JOBS_WAIT, "kama")

    async def is_full() -> bool:  # places are reported every two seconds
        return (await explained(worker.resources, second, FaultCode.JOBS_WAIT, "kama")).count == 1

    await until(is_full)
    assert await faults(worker.resources, first) == ()


async def test_a_process_that_does_not_hear_pub_sub_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is well and takes jobs; the request's frames come late."""
    await world.insurers("sever")
    world.sandbox.set_mode("sever", Processing())
    resources = await world.resources()
    async with proxied(world.redis.url) as proxy:
        world.set(redis_url=proxy.url)
        api = await world.api()
        name = await until(lambda: _api_of(resources))
        accepted = await world.accepted(api)
        assert [one.code for one in await faults(resources, accepted)] == [FaultCode.NO_WORKER]
        monkeypatch.setattr("app.redis.fleet.process_health.UNHEARD_S_MAX", 0.2)  # a start may take as long
        proxy.refuse(b"SUBSCRIBE")
        await api.services.live.notifier.reconnect()
        await red(resources, FaultCode.NOTIFIER_DOWN, name)
        fault = await explained(resources, accepted, FaultCode.NOTIFIER_DOWN, name)
        assert fault.seconds
        proxy.refuse(None)
        await world.stop()


async def _api_of(resources: Resources) -> str:
    found = (await SnapshotReader(resources).read()).processes
    return next((one.name for one in found if one.kind == "api"), "")


async def test_a_slow_postgresql_is_named_and_is_not_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what looks of the processes take, which the snapshot's own patience does not outlast."""
    monkeypatch.setattr("app.redis.fleet.process_health.LOOK_S_MAX", 0.2)
    world.write_insurers("sever")
    resources = await world.resources()
    async with proxied(world.database.url) as proxy:
        world.set(database_url=proxy.url)
        api = await world.api()
        accepted = await world.accepted(api)
        proxy.delay_s = 0.15
        concern = await red(resources, FaultCode.SERVER_SLOW, "postgresql")
        assert concern.value
        assert concern.value > 0.2
        fault = await explained(resources, accepted, FaultCode.SERVER_SLOW, "postgresql")
        assert fault.seconds
        assert fault.seconds > 0.2
        proxy.delay_s = 0.0
        await world.stop()


async def test_a_clock_that_is_off_is_named_where_its_process_had_a_part(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By how much, and in which direction; requests go by PostgreSQL's clock all the same."""
    await world.insurers("sever")
    api, worker = await world.api(), await world.worker()
    accepted = await world.accepted(api)
    await world.watched(api, accepted)
    clock, pool = worker.resources.clock, worker.resources.pool
    wall = clock.wall
    monkeypatch.setattr(clock, "wall", lambda: wall() - SKEW_S)
    await clock.sync(lambda: read_time(pool))
    concern = await red(worker.resources, FaultCode.CLOCK_OFF, worker.worker.consumer)
    assert concern.value
    assert round(concern.value) == -SKEW_S
    fault = await explained(worker.resources, accepted, FaultCode.CLOCK_OFF, worker.worker.consumer)
    assert fault.seconds
    assert round(fault.seconds) == -SKEW_S
    said = await typed_beside(world, "explain", accepted["quoteRequest"]["id"])
    assert "behind PostgreSQL's" in said.stdout


async def test_a_job_that_was_given_up_is_named(world: World) -> None:
    """Its quote is FAILED, INTERNAL, and its letter lies there."""
    world.write_insurers("sever", "volga")
    api, settler = await world.api(), await world.settler()
    accepted = await world.accepted(api)
    await settler.settle(accepted, "sever", answer=failed(ReasonCode.INTERNAL))
    resources = settler.resources
    request_id = (await explain(resources, accepted["quoteRequest"]["id"])).request_id  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue]
    letters = DeadLetters(resources.redis, shards=resources.settings.shards)
    await letters.bury(DeadLetter("sever", request_id, 3, "killed", "", resources.clock.now()))
    await red(resources, FaultCode.DEAD_LETTERS)
    await explained(resources, accepted, FaultCode.DEAD_LETTERS, "sever")


async def test_what_is_wrong_now_is_not_blamed_for_a_request_that_is_past(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute after its end a slow server, or Redis away, had no part in it."""
    await world.insurers("sever")
    api, _ = await world.api(), await world.worker()
    accepted = await world.accepted(api)
    await world.watched(api, accepted)
    world.set(redis_url="redis://127.0.0.1:1/0")
    resources = await world.resources()
    assert [one.code for one in await faults(resources, accepted)] == [FaultCode.SERVER_AWAY]
    await world.database.fetch("UPDATE osago_requests SET completed_at = completed_at - interval '61 s'")
    assert await faults(resources, accepted) == ()
