"""One trace has every hop of a request, from its caller to the frame, through real processes and a real collector."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from support.otlp_receiver import Receiver, SeenSpan, otlp_receiver
from support.plain_http import plain_http
from support.processes import api_process, together, worker_process
from support.until import until
from support.wire import Insurer, listening
from support.world import ApiAtHand, World

from app.observability.tracing.frame_spans import FrameSpans
from app.observability.tracing.otlp_tracer import OtlpTracer
from app.observability.tracing.trace_context import TraceContext
from cli.quote.aggregator_client import CREATE
from sandbox.insurers.script.behaviours import Processing
from workers.maintenance.outbox_relay import relay_once

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{CALLER}-01"
INSURERS = ("sever", "volga")
REQUEST = "mutation CreateQuoteRequest"
"""The span of an API's answer: what it has begun may end before it."""


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver, None]:
    async with otlp_receiver() as made:
        yield made


@pytest.fixture
def traced(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """What is started from now on, in this process too, has traces."""
    for name, value in receiver.environment().items():
        monkeypatch.setenv(name, value)
    return receiver


async def created(world: World, api: ApiAtHand, **headers: str) -> dict[str, Any]:
    reply = await api.post(CREATE, {"input": world.new_request()}, headers=headers)
    return reply.json()["data"]["createQuoteRequest"]


async def arrived(traced: Receiver, *names: str) -> None:
    """Each process sends its spans by itself, and no span waits for those of others."""
    await until(lambda: all(traced.named(name) for name in names))


def only(spans: list[SeenSpan]) -> SeenSpan:
    assert len(spans) == 1, [span.name for span in spans]
    return spans[0]


@pytest.mark.processes
async def test_one_trace_has_every_hop_of_a_request(world: World, traced: Receiver) -> None:
    """The caller's span, the API, the stream, the worker, each call to each insurer, the quote's way out, each frame."""
    await world.insurers(*INSURERS)
    async with AsyncExitStack() as stack:
        process, _ = await together(
            stack, api_process(world.folder, world.environment), worker_process(world.folder, world.environment)
        )
        for insurer in INSURERS:
            world.sandbox.set_mode(insurer, Processing())
        api = ApiAtHand(process.url, world.token(), None)
        accepted = await created(world, api, traceparent=TRACEPARENT, tracestate="vendor=1")
        watching = asyncio.create_task(world.watched(api, accepted))
        await until(lambda: _is_watched(api))
        await until(lambda: all(world.sandbox.seen_by(insurer).polls for insurer in INSURERS))
        for insurer in INSURERS:
            world.sandbox.set_mode(insurer, None)
        assert len(await watching) == len(INSURERS) + 1
        await until(lambda: len(traced.named("push events")) == len(INSURERS) + 1)
        await until(lambda: len(traced.named("process jobs")) == len(INSURERS))

    assert {span.trace for span in traced.spans} == {TRACE}
    request = only(traced.named(REQUEST))
    assert (request.service, request.kind, request.parent, request.state) == ("osago-api", "SERVER", CALLER, "vendor=1")
    assert request.attributes["graphql.operation.type"] == "mutation"
    assert request.attributes["osago.request_id"] == accepted["quoteRequest"]["id"]
    enqueued = only(traced.named("send jobs"))
    assert (enqueued.service, enqueued.kind, enqueued.parent) == ("osago-api", "PRODUCER", request.id)
    assert [span.name for span in traced.below(request)].count("store request") == 1

    jobs = traced.named("process jobs")
    assert {job.attributes["osago.insurer"] for job in jobs} == set(INSURERS)
    for job in jobs:
        assert (job.service, job.kind, job.parent) == ("osago-worker", "CONSUMER", enqueued.id)
        assert job.links == ((TRACE, enqueued.id),)
        steps = traced.below(job)
        names = [span.name for span in steps]
        assert (names.count("create"), names.count("store quote"), names.count("send events")) == (1, 1, 1)
        assert names.count("poll") >= 2
        for step in steps:
            if step.name in {"create", "poll"}:
                call = only(traced.below(step))
                assert (call.name, call.kind) == ("POST" if step.name == "create" else "GET", "CLIENT")
                assert call.attributes["http.response.status_code"] in {200, 202}
        published = only([span for span in steps if span.name == "send events"])
        _check_frame(traced, request, published, job.attributes["osago.insurer"])
    end = only([span for span in traced.named("send events") if "osago.insurer" not in span.attributes])
    assert end.parent == request.id
    _check_frame(traced, request, end, None)


def _check_frame(traced: Receiver, request: SeenSpan, published: SeenSpan, insurer: str | None) -> None:
    """Below the event that it shows; below the request where PostgreSQL was read before the event came, as after a break of the notifier."""
    frame = only([span for span in traced.named("push events") if span.attributes.get("osago.insurer") == insurer])
    assert (frame.service, frame.kind) == ("osago-api", "CONSUMER")
    assert frame.parent in {published.id, request.id}
    assert frame.links == ((TRACE, frame.parent),)


def test_a_frame_is_linked_with_what_published_its_event() -> None:
    """Each answer with its own; one that came from PostgreSQL with the request; of another request there is no span."""
    exporter = InMemorySpanExporter()
    frames = FrameSpans(OtlpTracer("osago-api", "tests", SimpleSpanProcessor(exporter)))
    request_id, request, published = uuid4(), TraceContext(1, 2), TraceContext(1, 3)
    frames.watched(request_id, request.wire)
    frames.arrived(request_id, "sever", published.wire)
    for insurer in ("sever", "volga"):
        frames.sent(request_id, "ws-1", insurer)
    frames.sent(uuid4(), "ws-1", "sever")
    spans = exporter.get_finished_spans()
    assert [span.parent and span.parent.span_id for span in spans] == [published.span_id, request.span_id]
    assert [[link.context.span_id for link in span.links] for span in spans] == [[3], [2]]


@pytest.mark.processes
async def test_a_job_that_is_taken_over_goes_on_in_its_trace(world: World, traced: Receiver) -> None:
    """The second worker's span is linked with what enqueued the job, as the first one's would have been."""
    await world.insurers("sever")
    async with AsyncExitStack() as stack:
        api = await world.api()
        names = ("first", "second")
        workers = await together(
            stack, *(worker_process(world.folder, world.environment, "--name", name) for name in names)
        )
        world.sandbox.set_mode("sever", Processing())
        accepted = await created(world, api, traceparent=TRACEPARENT)
        await until(lambda: world.sandbox.seen_by("sever").polls)
        [(entry, _)] = await world.redis.client.xrange("{osago-00}:jobs:sever")
        [pending] = await world.redis.client.xpending_range("{osago-00}:jobs:sever", "workers", "-", "+", 1)
        victim = next(number for number, name in enumerate(names) if pending["consumer"].startswith(name))
        workers[victim].kill()
        polls = world.sandbox.seen_by("sever").polls
        await until(lambda: world.sandbox.seen_by("sever").polls > polls)
        world.sandbox.set_mode("sever", None)
        await world.watched(api, accepted)
        await arrived(traced, "process jobs", "send jobs")
    job = only(traced.named("process jobs"))
    sent = only(traced.named("send jobs"))
    assert (job.trace, job.parent, job.links) == (TRACE, sent.id, ((TRACE, sent.id),))
    assert job.attributes["messaging.client.id"].startswith(names[1 - victim])
    assert job.attributes["messaging.message.id"] == entry
    assert job.attributes["osago.taken_from"].startswith(names[victim])
    assert job.attributes["osago.deliveries"] == 2


@pytest.mark.parametrize("via", ["relay", "recovery"])
async def test_what_a_crash_or_a_flush_left_goes_on_in_its_trace(world: World, traced: Receiver, via: str) -> None:
    """The trace stands with the request: relay and recovery send its jobs within it."""
    await world.insurers("sever")
    api = await world.api()
    accepted = await created(world, api, traceparent=TRACEPARENT)
    await arrived(traced, REQUEST, "send jobs")
    await until(lambda: _outbox_is_empty(world))
    await world.redis.client.flushdb()
    if via == "relay":
        await world.database.fetch(
            "INSERT INTO osago_outbox (request_id, kind, created_at) "
            "SELECT id, 'accepted', created_at - interval '5 s' FROM osago_requests"
        )
        await relay_once(await world.resources())
    await world.worker()  # finds the epoch gone, and recovers what the relay has not enqueued
    await world.watched(api, accepted)
    request = only(traced.named(REQUEST))
    await until(lambda: traced.named("process jobs") and len(traced.named("send jobs")) > 1)
    again = only([span for span in traced.named("send jobs") if span.attributes.get("osago.via") == via])
    assert (again.trace, again.parent) == (TRACE, request.id)
    assert only(traced.named("process jobs")).parent == again.id


async def test_frames_of_answers_that_were_there_before_are_in_the_trace(world: World, traced: Receiver) -> None:
    """PostgreSQL knows the request's trace, and not what published the answer: the frame stands below the request."""
    await world.insurers("sever")
    api = await world.api()
    await world.worker()
    accepted = await created(world, api, traceparent=TRACEPARENT)
    await until(lambda: len(traced.named("send events")) == 2)
    await world.watched(api, accepted)
    await until(lambda: len(traced.named("push events")) == 2)
    await arrived(traced, REQUEST)
    request = only(traced.named(REQUEST))
    assert {frame.parent for frame in traced.named("push events")} == {request.id}


async def test_the_call_of_an_insurer_is_in_the_trace_of_its_job(world: World, traced: Receiver) -> None:
    """By the address that the job gave away; the worker's reading of it is linked with the call."""
    callback = {"adapter": "callback", "options": {"callback_secret": "sandbox"}, "poll_interval": "20s"}
    await world.insurers("sever", each={"sever": callback})
    api = await world.api()
    world.set(public_url=api.url)
    await world.worker()
    accepted = await created(world, api, traceparent=TRACEPARENT)
    await world.watched(api, accepted)
    await arrived(traced, "POST /callbacks", "callback", "create", "process jobs")
    called, read = only(traced.named("POST /callbacks")), only(traced.named("callback"))
    assert (called.kind, called.trace, called.service) == ("SERVER", TRACE, "osago-api")
    assert called.parent == only(traced.named("create")).id
    assert read.links == ((TRACE, called.id),)
    assert read.parent == only(traced.named("process jobs")).id


async def test_rest_requests_have_traces_too(world: World, traced: Receiver) -> None:
    """The same use case, the same trace below it."""
    await world.insurers("sever")
    api = await world.api()
    async with plain_http() as http:
        headers = {"Authorization": f"Bearer {api.token}", "traceparent": TRACEPARENT}
        await http.post(f"{api.url}/osago/quotes", json=world.new_request(), headers=headers)
    await arrived(traced, "POST /osago/quotes", "send jobs")
    request = only(traced.named("POST /osago/quotes"))
    assert (request.trace, request.parent, request.kind) == (TRACE, CALLER, "SERVER")
    assert only(traced.named("send jobs")).parent == request.id


async def test_only_insurers_that_want_it_get_our_traceparent(world: World, traced: Receiver) -> None:
    """As `insurers.toml` has it, and never a `tracestate`: that is others' business."""
    async with listening(Insurer()) as asked, listening(Insurer()) as spared:
        urls = {"sever": asked, "volga": spared}
        each: dict[str, dict[str, Any]] = {
            id_: {"base_url": f"http://127.0.0.1:{one.port}"} for id_, one in urls.items()
        }
        each["sever"]["trace_context"] = True
        world.write_insurers("sever", "volga", each=each)
        api = await world.api()
        await world.worker()
        accepted = await created(world, api, traceparent=TRACEPARENT, tracestate="vendor=1")
        await world.watched(api, accepted)
    await until(lambda: len(traced.named("POST")) == 2)
    call = only([span for span in traced.named("POST") if span.attributes["osago.insurer"] == "sever"])
    assert f"traceparent: 00-{TRACE}-{call.id}-01".encode() in asked.requests[0].lower()
    assert b"tracestate" not in asked.requests[0].lower()
    assert [b"trace" in request.lower() for request in spared.requests] == [False]


@pytest.mark.parametrize("header", ["nonsense", f"00-{'0' * 32}-{CALLER}-01", TRACEPARENT + "-" + "x" * 8000])
async def test_a_bad_traceparent_begins_a_new_trace(world: World, traced: Receiver, header: str) -> None:
    """The request goes its way; the caller's mistake is not the customer's."""
    await world.insurers("sever")
    api = await world.api()
    await created(world, api, traceparent=header)
    await arrived(traced, REQUEST)
    request = only(traced.named(REQUEST))
    assert (request.parent, request.trace == TRACE) == ("", False)


async def test_callers_cannot_have_everything_traced(
    world: World, traced: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by the sampled flag nor by the number of a trace: beyond the sampler's share there is a limit."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    world.set(caller_traces="3/h")
    await world.insurers("sever")
    api = await world.api()
    for number in range(1, 8):
        await created(world, api, traceparent=f"00-{number:032x}-{CALLER}-01")
    await created(world, api)
    await created(world, api, traceparent=f"00-{TRACE}-{CALLER}-00")
    await until(lambda: len(traced.named("send jobs")) == 3)
    assert {int(span.trace, 16) for span in traced.spans} == {1, 2, 3}


@pytest.mark.parametrize("headers", [{}, {"traceparent": TRACEPARENT}])
async def test_a_browser_has_no_say_in_what_is_traced(world: World, traced: Receiver, headers: dict[str, str]) -> None:
    """Its token is in many hands: with or without a `traceparent` of its own the sampler alone decides."""
    await world.insurers("sever")
    api = await world.api()
    accepted = await created(world, api)
    query = "query Seen($id: ID!) { quoteRequest(id: $id) { id } }"
    await api.post(query, {"id": accepted["quoteRequest"]["id"]}, token=accepted["watchToken"], headers=headers)
    await arrived(traced, "query Seen")
    assert only(traced.named("query Seen")).parent == ""


async def test_without_a_token_there_is_no_span(world: World, traced: Receiver) -> None:
    """A caller without a valid token has no span."""
    await world.insurers("sever")
    api = await world.api()
    refused = await api.post(CREATE, {"input": world.new_request()}, token="x", headers={"traceparent": TRACEPARENT})
    assert refused.status_code == 401
    await created(world, api, traceparent=f"00-{'1' * 32}-{CALLER}-01")
    await arrived(traced, "send jobs")
    assert {span.trace for span in traced.spans} == {"1" * 32}


async def test_jobs_and_events_without_a_trace_are_read_as_before(world: World, traced: Receiver) -> None:
    """Those of the release before this one, and of processes without traces: they go their way, and have no span."""
    await world.insurers("sever", "volga")
    api = await world.api()
    accepted = await created(world, api, traceparent=TRACEPARENT)
    request_id = accepted["quoteRequest"]["id"]
    await arrived(traced, REQUEST, "store request", "send jobs")
    for insurer, more in (("sever", {}), ("volga", {"via": "relay"})):
        stream = f"{{osago-00}}:jobs:{insurer}"
        [(entry, _)] = await world.redis.client.xrange(stream)
        await world.redis.client.xdel(stream, entry)
        await world.redis.client.xadd(stream, {"request": request_id, **more})
    await world.database.fetch("UPDATE osago_requests SET trace = NULL")
    await world.worker()
    events = await world.watched(api, accepted)
    assert events[-1]["outcome"] == "ALL_ANSWERED"
    assert {span.name for span in traced.spans} == {REQUEST, "store request", "send jobs"}


async def test_a_trace_passes_through_processes_that_make_none(
    world: World, traced: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers may be switched on later than APIs: jobs of traced requests are jobs all the same."""
    await world.insurers("sever")
    api = await world.api()
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    await world.worker()
    accepted = await created(world, api, traceparent=TRACEPARENT)
    assert (await world.watched(api, accepted))[-1]["outcome"] == "ALL_ANSWERED"
    await until(lambda: len(traced.named("push events")) == 2)
    assert traced.named("process jobs") == []


@pytest.mark.processes
async def test_a_process_ends_in_time_though_the_collector_is_away(world: World, receiver: Receiver) -> None:
    """Its last spans are lost, and nothing else."""
    await world.insurers("sever")
    environment = {**world.environment, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    async with api_process(world.folder, environment) as process:
        await created(world, ApiAtHand(process.url, world.token(), None), traceparent=TRACEPARENT)
        assert await process.stop() == 0
    assert "Traceback" not in process.text


@pytest.mark.processes
async def test_lines_of_the_log_name_the_trace(world: World, traced: Receiver) -> None:
    """So that the one is found by the other."""
    await world.insurers("sever")
    world.set(log_format="json")
    api = await world.api()
    await created(world, api, traceparent=TRACEPARENT)
    await world.database.fetch("UPDATE osago_requests SET application = 'none of ours'")
    async with worker_process(world.folder, world.environment) as worker:
        await until(lambda: "job.failed" in worker.text)
    [line] = [line for line in worker.text.splitlines() if "job.failed" in line][:1]
    assert json.loads(line)["trace_id"] == TRACE


async def _is_watched(api: ApiAtHand) -> bool:
    async with plain_http() as http:
        return "\nosago_subscriptions 1.0\n" in (await http.get(f"{api.url}/metrics")).text


async def _outbox_is_empty(world: World) -> bool:
    return not await world.database.fetch("SELECT 1 FROM osago_outbox")


PROGRAM = """
import sys
import MODULE
from app.observability.tracing.tracing import is_on
assert not is_on()
assert [name for name in sys.modules if name.partition(".")[0] in ("opentelemetry", "google", "requests")] == []
"""


@pytest.mark.parametrize("module", ["app.main", "workers.worker", "bridge.bridge_process"])
def test_without_an_endpoint_nothing_of_opentelemetry_is_imported(module: str) -> None:
    """Libraries do not import it either: redis-py would, for metrics that are never made."""
    command = [sys.executable, "-c", PROGRAM.replace("MODULE", module)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603
    assert done.returncode == 0, done.stderr


@pytest.mark.processes
async def test_processes_without_an_endpoint_do_not_import_it(world: World) -> None:
    """While they work, too: what a request, a job and a frame import is not more than a start does."""
    await world.insurers("sever")
    folder = world.folder / "hook"
    folder.mkdir()
    hook = "import atexit, sys\natexit.register(lambda: print('loaded:', sorted(n for n in sys.modules if 'opentelemetry' in n), file=sys.stderr))\n"
    (folder / "sitecustomize.py").write_text(hook, encoding="utf-8")
    environment = {**world.environment, "PYTHONPATH": str(folder)}
    async with AsyncExitStack() as stack:
        process, worker = await together(
            stack, api_process(world.folder, environment), worker_process(world.folder, environment)
        )
        api = ApiAtHand(process.url, world.token(), None)
        assert (await world.watched(api, await created(world, api, traceparent=TRACEPARENT)))[-1]
        assert [await process.stop(), await worker.stop()] == [0, 0]
    assert "loaded: []" in process.text
    assert "loaded: []" in worker.text
