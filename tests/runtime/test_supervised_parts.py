"""Each part of a process meets an unexpected error, and the process goes on: the list of parts is the process's own."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client import REGISTRY
from support.stalls import within
from support.until import until
from support.world import ApiAtHand, World

from app.domain.errors import OsagoError
from app.runtime.supervision import PartSupervisor, RunningPart
from sandbox.insurers.script.behaviours import Processing

INSURERS = ("sever", "volga")


class Surprise(Exception):
    """None that any part expects."""


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    await world.insurers(*INSURERS)
    return await world.api()


def raise_in(running: RunningPart, error: Exception) -> bool:
    """Makes that raise which the part waits for at this moment; False where it waits for nothing right now."""
    waits_for: Any = running.task
    while isinstance(waits_for, asyncio.Task):
        waits_for = waits_for._fut_waiter  # type: ignore[attr-defined]
    if waits_for is None or waits_for.done():
        return False
    waits_for.set_exception(error)
    return True


def failures() -> float:
    kinds = (one for metric in REGISTRY.collect() if metric.name == "osago_part_failures" for one in metric.samples)
    return sum(sample.value for sample in kinds if sample.name.endswith("_total"))


async def surprise(parts: Mapping[str, RunningPart], name: str, error: Exception) -> None:
    """Raises in a part until it has been started again in a task of its own."""
    running, starts, task = parts[name], parts[name].starts, parts[name].task

    def is_started_again() -> bool:
        if running.starts == starts:
            raise_in(running, error)
        return running.starts > starts and running.task not in {None, task}

    await until(is_started_again)


async def serves(world: World, api: ApiAtHand) -> None:
    """A request is accepted, asked about, settled, pushed, and ended; without the silent stand-ins' patience."""
    accepted = await world.accepted(api)
    with within(20, *world.server_pids):
        events = await world.watched(api, accepted)
    assert sorted(event["quote"]["status"] for event in events[:-1]) == ["OFFERED"] * len(INSURERS)
    assert events[-1]["outcome"] == "ALL_ANSWERED"


def expected(supervisor: PartSupervisor, *names: str) -> None:
    """The list is the whole one, or the test would say nothing."""
    assert set(names) <= set(supervisor.parts)


@pytest.mark.parametrize(
    "error",
    [Surprise("a bug"), AttributeError("'NoneType' object has no attribute 'writelines'"), OsagoError("ours")],
    ids=["a bug", "a connection closed under it", "an error of ours"],
)
async def test_each_part_of_an_api_and_of_a_worker_is_started_again(
    world: World, api: ApiAtHand, error: Exception
) -> None:
    """Each fails once, is counted, and is a fresh task afterwards; then everything works as before."""
    worker = await world.worker()
    await serves(world, api)
    supervisors: list[PartSupervisor] = [api.app.state.supervisor, worker.worker.supervisor]
    expected(
        supervisors[0], "accept-commits", "watch-notified", "notifier", "clock", "sweeper", "lookout:redis", "admission"
    )
    expected(supervisors[1], "presence:0", "relay", "reader:sever:0", "reader:volga:0", "settle-news", "quarantine")
    before = failures()
    for supervisor in supervisors:
        for name in supervisor.parts:
            await surprise(supervisor.parts, name, error)
        assert supervisor.failing == []
    assert failures() >= before + sum(len(supervisor.parts) for supervisor in supervisors)
    await serves(world, api)
    assert not worker.task.done()


async def test_a_reader_that_breaks_beside_a_full_lane_ends_neither_its_process_nor_a_job(
    world: World, api: ApiAtHand
) -> None:
    """Jobs that are being asked about go on; what was delivered and never heard of is read again."""
    worker = await world.worker()
    world.sandbox.set_mode("sever", Processing())
    accepted = [await world.accepted(api, insurerIds=["sever"]) for _ in range(3)]
    lane = worker.worker._lanes["sever"]
    await until(lambda: len([one for one in lane._holdings.values() if one.task]) == len(accepted))
    tasks = {holding.task for holding in lane._holdings.values()}
    await surprise(worker.worker.supervisor.parts, "reader:sever:0", Surprise())
    assert {holding.task for holding in lane._holdings.values()} == tasks
    world.sandbox.set_mode("sever", None)
    for one in accepted:
        assert (await world.watched(api, one))[0]["quote"]["status"] == "OFFERED"


async def test_a_job_that_cannot_even_be_handed_back_ends_nothing_but_itself(
    world: World, api: ApiAtHand, caplog: pytest.LogCaptureFixture
) -> None:
    """Both the job and the way out of it fail by surprise: it is delivered again, and the lane works on."""
    worker = await world.worker()
    raise_once(worker.worker._lanes["sever"]._asking, "ask")
    raise_once(worker.resources.jobs, "hand_back")
    accepted = await world.accepted(api, insurerIds=["sever"])
    with within(25, *world.server_pids):
        assert (await world.watched(api, accepted))[0]["quote"]["status"] == "OFFERED"
    assert not worker.task.done()
    assert any("jobs.kept" in record.getMessage() for record in caplog.records)


async def test_jobs_that_can_neither_be_read_nor_handed_back_free_their_places(world: World, api: ApiAtHand) -> None:
    """A batch fails by surprise, and the way out of it: its jobs are begun again, and the lane holds none of them for ever."""
    worker = await world.worker()
    lane, jobs = worker.worker._lanes["sever"], worker.resources.jobs
    raise_once(lane._works, "read")
    raise_once(jobs, "hand_back")
    accepted = await world.accepted(api, insurerIds=["sever"])
    with within(25, *world.server_pids):
        assert (await world.watched(api, accepted))[0]["quote"]["status"] == "OFFERED"
    await until(lambda: not lane._holdings)
    assert not worker.task.done()


def raise_once(owner: Any, name: str) -> None:
    """The next call of this method fails as redis-py does when a connection is closed under it."""
    method = getattr(owner, name)

    async def raises(*_: Any) -> None:
        setattr(owner, name, method)
        raise AttributeError

    setattr(owner, name, raises)
