"""A client that reads slowly, or not at all: its queue is bounded, and it gets the cursor to resume from."""

import logging
from typing import Any
from uuid import UUID

import psutil
import pytest
import structlog
from structlog.testing import LogCapture
from support.reader import Reader, reading, reading_plainly
from support.until import until
from support.world import ApiAtHand, World

from app.api.connections import slow_consumers
from app.api.connections.slow_consumers import SlowConsumerLog
from app.domain.caller import Service, Watcher
from app.observability import metrics
from app.observability.faults import FaultCode
from app.overview.snapshot_reader import SnapshotReader
from app.runtime.clock import Clock
from app.server import buffered_peer
from app.story.explain import explain
from app.story.frame_book import FrameBook
from app.story.request_story import RequestStory, StepKind

INSURERS = tuple(f"insurer-{number:02}" for number in range(12))
OPERATIONS = 90
EVERY_LEVEL = structlog.make_filtering_bound_logger(logging.NOTSET)
STALLED_AFTER_S, CUT_OFF_AFTER_S = 0.3, 5.0


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffered_peer, "STALLED_AFTER_S", STALLED_AFTER_S)
    monkeypatch.setattr(buffered_peer, "CUT_OFF_AFTER_S", CUT_OFF_AFTER_S)
    monkeypatch.setattr("app.server.serve.STALLED_AFTER_S", STALLED_AFTER_S)
    monkeypatch.setattr("app.server.serve.SENT_BYTES_MAX", 4096)


@pytest.fixture
def stalled(monkeypatch: pytest.MonkeyPatch) -> LogCapture:
    """The log of stalled sockets, below the level that the suite's log has."""
    capture = LogCapture()
    monkeypatch.setattr(
        slow_consumers, "log", structlog.wrap_logger(None, processors=[capture], wrapper_class=EVERY_LEVEL)
    )
    return capture


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers(*INSURERS)
    world.set(watch_share=f"{OPERATIONS},16,10/s")
    return await world.api()


@pytest.fixture
async def accepted(world: World, api: ApiAtHand) -> dict[str, Any]:
    """A request with all answers but one, and so without an end."""
    settler = await world.settler()
    made = await world.accepted(api)
    await settler.settle(made, *INSURERS[1:])
    return made


async def _stalled(api: ApiAtHand, reader: Reader, accepted: dict[str, Any]) -> None:
    """It asks for more than the kernel and the server's buffer hold, reads nothing, and is found out."""
    before = metrics.SLOW._value.get()
    for number in range(OPERATIONS):
        await reader.watch(accepted["quoteRequest"]["id"], id_=str(number))
    await until(lambda: metrics.SLOW._value.get() == before + 1)
    await until(lambda: api.services.live.subscriptions == 0)


async def test_who_reads_again_in_time_learns_where_to_go_on(api: ApiAtHand, accepted: dict[str, Any]) -> None:
    """The messages that were under way, then for each operation the error with its cursor; closed with 1013."""
    async with reading(api.graphql, accepted["watchToken"]) as reader:
        await _stalled(api, reader, accepted)
        messages = await reader.rest()
    assert reader.close_code == 1013
    seen: dict[str, list[dict[str, Any]]] = {str(number): [] for number in range(OPERATIONS)}
    errors: dict[str, dict[str, Any]] = {}
    for message in messages:
        assert message["id"] not in errors, "an operation goes on after its end"
        if message["type"] == "next":
            seen[message["id"]].append(message["payload"]["data"]["quotes"])
        else:
            errors[message["id"]] = message["payload"][0]["extensions"]
    begun = {
        id_: events for id_, events in seen.items() if events or id_ in errors
    }  # on a busy machine not all were asked for by then
    assert len(begun) > 1
    assert errors == {
        id_: {"code": "SLOW_CONSUMER", "cursor": events[-1]["cursor"] if events else None}
        for id_, events in begun.items()
    }


async def test_the_log_has_the_request_the_service_and_the_network_of_a_stalled_client(
    api: ApiAtHand, accepted: dict[str, Any], stalled: LogCapture
) -> None:
    """Its network as a keyed hash, the same as elsewhere; and a watch token's request when no operation is left."""
    request_id = accepted["quoteRequest"]["id"]
    for token, subject in ((api.token, "core-app"), (accepted["watchToken"], "watch token")):
        async with reading(api.graphql, token) as reader:
            await _stalled(api, reader, accepted)
        entry = stalled.entries.pop()
        assert (entry["event"], entry["subject"], entry["requests"]) == ("socket.stalled", subject, [request_id])
        assert entry["peer"] == api.services.slow_consumers.hidden_address("127.0.0.1")
        assert stalled.entries == []


