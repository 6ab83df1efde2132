"""Nothing that can fail stands between a commit and its answer: a request that is accepted is answered so."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from prometheus_client import REGISTRY
from support.plain_http import plain_http
from support.plans import planned
from support.until import until
from support.world import ApiAtHand, World

from app.api.compiled.mutation_plan import MutationPlan, compile_plan
from app.api.compiled.selections import PLANS
from app.api.execution import prepared_documents
from app.use_cases import accept
from bench.system import CREATE
from sandbox.demo.servers import Redis

WITH_AVAILABILITY = """\
mutation ($input: CreateQuoteRequestInput!) { createQuoteRequest(input: $input) { __typename ... on QuoteRequestAccepted {
  quoteRequest { id quotes { status insurer { id availability } } } } } }"""
GIVEN_UP_AFTER_S = 10
"""For what takes milliseconds: a fault is reported soon, not after the minute that other waits have."""
SURPRISES = [KeyError("__dict__"), RecursionError(), SyntaxError("'return' outside function"), MemoryError()]


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers("sever", "volga")
    return await world.api()


def failures(part: str) -> float:
    return REGISTRY.get_sample_value("osago_part_failures_total", {"part": part}) or 0.0


def codes_of(body: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in body.get("errors") or []]


async def accepted(world: World, api: ApiAtHand, document: str = CREATE, **changes: Any) -> dict[str, Any]:
    """The answer, a good one: of one request that is stored.

    A machine that stood still answers UNAVAILABLE: repeated once, where a reference makes that safe.
    """
    status, body = await posted(world, api, document, changes)
    if "clientReference" in changes and codes_of(body) == ["UNAVAILABLE"]:
        status, body = await posted(world, api, document, changes)
    assert (status, body.get("errors")) == (200, None), body
    found = body["data"]["createQuoteRequest"]
    assert found["__typename"] == "QuoteRequestAccepted"
    return found


async def posted(world: World, api: ApiAtHand, document: str, changes: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    response = await api.post(document, {"input": world.new_request(**changes)})
    return response.status_code, response.json()


async def stored(world: World) -> int:
    return (await world.database.fetch("SELECT count(*) FROM osago_requests"))[0][0]


@pytest.mark.parametrize("error", SURPRISES, ids=lambda error: type(error).__name__)
async def test_a_compiler_that_fails_costs_the_plan_alone(
    world: World,
    api: ApiAtHand,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Every request is answered by graphql-core; the fault is logged once, and counted once."""

    def broken(*_: object) -> MutationPlan:
        raise error

    monkeypatch.setattr(prepared_documents, "compile_plan", broken)
    before = failures(PLANS)
    for _ in range(5):
        await accepted(world, api)
    await until(lambda: failures(PLANS) > before, seconds=GIVEN_UP_AFTER_S)
    assert failures(PLANS) == before + 1
    assert (await stored(world), len(planned(api.services.operations))) == (5, 0)
    assert sum("part.failed" in record.getMessage() for record in caplog.records) == 1


