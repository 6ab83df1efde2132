"""Lanes: jobs are read as there is room, taken over, handed back, and never done twice."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from support.stalls import within
from support.until import until
from support.world import KEYS, ApiAtHand, WorkerAtHand, World

from app.observability import metrics
from app.postgres.cipher import Cipher
from app.redis import keys
from sandbox.insurers.script.behaviours import Hang, Processing
from workers.lanes.lane import Lane


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.set(lease="600ms")
    await world.insurers("sever", "volga")
    return await world.api()


def lane(at_hand: WorkerAtHand, insurer_id: str = "sever") -> Lane:
    return at_hand.worker._lanes[insurer_id]


def held(at_hand: WorkerAtHand, insurer_id: str = "sever") -> int:
    return len(lane(at_hand, insurer_id)._holdings)


async def statuses(world: World, accepted: dict[str, Any]) -> dict[str, str]:
    rows = await world.database.fetch(
        "SELECT insurer_id, status FROM osago_quotes WHERE request_id = $1", UUID(accepted["quoteRequest"]["id"])
    )
    return {row["insurer_id"]: row["status"] for row in rows}


async def test_a_lane_reads_no_more_than_it_has_places_for(world: World) -> None:
    """The rest waits in Redis, where another worker may take it."""
    await world.insurers("sever", more={"max_in_flight": 2})
    api = await world.api()
    worker = await world.worker()
    world.sandbox.set_mode("sever", Processing())
    for _ in range(5):
        await world.accepted(api)
    await until(lambda: held(worker) == 2)
    pending = await world.redis.client.xpending(keys.jobs(0, "sever"), keys.GROUP)
    assert (pending["pending"], await world.redis.client.xlen(keys.jobs(0, "sever"))) == (2, 5)
    world.sandbox.set_mode("sever", None)
    await until(lambda: all_settled(world, 5))


async def all_settled(world: World, count: int) -> bool:
    return len(await world.database.fetch("SELECT 1 FROM osago_quotes")) == count


async def test_all_lanes_of_a_worker_hold_one_application(world: World, api: ApiAtHand) -> None:
    """Opened once, in memory once, however many insurers are asked with it."""
    worker = await world.worker()
    for insurer in ("sever", "volga"):
        world.sandbox.set_mode(insurer, Processing())
    await world.accepted(api)
    await until(lambda: all(world.sandbox.seen_by(insurer).applications for insurer in ("sever", "volga")))
    (first,), (second,) = (lane(worker, insurer)._holdings.values() for insurer in ("sever", "volga"))
    assert first.application is not None
    assert first.application is second.application


async def test_a_worker_calls_only_the_insurers_of_its_option(world: World, api: ApiAtHand) -> None:
    """`--insurers`: jobs of the other insurers wait for another worker."""
    await world.worker(insurers=["volga"])
    accepted = await world.accepted(api)
    await until(lambda: statuses_are(world, accepted, {"volga": "OFFERED"}))
    assert await world.redis.client.xlen(keys.jobs(0, "sever")) == 1
    await world.worker(insurers=["sever"])
    await until(lambda: statuses_are(world, accepted, {"sever": "OFFERED", "volga": "OFFERED"}))


async def statuses_are(world: World, accepted: dict[str, Any], expected: dict[str, str]) -> bool:
    return await statuses(world, accepted) == expected


async def test_jobs_are_done_once_however_many_workers_there_are(world: World, api: ApiAtHand) -> None:
    """Each read by one of them; the insurer sees one application per request."""
    for number in range(3):
        await world.worker(f"worker-{number}")
    accepted = await asyncio.gather(*(world.accepted(api) for _ in range(30)))
    for one in accepted:
        assert len(await world.watched(api, one)) == 3
    assert world.sandbox.seen_by("sever").applications == 30
    assert world.sandbox.seen_by("sever").creates == 30
    for insurer in ("sever", "volga"):
        await until(lambda insurer=insurer: is_empty(world, insurer))


async def is_empty(world: World, insurer: str) -> bool:
    return await world.redis.client.xlen(keys.jobs(0, insurer)) == 0


async def test_many_jobs_taken_over_at_once_need_few_connections(world: World, api: ApiAtHand) -> None:
    """What an earlier worker remembered is read in one go: a thousand jobs are no thousand connections."""
    first = await world.worker("first")
    for insurer in ("sever", "volga"):
        world.sandbox.set_mode(insurer, Processing())
    accepted = await asyncio.gather(*(world.accepted(api) for _ in range(150)))
    await until(lambda: len(world.sandbox.seen_beginning_with("", 1000)) == 300)
    await until(lambda: all(seen.polls for seen in world.sandbox.seen_beginning_with("", 1000)))
    await first.stop()
    for insurer in ("sever", "volga"):
        world.sandbox.set_mode(insurer, None)
    await world.worker("second")
    await until(lambda: all_settled(world, 300))
    assert world.sandbox.seen_by("sever").creates == 150
    assert len(accepted) == 150


async def test_a_job_that_could_not_be_handed_back_is_found_again(
    world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is pending for a worker that is alive, so that no other worker would ever take it over."""
    worker = await world.worker()
    failing = iter([ConnectionError("gone")])
    hand_back, ask = worker.resources.jobs.hand_back, lane(worker)._asking.ask
    bugs = iter([ZeroDivisionError("a bug")])

    async def gone_once(*arguments: Any) -> None:
        for error in failing:
            raise error
        await hand_back(*arguments)

    async def buggy_once(*arguments: Any) -> Any:
        for error in bugs:
            raise error
        return await ask(*arguments)

    monkeypatch.setattr(type(worker.resources.jobs), "hand_back", staticmethod(gone_once))
    monkeypatch.setattr(lane(worker)._asking, "ask", buggy_once)
    accepted = await world.accepted(api, insurerIds=["sever"])
    await until(lambda: statuses_are(world, accepted, {"sever": "OFFERED"}))