def test_a_hidden_address_needs_the_secret_and_is_one_for_a_network(stalled: LogCapture) -> None:
    """At most ten requests of a service are named; for a watch token its one request."""
    frames = FrameBook(Clock())
    one, other = SlowConsumerLog(frames, salt="a secret"), SlowConsumerLog(frames, salt="another")
    assert one.hidden_address("2001:db8::1") == one.hidden_address("2001:db8::2:1")
    assert one.hidden_address("192.0.2.1") != one.hidden_address("192.0.2.2")
    assert one.hidden_address("192.0.2.1") != other.hidden_address("192.0.2.1")
    one.report(
        "192.0.2.1",
        Service("core-app", frozenset()),
        [*map(UUID, map(_padded, range(30))), None],
        socket="ws-1",
        operations=31,
    )
    one.report("", Watcher(UUID(int=7)), [], socket="ws-2", operations=0)
    service, watcher = stalled.entries
    assert (len(service["requests"]), service["operations"]) == (10, 31)
    assert (watcher["requests"], watcher["subject"]) == ([str(UUID(int=7))], "watch token")


def _padded(number: int) -> str:
    return f"{number:032}"


async def test_what_waits_for_it_is_bounded(api: ApiAtHand, accepted: dict[str, Any]) -> None:
    """The buffer of the socket, filled to its mark, and the message that filled it: not one of each operation."""
    async with reading(api.graphql, accepted["watchToken"]) as reader:
        await _stalled(api, reader, accepted)
        messages = [m for m in await reader.rest() if m["type"] == "next"]
    assert sum(len(str(message)) for message in messages) < 160 * 1024
    assert len(messages) < OPERATIONS * 3


async def test_who_never_reads_again_is_cut_off(api: ApiAtHand, accepted: dict[str, Any]) -> None:
    """The server closes the connection without waiting for unsent bytes."""
    async with reading(api.graphql, accepted["watchToken"]) as reader:
        await _stalled(api, reader, accepted)
        await until(lambda: not _is_open(reader))


async def test_the_console_and_the_story_of_its_request_name_it(
    world: World, api: ApiAtHand, accepted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process with its clients, and the request with the socket; that it is closed then is no second ending."""
    monkeypatch.setattr("app.overview.concerns.STALLED_MAX", 0)
    resources = await world.resources()
    async with reading(api.graphql, accepted["watchToken"]) as reader:
        await _stalled(api, reader, accepted)
        await until(lambda: not _is_open(reader))

    async def is_shown() -> bool:
        found = await SnapshotReader(resources).read()
        return any(one.code is FaultCode.SLOW_READERS and one.subject.startswith("api-") for one in found.concerns)

    await until(is_shown)
    story = await explain(resources, accepted["quoteRequest"]["id"])
    assert isinstance(story, RequestStory)
    (fault,) = [one for one in story.faults if one.code is FaultCode.SLOW_READERS]
    assert fault.what.startswith("api-")
    assert fault.detail.startswith("ws-")
    assert fault.count == 1
    assert {step.result for step in story.steps if step.kind is StepKind.LEFT} == {"stalled"}


async def test_a_silent_client_that_answers_no_ping_gets_the_cursor_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Little is sent, so that nothing piles up: only the unanswered ping shows that the client has stopped reading."""
    monkeypatch.setattr("app.server.serve.PING_EVERY_S", 0.3)
    world.write_insurers(*INSURERS)
    api = await world.api()
    accepted = await world.accepted(api)
    async with reading(api.graphql, accepted["watchToken"]) as reader:
        await reader.watch(accepted["quoteRequest"]["id"])
        await until(lambda: api.services.live.subscriptions == 1)
        await until(lambda: not _is_open(reader))
        (error,) = await reader.rest()
    assert error["payload"][0]["extensions"] == {"code": "SLOW_CONSUMER", "cursor": None}
    assert reader.close_code == 1013


async def test_the_plain_websocket_sends_the_cursor_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last frame has the cursor of the last event that was sent."""
    monkeypatch.setattr("app.server.serve.PING_EVERY_S", 0.3)
    world.write_insurers(*INSURERS)
    api = await world.api()
    accepted = await world.accepted(api)
    await (await world.settler()).settle(accepted, INSURERS[0])
    path = f"/osago/quotes/{accepted['quoteRequest']['id']}/stream"
    before = metrics.SLOW._value.get()
    async with reading_plainly(f"{api.url}{path}", accepted["watchToken"]) as reader:
        await until(lambda: metrics.SLOW._value.get() == before + 1)
        await until(lambda: api.services.live.subscriptions == 0)
        event, problem = await reader.rest()
    assert (problem["code"], problem["cursor"]) == ("SLOW_CONSUMER", event["cursor"])
    assert reader.close_code == 1013


async def test_who_reads_slowly_but_steadily_is_served(api: ApiAtHand, accepted: dict[str, Any]) -> None:
    """Being behind is no fault: only taking nothing is."""
    async with reading(api.graphql, accepted["watchToken"]) as reader:
        for number in range(OPERATIONS):
            await reader.watch(accepted["quoteRequest"]["id"], id_=str(number))
        for _ in range(OPERATIONS * (len(INSURERS) - 1)):
            message = await reader.message()
            assert message is not None
            assert message["type"] == "next"


def _is_open(reader: Reader) -> bool:
    """Whether the server still holds the other end."""
    here = psutil.Process().net_connections("tcp")
    return any(one.status == "ESTABLISHED" and one.raddr and one.raddr.port == reader.port for one in here)