async def test_a_plan_is_compiled_when_its_answer_has_been_sent(
    world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller's socket has every byte of it by then."""
    await accepted(world, api)
    address, seen = urlsplit(api.url), list[bytes]()
    body = json.dumps({"query": CREATE, "variables": {"input": world.new_request()}}).encode()
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection((address.hostname or "", address.port or 0)) as caller:
        caller.settimeout(5)

        def look(*arguments: Any) -> MutationPlan:
            seen.append(caller.recv(65536, socket.MSG_PEEK))
            return compile_plan(*arguments)

        monkeypatch.setattr(prepared_documents, "compile_plan", look)
        caller.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
        await until(lambda: seen, seconds=GIVEN_UP_AFTER_S)
    assert b"QuoteRequestAccepted" in seen[0]
    assert seen[0].endswith(b"}")


@pytest.mark.parametrize("step", ["read", "write"])
@pytest.mark.parametrize("error", SURPRISES, ids=lambda error: type(error).__name__)
async def test_a_plan_that_fails_is_given_up_and_its_request_answered(
    world: World, api: ApiAtHand, step: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that has been committed by then is answered by graphql-core, and stays one."""
    await taught(world, api)
    called: list[object] = []

    def fail(*arguments: object) -> Any:
        called.append(arguments)
        raise error

    monkeypatch.setattr(MutationPlan, step, fail)
    found = await accepted(world, api, clientReference="a-1")
    assert (len(called), len(planned(api.services.operations))) == (1, 0)
    assert await stored(world) == 3
    assert found["quoteRequest"]["id"] == (await accepted(world, api, clientReference="a-1"))["quoteRequest"]["id"]


@pytest.mark.parametrize("odd", [object(), float, {1: {2: object()}}], ids=["object", "class", "nested"])
async def test_what_a_plan_writes_and_json_has_not_costs_the_plan_alone(
    world: World, api: ApiAtHand, odd: object
) -> None:
    """It is encoded while graphql-core can still answer."""
    await taught(world, api)
    object.__setattr__(planned(api.services.operations)[0].plan, "writer", lambda *_: odd)
    await accepted(world, api)
    assert (await stored(world), len(planned(api.services.operations))) == (3, 0)


async def taught(world: World, api: ApiAtHand) -> None:
    """The document has a plan."""
    for _ in range(2):
        await accepted(world, api)
    await until(lambda: len(planned(api.services.operations)) == 1, seconds=GIVEN_UP_AFTER_S)


async def by_graphql(world: World, api: ApiAtHand) -> None:
    await accepted(world, api)


async def by_rest(world: World, api: ApiAtHand) -> None:
    async with plain_http() as http:
        headers = {"Authorization": f"Bearer {api.token}"}
        response = await http.post(f"{api.url}/osago/quotes", json=world.new_request(), headers=headers)
    assert response.status_code == 202, response.text


@pytest.mark.parametrize("ask", [by_graphql, by_rest])
async def test_what_fails_to_be_enqueued_or_counted_is_accepted_all_the_same(
    world: World, api: ApiAtHand, ask: Callable[[World, ApiAtHand], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay finds it in the outbox; a full disk may keep a process from counting."""

    def fail(*_: object) -> None:
        raise AttributeError("'NoneType' object has no attribute 'writelines'")

    monkeypatch.setattr(api.services.accepting._enqueues, "put", fail)
    monkeypatch.setattr(accept.metrics.ACCEPTED, "inc", fail)
    before = failures("accept-enqueues") + failures("metrics")
    await ask(world, api)
    assert failures("accept-enqueues") + failures("metrics") == before + 2
    assert await stored(world) == 1


async def test_a_repeat_that_cannot_be_looked_up_fails_alone(
    world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its neighbours in the same commit are stored, and hear so."""
    await accepted(world, api, clientReference="a-1")

    async def fail(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(accept, "find_repeated", fail)
    async with world.database.locked("osago_requests"):
        first = asyncio.create_task(accepted(world, api))
        await until(lambda: waits_for_the_lock(world))
        repeat = asyncio.create_task(api.post(CREATE, {"input": world.new_request(clientReference="a-1")}))
        fresh = asyncio.create_task(accepted(world, api, clientReference="a-2"))
        await until(lambda: len(api.services.accepting._commits) == 2)
    await asyncio.gather(first, fresh)
    assert (await repeat).json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"


async def waits_for_the_lock(world: World) -> bool:
    sql = "SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'"
    return bool(await world.database.fetch(sql, world.database.name))


async def test_a_redis_that_breaks_or_hangs_keeps_no_answer_back(world: World) -> None:
    """The availability of insurers is Redis's to know, and stands in many an answer."""
    redis = Redis(world.folder / "own-redis")
    await asyncio.to_thread(redis.start)
    world.set(redis_url=redis.url)
    world.write_insurers("sever", "volga")
    api = await world.api()
    states = api.services.availabilities._states
    read = states.read

    async def fail(*_: object) -> None:
        raise AttributeError("'NoneType' object has no attribute 'writelines'")

    states.read = fail
    for number in range(3):
        found = await accepted(world, api, f"{WITH_AVAILABILITY}# {number}")
        assert {one["insurer"]["availability"] for one in found["quoteRequest"]["quotes"]} == {"AVAILABLE"}
    states.read = read
    try:
        os.kill(redis.pid, signal.SIGSTOP)
        await accepted(world, api, WITH_AVAILABILITY)
    finally:
        os.kill(redis.pid, signal.SIGCONT)
        await world.stop()
        redis.kill()
