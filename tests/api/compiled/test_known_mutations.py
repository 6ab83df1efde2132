"""A known mutation runs by its plan: answers and permissions are those of graphql-core's way."""

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from support.plain_http import plain_http
from support.plans import planned
from support.until import until
from support.world import ApiAtHand, World

from app.api.execution.prepared_documents import KEPT_BYTES_MAX, PreparedDocuments, Unplanned
from app.api.graphql_request import GraphQLRequest
from app.api.schema.build import GRAPHQL
from app.redis import keys
from bench.system import CREATE

NUMBERS = itertools.count()


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers("sever", "volga")
    return await world.api()


async def asked(
    api: ApiAtHand, new_request: Mapping[str, Any], document: str = CREATE, **headers: str
) -> httpx.Response:
    return await api.post(document, {"input": new_request}, headers={"X-Request-Id": "abc", **headers})


async def taught(world: World, api: ApiAtHand) -> None:
    """The document has come twice."""
    for _ in range(2):
        await asked(api, world.new_request())
    await until(lambda: len(planned(api.services.operations)) == 1)  # it is compiled after the answer


async def by_both(
    api: ApiAtHand, new_request: Mapping[str, Any], **headers: str
) -> tuple[httpx.Response, httpx.Response]:
    """The answers of the plan, and of graphql-core to a document that it has never met."""
    return await asked(api, new_request, **headers), await asked(
        api, new_request, f"{CREATE}# {next(NUMBERS)}", **headers
    )


def lasting(response: httpx.Response) -> object:
    """The parts of an answer that are the same at every moment."""
    body = response.json()
    accepted = (body.get("data") or {}).get("createQuoteRequest") or {}
    if "watchToken" in accepted:
        accepted["watchToken"], accepted["quoteRequest"]["remainingSeconds"] = "", 0
    return body


def same(ours: httpx.Response, theirs: httpx.Response) -> None:
    assert lasting(ours) == lasting(theirs)
    assert ours.status_code == theirs.status_code
    assert {**ours.headers, "content-length": ""} == {**theirs.headers, "content-length": ""}


async def test_a_request_is_accepted_by_a_plan(world: World, api: ApiAtHand) -> None:
    """The same request, the same answer, header by header."""
    await taught(world, api)
    new_request = world.new_request(clientReference="a-1")
    ours, theirs = await by_both(api, new_request)
    same(ours, theirs)
    assert ours.json()["data"]["createQuoteRequest"]["__typename"] == "QuoteRequestAccepted"


async def test_problems_of_an_application_are_the_same(world: World, api: ApiAtHand) -> None:
    """Validation problems are part of the result, not GraphQL errors."""
    await taught(world, api)
    new_request = world.new_request(customerId="")
    new_request["application"]["vehicle"]["vin"] = "I" * 17
    new_request["application"]["policyholder"]["person"]["lastName"] = "\x00"
    ours, theirs = await by_both(api, new_request)
    same(ours, theirs)
    assert len(ours.json()["data"]["createQuoteRequest"]["problems"]) == 3


