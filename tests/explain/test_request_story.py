"""The story of a request, as an operator has it: what happened, what it waits for, and what is not known."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from support.commands import typed_beside
from support.plain_http import plain_http
from support.until import until
from support.world import ApiAtHand, World

from app.observability.faults import FaultCode
from app.redis.insurer_states import InsurerStates
from app.resources import Resources
from app.story.explain import explain
from app.story.request_story import (
    Gap,
    GapCode,
    InsurerStory,
    NoRequest,
    OpenSlot,
    RequestStory,
    SeveralRequests,
    StepKind,
    StoryFault,
    StoryStep,
    WaitKind,
)
from sandbox.insurers.script.behaviours import Hang, Processing, Status
from workers.resilience.slot_reservations import PACE

NO_PATIENCE = {"quote_deadline": "2s", "end_margin": "1s"}


async def story_of(resources: Resources, accepted: Mapping[str, Any]) -> RequestStory:
    found = await explain(resources, accepted["quoteRequest"]["id"])
    assert isinstance(found, RequestStory)
    return found


def steps(story: RequestStory, insurer_id: str | None = None) -> list[StepKind]:
    return [step.kind for step in story.steps if step.insurer_id == insurer_id]


def only(story: RequestStory, kind: StepKind) -> StoryStep:
    (found,) = [step for step in story.steps if step.kind is kind]
    return found


def insurer(story: RequestStory, insurer_id: str) -> InsurerStory:
    return next(one for one in story.insurers if one.insurer_id == insurer_id)


def calls(story: RequestStory) -> list[tuple[str, str]]:
    return [(step.step, step.result) for step in story.steps if step.kind is StepKind.CALLED]


async def waiting_for(resources: Resources, accepted: Mapping[str, Any], kind: WaitKind) -> OpenSlot:
    """What the one open slot waits for, once it is this."""

    async def look() -> OpenSlot | None:
        (slot,) = [one.waiting for one in (await story_of(resources, accepted)).insurers]
        return slot if slot and slot.waits_for is kind else None

    return await until(look)


async def test_a_watched_request_is_explained_from_its_acceptance_to_its_last_frame(world: World) -> None:
    """Every hop, in order, by which process; and nothing is left open."""
    await world.insurers("sever", "volga")
    api, worker = await world.api(), await world.worker()
    await until(lambda: world.redis.client.zcard("{osago-00}:report-moments"))
    accepted = await world.accepted(api)
    await world.watched(api, accepted)
    story = await story_of(worker.resources, accepted)
    assert story.service == "core-app"
    for id_ in ("sever", "volga"):
        found = [step.kind for step in story.steps if step.insurer_id == id_ and step.kind is not StepKind.CALLED]
        assert found[:2] == [StepKind.ENQUEUED, StepKind.READ]
        assert sorted(found[2:]) == [StepKind.PUBLISHED, StepKind.SENT, StepKind.SETTLED]
        one = insurer(story, id_)
        assert (one.status, one.waiting, one.has_trail) == ("OFFERED", None, True)
    assert steps(story)[0] is StepKind.ACCEPTED
    assert only(story, StepKind.WATCHED).socket.startswith("ws-")
    assert only(story, StepKind.LEFT).result == "done"
    assert [step.result for step in story.steps if step.kind is StepKind.SENT][-1] == "end"
    assert [step.step for step in story.steps if step.kind is StepKind.CALLED].count("create") == 2
    assert [one.kind for one in story.processes if one.has_answered] == ["API", "WORKER"]
    assert story.not_known == ()
    assert story.faults == ()
    assert [step.at for step in story.steps] == sorted(step.at for step in story.steps)


async def test_the_command_prints_it_in_words_and_as_json(world: World) -> None:
    """The id of a quote finds the request, too; the JSON has a version."""
    await world.insurers("sever")
    api, _ = await world.api(), await world.worker()
    accepted = await world.accepted(api)
    await world.watched(api, accepted)
    request_id = accepted["quoteRequest"]["id"]
    words = await typed_beside(world, "explain", f"{request_id}:sever")
    assert words.returncode == 0, words.stderr
    assert "accepted from core-app" in words.stdout
    assert "create: " in words.stdout
    as_json = await typed_beside(world, "explain", request_id, "--json")
    found = json.loads(as_json.stdout)
    assert (found["kind"], found["version"], found["requestId"]) == ("REQUEST", 1, request_id)
    unknown = await typed_beside(world, "explain", "0190aaaa-0000-7000-8000-000000000000")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr.count("\n") == 1


async def test_a_watcher_that_comes_back_is_shown_with_what_it_had(world: World) -> None:
    """The story shows the cursor that it resumes with."""
    await world.insurers("sever", "volga")
    world.sandbox.set_mode("volga", Processing())
    api, worker = await world.api(), await world.worker()
    accepted = await world.accepted(api)
    url = f"{api.url}/osago/quotes/{accepted['quoteRequest']['id']}/events"
    cursor = await until(lambda: _first_cursor(url, api.token))
    headers = {"Authorization": f"Bearer {api.token}", "Last-Event-ID": cursor}
    async with plain_http() as http, http.stream("GET", url, headers=headers):
        resumed = await until(lambda: _step(worker.resources, accepted, StepKind.RESUMED))
    assert resumed.count == 1
    assert resumed.socket.startswith("stream-")
    gone = await until(lambda: _step(worker.resources, accepted, StepKind.LEFT))
    assert gone.result == "gone"


async def _first_cursor(url: str, token: str) -> str | None:
    """The id of the first event."""
    headers = {"Authorization": f"Bearer {token}"}
    async with plain_http() as http, http.stream("GET", url, headers=headers) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("id: "):
                return line.removeprefix("id: ")
    return None


async def _step(resources: Resources, accepted: Mapping[str, Any], kind: StepKind) -> StoryStep | None:
    story = await story_of(resources, accepted)
    return next((step for step in story.steps if step.kind is kind), None)


async def test_a_failed_call_and_its_repetition_are_both_in_it(world: World) -> None:
    """The failed call has its status; a poll without an answer is one that found it processing."""
    await world.insurers("sever")
    world.sandbox.script("sever", Status(step="create", status=503), Processing(step="poll"))
    api, worker = await world.api(), await world.worker()
    accepted = await world.accepted(api)
    await world.watched(api, accepted)
    found = calls(await story_of(worker.resources, accepted))
    assert found[:2] == [("create", "503"), ("create", "ok")]
    assert found[-1] == ("poll", "ok")
    assert ("poll", "processing") in found


async def test_an_open_slot_says_what_it_waits_for(world: World) -> None:
    """The story names the worker, since when, and until when where that is known."""
    world.set(quote_deadline="300s")
    each = {"sever": {"poll_interval": "60s"}, "volga": {"rate_limit": "1/min"}}
    await world.insurers("sever", "volga", each=each)
    world.sandbox.set_mode("sever", Processing())
    api = await world.api()
    resources = await world.resources()
    first = await world.accepted(api, insurerIds=["sever"])
    unread = await waiting_for(resources, first, WaitKind.WORKER)
    assert (unread.worker, unread.ahead) == ("", 1)
    worker = await world.worker()
    polling = await waiting_for(resources, first, WaitKind.NEXT_POLL)
    assert (polling.worker, polling.step) == (worker.worker.consumer, "poll")
    assert polling.since
    assert polling.next_at
    # With the next slot taken, the one that is left comes in a minute or later.
    await InsurerStates(resources.redis).reserve("volga", "create", interval_s=60 / PACE, count=1, hold_s=0)
    limited = await waiting_for(resources, await world.accepted(api, insurerIds=["volga"]), WaitKind.RATE_LIMIT)
    assert (limited.worker, limited.step) == (worker.worker.consumer, "create")


async def test_a_call_under_way_and_a_retry_are_waited_for(world: World) -> None:
    """The one waits for an insurer that hangs, the other for one that asked for patience."""
    await world.insurers("sever", "volga", more={"request_timeout": "20s"})
    world.sandbox.set_mode("sever", Hang())
    world.sandbox.set_mode("volga", Status(status=429, retry_after=10))
    api, worker = await world.api(), await world.worker()
    hanging = await world.accepted(api, insurerIds=["sever"])
    assert (await waiting_for(worker.resources, hanging, WaitKind.INSURER)).step == "create"
    busy = await world.accepted(api, insurerIds=["volga"])
    slot = await waiting_for(worker.resources, busy, WaitKind.RETRY)
    assert slot.next_at
    assert slot.paused_s


async def test_an_open_circuit_is_named(world: World) -> None:
    """The circuit is the reason for which no call was made."""
    await world.insurers("sever")
    api, worker = await world.api(), await world.worker()
    states = InsurerStates(worker.resources.redis)
    await states.open("sever", first_s=30, max_s=30, jitter=1, needs_answer=False)
    await until(lambda: worker.worker._circuits["sever"].availability == "UNAVAILABLE")
    accepted = await world.accepted(api)
    await world.watched(api, accepted)
    story = await story_of(worker.resources, accepted)
    assert only(story, StepKind.NOT_CALLED).result == "circuit_open"
    assert insurer(story, "sever").reason == "CIRCUIT_OPEN"


async def test_a_call_that_never_ended_is_kept_with_the_quote(world: World) -> None:
    """The end is written by another process; the worker adds how far it had come."""
    world.set(**NO_PATIENCE)
    await world.insurers("sever", more={"request_timeout": "20s"})
    world.sandbox.set_mode("sever", Hang())
    api, worker = await world.api(), await world.worker()
    accepted = await world.accepted(api)
    *_, end = await world.watched(api, accepted)
    assert end["outcome"] == "DEADLINE"
    await until(lambda: world.database.fetch("SELECT 1 FROM osago_quotes WHERE trail IS NOT NULL"))
    story = await story_of(worker.resources, accepted)
    assert calls(story) == [("create", "unfinished")]
    assert insurer(story, "sever").status == "TIMED_OUT"


async def test_after_a_flush_it_says_what_was_lost_and_that_it_was_brought_back(world: World) -> None:
    """Without a worker the jobs are gone, and the story says so; with one they come from recovery."""
    await world.insurers("sever", more={"request_timeout": "20s"})
    world.sandbox.set_mode("sever", Hang())
    api, resources = await world.api(), await world.resources()
    accepted = await world.accepted(api)
    await waiting_for(resources, accepted, WaitKind.WORKER)
    await world.database.fetch("UPDATE osago_requests SET created_at = created_at - interval '5 s'")
    await world.redis.client.flushdb()
    story = await story_of(resources, accepted)
    assert {Gap(code=GapCode.REDIS_LOST_IT), Gap(code=GapCode.NO_WORKER)} <= set(story.not_known)
    slot = insurer(story, "sever").waiting
    assert slot
    assert slot.waits_for in {WaitKind.OUTBOX, WaitKind.RECOVERY}, "its notice may not be deleted yet"
    await world.worker()
    await waiting_for(resources, accepted, WaitKind.INSURER)
    assert only(await story_of(resources, accepted), StepKind.ENQUEUED).by == "recovery"


async def test_without_redis_it_says_what_could_not_be_asked(world: World) -> None:
    """The story still has the way of each answer, which PostgreSQL keeps."""
    await world.insurers("sever")
    api, _ = await world.api(), await world.worker()
    accepted = await world.accepted(api)
    await world.watched(api, accepted)
    world.set(redis_url="redis://127.0.0.1:1/0")
    story = await story_of(await world.resources(), accepted)
    assert story.not_known == (Gap(code=GapCode.REDIS_AWAY),)
    assert story.faults == (StoryFault(code=FaultCode.SERVER_AWAY, what="redis"),)
    assert ("create", "ok") in calls(story)
    assert story.processes == ()


async def test_a_client_reference_is_its_callers(world: World) -> None:
    """An operator chooses one of several callers with the same one; `service` leaves the others' out."""
    world.write_insurers("sever")
    api, resources = await world.api(), await world.resources()
    ours = (await world.accepted(api, clientReference="order-7"))["quoteRequest"]["id"]
    found = await explain(resources, "order-7")
    assert isinstance(found, RequestStory)
    assert str(found.request_id) == ours
    other = ApiAtHand(api.url, world.token("another"), None)
    await world.accepted(other, clientReference="order-7")
    several = await explain(resources, "order-7")
    assert isinstance(several, SeveralRequests)
    assert sorted(one.service for one in several.requests) == ["another", "core-app"]
    theirs = await explain(resources, "order-7", service="core-app")
    assert isinstance(theirs, RequestStory)
    assert str(theirs.request_id) == ours
    assert await explain(resources, ours, service="another") == NoRequest()
    assert await explain(resources, "order-7", service="unknown") == NoRequest()
    chosen = await typed_beside(world, "explain", "order-7")
    assert chosen.returncode == 3
    assert chosen.stdout.count("\n") == 2