async def test_a_stopped_worker_hands_back_and_another_polls_on(world: World, api: ApiAtHand) -> None:
    """The next worker polls with the insurer's id: no second application, and no wait for the lease."""
    first = await world.worker("first")
    world.sandbox.script("sever", Processing(times="forever"))
    accepted = await world.accepted(api)
    await until(lambda: world.sandbox.seen_by("sever").polls > 0)
    await first.stop()
    world.sandbox.rewrite("sever")
    await world.worker("second")
    await until(lambda: statuses_are(world, accepted, {"sever": "OFFERED", "volga": "OFFERED"}))
    assert world.sandbox.seen_by("sever").creates == 1


async def test_a_flush_in_mid_flight_loses_nothing(world: World, api: ApiAtHand) -> None:
    """The new epoch is found, and open requests are enqueued again; calls in flight go on."""
    for number in range(2):
        await world.worker(f"worker-{number}")
    world.sandbox.set_mode("sever", Processing())
    accepted = [await world.accepted(api) for _ in range(10)]
    watches = [asyncio.create_task(world.watched(api, one)) for one in accepted]
    await until(lambda: world.sandbox.seen_by("sever").applications == 10)
    await world.redis.client.flushdb()
    world.sandbox.set_mode("sever", None)
    for events in await asyncio.gather(*watches):
        assert [event["__typename"] for event in events] == ["QuoteReceived", "QuoteReceived", "QuotesCompleted"]
        assert events[-1]["outcome"] == "ALL_ANSWERED"
    assert world.sandbox.seen_by("sever").applications == 10