@pytest.mark.parametrize("power", ["NaN", "Infinity", "1e5", "1_0", 122, None])
async def test_errors_of_variables_are_the_same(world: World, api: ApiAtHand, power: object) -> None:
    """The plan leaves them to graphql-core; its error names the fault and never repeats the value."""
    await taught(world, api)
    new_request = world.new_request()
    new_request["application"]["vehicle"]["enginePower"] = power
    ours, theirs = await by_both(api, new_request)
    same(ours, theirs)
    assert ours.json()["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


async def test_a_fault_has_its_code_and_its_place(world: World, api: ApiAtHand) -> None:
    """A token without the right, and a service that accepts no more requests."""
    await taught(world, api)
    reader = f"Bearer {world.token(scope='quotes:read')}"
    ours, theirs = await by_both(api, world.new_request(), Authorization=reader)
    same(ours, theirs)
    assert ours.json()["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
    admission = api.services.accepting.admission
    admission._age_s_max = None  # it measures no more
    admission._late = frozenset({"sever", "volga"})
    ours, theirs = await by_both(api, world.new_request())
    same(ours, theirs)
    assert ours.json()["errors"][0]["extensions"]["code"] == "OVERLOADED"


async def test_a_fault_of_ours_is_masked(world: World, api: ApiAtHand) -> None:
    """The error has the id of its log line, and nothing else of the fault."""
    await taught(world, api)
    raising = "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'tenant'; END $$"
    await world.database.fetch(raising)
    await world.database.fetch("CREATE TRIGGER fault BEFORE INSERT ON osago_requests EXECUTE FUNCTION fault()")
    ours, theirs = await by_both(api, world.new_request())
    same(ours, theirs)
    assert ours.json()["errors"][0]["extensions"] == {"code": "INTERNAL", "requestId": "abc"}
    assert "tenant" not in ours.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer forged"},
        {"Authorization": "Basic abc"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=utf-8"},
        {"Accept": "text/html;q=0"},
        {"Accept": "image/png"},
        {"Accept": "application/graphql-response+json"},
        {"X-Request-Id": "two words"},
        {"Connection": "close"},
    ],
)
async def test_heads_of_requests_are_read_alike(world: World, api: ApiAtHand, headers: dict[str, str]) -> None:
    """Authentication and content negotiation are those of the view."""
    await taught(world, api)
    ours, theirs = await by_both(api, world.new_request(clientReference="a-1"), **headers)
    if headers.get("X-Request-Id"):
        assert ours.headers.pop("x-request-id") != theirs.headers.pop("x-request-id")
    same(ours, theirs)


async def test_a_body_in_pieces_is_put_together(world: World, api: ApiAtHand) -> None:
    """Chunks need not end where JSON does."""
    await taught(world, api)
    body = json.dumps({"query": CREATE, "variables": {"input": world.new_request()}}).encode()

    async def pieces() -> AsyncGenerator[bytes, None]:
        for first in range(0, len(body), 700):
            yield body[first : first + 700]

    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json"}
    async with plain_http() as http:
        response = await http.post(api.graphql, content=pieces(), headers=headers)
    assert response.json()["data"]["createQuoteRequest"]["__typename"] == "QuoteRequestAccepted"


async def test_requests_sent_ahead_are_answered_in_order(world: World, api: ApiAtHand) -> None:
    """Three on one connection before the first answer, the middle one not for a plan."""
    await taught(world, api)
    address = urlsplit(api.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    for number, document in enumerate((CREATE, "{ insurers { id } }", CREATE)):
        body = json.dumps({"query": document, "variables": {"input": world.new_request()}}).encode()
        head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\nX-Request-Id: {number}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    for number, word in enumerate((b"QuoteRequestAccepted", b"insurers", b"QuoteRequestAccepted")):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r", 1)[0])
        assert f"x-request-id: {number}\r".encode() in head.lower()
        assert word in await reader.readexactly(length)
    writer.close()


async def test_what_was_begun_is_finished_for_callers_that_hung_up(world: World, api: ApiAtHand) -> None:
    """A mutation is committed and enqueued after its caller disconnected, in the current batch and in the next one."""
    await taught(world, api)
    async with world.database.locked("osago_requests"):
        writers = [await _sent(world, api, "ref-1")]
        await until(lambda: _waits_for_the_lock(world))
        writers.append(await _sent(world, api, "ref-2"))
        await until(lambda: len(api.services.accepting._commits) == 1)
        ports = [writer.get_extra_info("sockname")[1] for writer in writers]
        for writer in writers:
            writer.transport.abort()
        await until(lambda: not any(_is_held(port) for port in ports))
    await until(lambda: _are_stored(world, "ref-1", "ref-2"))
    for insurer in ("sever", "volga"):  # those of the two that taught it, and of these two
        await until(lambda insurer=insurer: _are_waiting(world, insurer, 4))


async def _sent(world: World, api: ApiAtHand, reference: str) -> asyncio.StreamWriter:
    """A mutation on a connection of its own; the test never reads the answer."""
    body = json.dumps({"query": CREATE, "variables": {"input": world.new_request(clientReference=reference)}}).encode()
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\n"
    address = urlsplit(api.url)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    return writer


async def _waits_for_the_lock(world: World) -> bool:
    sql = "SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'"
    return bool(await world.database.fetch(sql, world.database.name))


async def _are_stored(world: World, *references: str) -> bool:
    rows = await world.database.fetch("SELECT 1 FROM osago_requests WHERE client_reference = ANY($1)", references)
    return len(rows) == len(references)


async def _are_waiting(world: World, insurer: str, count: int) -> bool:
    return await world.redis.client.xlen(keys.jobs(0, insurer)) == count


def _is_held(port: int) -> bool:
    """Whether the server still has the caller's connection."""
    here = psutil.Process().net_connections("tcp")
    return any(one.status == "ESTABLISHED" and one.raddr and one.raddr.port == port for one in here)


async def test_a_body_that_never_ends_is_refused(world: World, api: ApiAtHand) -> None:
    """The server stops reading at the view's limit of a body's length."""
    await taught(world, api)
    body = json.dumps({"query": CREATE, "variables": {"input": world.new_request(), "more": "x" * 70_000}})
    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json"}
    async with plain_http() as http:
        response = await http.post(api.graphql, content=body, headers=headers)
    assert response.status_code == 413


async def test_only_services_that_may_ask_teach(world: World, api: ApiAtHand) -> None:
    """Neither a refused document nor one of a caller that only reads becomes known."""
    for _ in range(3):
        await api.post(CREATE, {"input": world.new_request()}, token=world.token(scope="quotes:read"))
        await api.post(CREATE, {"input": {}})
    assert len(planned(api.services.operations)) == 0


async def test_documents_that_never_come_again_push_none_out(world: World, api: ApiAtHand) -> None:
    """A document becomes known at its second use, and the number of known documents has a limit."""
    await taught(world, api)
    for number in range(5):
        await asked(api, world.new_request(), f"{CREATE}# {number}")
    assert len(planned(api.services.operations)) == 1
    documents = PreparedDocuments(GRAPHQL)
    for number in range(KEPT_BYTES_MAX // 40_000 * 2):
        for _ in range(2):
            documents.learn(documents.prepare(GraphQLRequest(f"{CREATE}# {number}")))
    kept = planned(documents)
    assert 0 < documents._of_services.bytes <= KEPT_BYTES_MAX
    assert f"{CREATE}# 0" not in [operation.text for operation in kept]
    operation = documents.prepare(GraphQLRequest(f"{CREATE}# once"))
    documents.learn(operation)
    assert operation.plan is Unplanned.MET