async def test_what_was_destroyed_is_said_to_be(world: World) -> None:
    """An application after its time leaves the story; a customer's demand leaves nothing."""
    world.write_insurers("sever")
    api, resources = await world.api(), await world.resources()
    accepted = await world.accepted(api)
    id_ = accepted["quoteRequest"]["id"]
    await world.database.fetch("UPDATE osago_requests SET application = NULL, application_key_id = NULL")
    assert (await story_of(resources, accepted)).is_application_purged
    await resources.purging.forget("customer-1")
    assert await explain(resources, id_) == NoRequest(was_forgotten=True)
    assert await explain(resources, f"no such thing\x00{id_}") == NoRequest()


async def test_an_inquiry_of_another_writer_is_not_answered_and_its_reply_not_shown(world: World) -> None:
    """Both need a MAC by our keys."""
    await world.insurers("sever")
    worker = await world.worker()
    api = await world.api()
    accepted = await world.accepted(api)
    request_id = UUID(accepted["quoteRequest"]["id"])
    await waiting_or_settled(worker.resources, accepted)
    forged = f"{request_id} 0123456789abcdef {int(worker.resources.clock.unix_s() * 1000)} k1:{'0' * 32}"
    await world.redis.client.publish("{osago-00}:inquiries", forged)
    names: Sequence[str] = [one.name for one in (await story_of(worker.resources, accepted)).processes]
    assert worker.worker.consumer in names
    assert await world.redis.client.exists("{osago-00}:replies:0123456789abcdef") == 0


async def waiting_or_settled(resources: Resources, accepted: Mapping[str, Any]) -> None:
    await until(lambda: story_of(resources, accepted))