async def test_a_job_delivered_anew_while_ownership_is_asked_is_not_given_up(
    world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is about the entry that was asked for, not about the one that came meanwhile."""
    worker = await world.worker()
    world.sandbox.set_mode("sever", Processing())
    accepted = await world.accepted(api, insurerIds=["sever"])
    await until(lambda: held(worker) == 1)
    [holding] = lane(worker)._holdings.values()

    async def nothing_is_owned_any_more(*_: Any) -> set[str]:
        lane(worker).begin([replace(holding.delivery, entry="9-9")])
        return set()

    monkeypatch.setattr(type(worker.resources.jobs), "owned", staticmethod(nothing_is_owned_any_more))
    await lane(worker).drop_what_is_not_owned(0)
    assert not holding.is_lost
    world.sandbox.set_mode("sever", None)
    await until(lambda: statuses_are(world, accepted, {"sever": "OFFERED"}))


async def test_a_pending_job_that_no_task_has_is_found(
    world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker is alive, so that no other one takes it over; the worker finds it by reading its own pending list."""
    monkeypatch.setattr("workers.lanes.stream_reader.AUDIT_EVERY_S", 0.2)
    worker = await world.worker()
    lost = lane(worker).begin
    monkeypatch.setattr(lane(worker), "begin", lambda _: monkeypatch.setattr(lane(worker), "begin", lost))
    accepted = await world.accepted(api, insurerIds=["sever"])
    await until(lambda: statuses_are(world, accepted, {"sever": "OFFERED"}))


async def test_a_job_that_redis_lost_before_it_was_read_comes_again(world: World, api: ApiAtHand) -> None:
    """Accepted while no worker was there, then flushed: the first worker to come finds it in PostgreSQL."""
    accepted = await world.accepted(api)
    await until(lambda: world.redis.client.exists(keys.jobs(0, "sever")))
    await world.redis.client.flushdb()
    await world.worker()
    await until(lambda: statuses_are(world, accepted, {"sever": "OFFERED", "volga": "OFFERED"}))


async def test_a_cancelled_request_ends_the_asking_within_a_second(world: World, api: ApiAtHand) -> None:
    """No answer is polled for any longer; the place is free again."""
    worker = await world.worker()
    world.sandbox.set_mode("sever", Processing())
    accepted = await world.accepted(api)
    await until(lambda: world.sandbox.seen_by("sever").polls > 0)
    cancel = "mutation C($id: ID!) { cancelQuoteRequest(id: $id) { status } }"
    await api.post(cancel, {"id": accepted["quoteRequest"]["id"]})
    with within(1):
        await until(lambda: held(worker) == 0)
    await until(lambda: is_empty(world, "sever"))


async def test_a_job_whose_quote_is_settled_already_is_only_published(world: World, api: ApiAtHand) -> None:
    """Its first worker died between the commit and the acknowledgement: the insurer is not called again."""
    world.sandbox.set_mode("volga", Hang())
    settler = await world.settler()
    accepted = await world.accepted(api)
    await until(lambda: world.redis.client.exists(keys.jobs(0, "sever")))
    await settler.settle(accepted, "sever")
    await world.redis.client.flushdb()
    request_id = accepted["quoteRequest"]["id"]
    await world.redis.client.xgroup_create(keys.jobs(0, "sever"), keys.GROUP, "0", mkstream=True)
    await world.redis.client.xadd(keys.jobs(0, "sever"), {"request": request_id})
    await world.worker()
    await until(lambda: world.redis.client.exists(keys.events(0, UUID(request_id))))
    await until(lambda: is_empty(world, "sever"))
    assert world.sandbox.seen_by("sever").creates == 0


async def test_a_job_of_a_request_that_is_not_there_is_discarded(world: World, api: ApiAtHand) -> None:
    """It would come back for ever."""
    await world.redis.client.xgroup_create(keys.jobs(0, "sever"), keys.GROUP, "0", mkstream=True)
    await world.redis.client.xadd(keys.jobs(0, "sever"), {"request": str(UUID(int=7))})
    await world.worker()
    await until(lambda: is_empty(world, "sever"))


async def test_an_entry_that_is_no_job_is_left_aside(world: World, api: ApiAtHand) -> None:
    """Another writer's, read or delivered before: it is counted and taken out, and those beside it are worked on."""
    before, stream = metrics.FOREIGN._value.get(), keys.jobs(0, "sever")
    await world.redis.client.xgroup_create(stream, keys.GROUP, "0", mkstream=True)
    for fields in ({"x": "1"}, {"request": "7"}, {"request": ""}):
        await world.redis.client.xadd(stream, fields)
    accepted = await world.accepted(api, insurerIds=["sever"])
    await world.worker()
    await until(lambda: statuses_are(world, accepted, {"sever": "OFFERED"}))
    await until(lambda: is_empty(world, "sever"))
    assert metrics.FOREIGN._value.get() == before + 3


async def test_a_job_that_ends_before_its_first_step_frees_its_place(
    world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request's end is heard of in the turn in which its job is begun."""
    worker = lane(await world.worker())
    start, ended = worker._tasks.start, list[Any]()

    def ended_at_once(work: Any) -> Any:
        task = start(work)
        if "_work" in work.__qualname__:
            task.cancel()
            ended.append(task)
        return task

    monkeypatch.setattr(worker._tasks, "start", ended_at_once)
    await world.accepted(api, insurerIds=["sever"])
    await until(lambda: ended and ended[0].done() and worker.free == worker.places)


async def test_without_postgresql_a_lane_waits_and_goes_on(world: World, api: ApiAtHand) -> None:
    """A restart under way: jobs that were read are neither lost nor failed."""
    await world.worker()
    world.sandbox.script("sever", Processing(times=3))
    accepted = [await world.accepted(api) for _ in range(5)]
    await world.database.break_connections()
    for one in accepted:
        await until(lambda one=one: statuses_are(world, one, {"sever": "OFFERED", "volga": "OFFERED"}))


async def test_a_bug_in_one_job_is_handed_back_counted_and_buried_in_the_end(
    world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retried a few times, then once alone in a process of its own; jobs beside it are not affected."""
    world.set(max_deliveries=3)
    monkeypatch.setattr("os.environ", world.environment)  # what the process of its own starts with
    worker = await world.worker()
    asked: list[UUID] = []
    ask = lane(worker)._asking.ask

    async def buggy(job: Any, ownership: Any) -> Any:
        if job.request_id == poison:
            asked.append(job.request_id)
            raise ZeroDivisionError("secret")
        return await ask(job, ownership)

    monkeypatch.setattr(lane(worker)._asking, "ask", buggy)
    world.sandbox.set_mode("volga", Processing())
    poison, counted = UUID(int=0), metrics.HANDED_BACK.labels("sever", "bug")._value
    before = counted.get()
    poisoned = await world.accepted(api, insurerIds=["sever"])
    poison = UUID(poisoned["quoteRequest"]["id"])
    innocent = [await world.accepted(api, insurerIds=["sever"]) for _ in range(5)]
    for one in innocent:
        await until(lambda one=one: statuses_are(world, one, {"sever": "OFFERED"}))
    await until(lambda: settled(world, poisoned))
    assert asked
    # One that Redis did not hear of in time comes again uncounted.
    assert counted.get() - before <= 2


async def settled(world: World, accepted: dict[str, Any]) -> bool:
    return bool(await statuses(world, accepted))


async def test_an_application_of_a_later_form_is_left_to_others(world: World, api: ApiAtHand) -> None:
    """A worker of this release hands it back uncounted, as often as it meets it: it is no bug, and never a dead letter."""
    world.set(max_deliveries=2)
    accepted = await world.accepted(api, insurerIds=["sever"])
    request_id = UUID(accepted["quoteRequest"]["id"])
    cipher = Cipher.from_setting(KEYS)
    [row] = await world.database.fetch("SELECT application FROM osago_requests WHERE id = $1", request_id)
    later = cipher.seal(request_id, b'{"form":3,"anything":true}')
    await world.database.fetch("UPDATE osago_requests SET application = $2 WHERE id = $1", request_id, later.box)
    worker = await world.worker()
    left = metrics.HANDED_BACK.labels("sever", "form")._value
    before = left.get()
    await until(lambda: left.get() >= before + 4)
    assert await world.redis.client.xlen(keys.dead_letters(0)) == 0
    assert await statuses(world, accepted) == {}
    await world.database.fetch(
        "UPDATE osago_requests SET application = $2 WHERE id = $1", request_id, row["application"]
    )
    await until(lambda: statuses_are(world, accepted, {"sever": "OFFERED"}))
    await until(lambda: held(worker) == 0)  # the answer is committed before its job is acknowledged
