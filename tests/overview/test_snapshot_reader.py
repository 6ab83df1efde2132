"""The snapshot shows what is there, and says what it does not know."""

import asyncio
from datetime import UTC, datetime

from support.until import until
from support.world import World

from app.overview.snapshot_reader import SnapshotReader
from app.overview.system_snapshot import Snapshot
from app.redis.fleet.process_reports import FORM, ProcessReport, ProcessReports
from sandbox.insurers.script.behaviours import Processing


async def read(world: World) -> Snapshot:
    return await SnapshotReader(await world.resources()).read()


async def test_it_shows_what_was_asked_and_answered(world: World) -> None:
    """Requests, ends, answers by status, frames and processes, of all processes together."""
    await world.insurers("sever", "volga")
    worker, api = await world.worker("night"), await world.api()
    world.sandbox.set_mode("sever", Processing())  # an answer that was there before its subscriber counts as no frame
    watching = asyncio.create_task(world.watched(api, await world.accepted(api)))
    await until(lambda: api.services.live.subscriptions)
    world.sandbox.set_mode("sever", None)
    await watching
    await worker.worker._reporter.run_once()
    found = await read(world)
    sever = found.insurers[0]
    assert (sever.id, sever.waiting, sever.places, sever.workers) == ("sever", 0, 2500, 1)
    assert sum(sever.answers.values()) >= 1
    assert sever.calls["ok"] >= 2
    assert sever.asking_p50_s is not None
    assert found.requests.open == 0
    assert found.requests.accepted >= 1
    # Counted by the process, over five minutes: tests before this one count, too.
    ends = sum(found.requests.ended.values())
    assert found.requests.in_time == (ends - found.requests.late) / ends
    assert sum(found.requests.ended.values()) >= 1
    assert found.push.frames >= 1
    assert found.servers == {"postgresql": "ok", "redis": "ok"}
    assert {(one.kind, one.state) for one in found.processes} == {("worker", "WORKING"), ("api", "WORKING")}


async def test_jobs_that_wait_and_requests_near_their_end_are_named(world: World) -> None:
    """Without a worker all jobs wait, and the insurers that have not answered are named."""
    world.set(quote_deadline="9s")
    world.write_insurers("sever", "volga")
    api = await world.api()
    accepted = await world.accepted(api)
    resources = await world.resources()

    async def both_wait() -> bool:
        return all(one.waiting == 1 for one in (await resources.jobs.backlog(["sever", "volga"])).values())

    await until(both_wait)
    found = await SnapshotReader(resources).read()
    assert [(one.waiting, one.oldest_s is not None) for one in found.insurers] == [(1, True), (1, True)]
    (near,) = found.requests.first
    assert (near.id, near.asked, set(near.missing)) == (accepted["quoteRequest"]["id"], 2, {"sever", "volga"})
    assert (found.requests.open, found.requests.near, found.requests.overdue) == (1, 1, 0)


async def test_a_server_that_is_away_costs_only_its_own_figures(world: World) -> None:
    """What the other one knows is shown all the same."""
    world.write_insurers("sever")
    resources = await world.resources()
    await resources.redis.aclose()
    world.set(redis_url="redis://127.0.0.1:1/0")
    without_redis = await read(world)
    assert without_redis.servers == {"postgresql": "ok", "redis": "not there"}
    assert (without_redis.requests.open, without_redis.insurers[0].waiting, without_redis.dead_letters) == (
        0,
        None,
        None,
    )
    world.set(redis_url=world.redis.url, database_url="postgresql://osago@127.0.0.1:1/osago")
    without_postgresql = await read(world)
    assert without_postgresql.servers == {"postgresql": "not there", "redis": "ok"}
    assert (without_postgresql.requests.open, without_postgresql.insurers[0].waiting) == (None, 0)


async def test_a_worker_that_dies_is_shown_as_silent_and_one_that_leaves_is_not_shown(world: World) -> None:
    """The first is a fault to see, the second is a deployment."""
    world.write_insurers("sever")
    killed, left = await world.worker("killed"), await world.worker("left")
    await asyncio.gather(killed.worker._presence.begun.wait(), left.worker._presence.begun.wait())
    for one in (killed, left):
        await one.worker._reporter.run_once()
    await left.stop()
    await world.redis.client.zrem("{osago-00}:heartbeats", killed.worker.consumer)
    await killed.worker.supervisor.stop()
    found = await read(world)
    assert [(one.name, one.state) for one in found.processes] == [(killed.worker.consumer, "SILENT")]


async def test_a_report_of_another_form_is_shown_as_far_as_it_can_be_read(world: World) -> None:
    """During an upgrade both releases run."""
    world.write_insurers("sever")
    resources = await world.resources()
    report = ProcessReport(FORM + 1, "api", "api-new", "host-2", 7, datetime.now(UTC), sockets=9)
    await ProcessReports(resources.redis).write(report)
    (process,) = (await SnapshotReader(resources).read()).processes
    assert (process.name, process.host, process.sockets, process.state) == ("api-new", "host-2", 0, "WORKING")


async def test_ten_viewers_cost_one_read_a_second_and_none_costs_nothing(world: World) -> None:
    """All viewers of a process share its snapshots."""
    world.write_insurers("sever")
    api = await world.api()
    feed = api.app.state.console.feed
    snapshots = await asyncio.gather(*(feed.latest() for _ in range(10)))
    assert len(set(snapshots)) == 1
    assert feed.reads == 1
