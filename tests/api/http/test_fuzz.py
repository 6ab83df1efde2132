"""Nonsense by the thousand: never a 500, never a traceback, never a close code that the protocol does not have."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from graphql import get_introspection_query
from support.mutations import Mutator
from support.plain_http import plain_http
from support.socket import opened
from support.world import ApiAtHand, World
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from cli.quote.aggregator_client import CREATE, WATCH

FEW, MANY = 300, 5000
"""Of bodies and of frames each; the many are 10,000 together."""
CLOSED_WITH = {1007, 1009, 4400, 4401, 4403, 4408, 4409, 4429}
ANSWERS = {200, 400, 401, 405, 406, 408, 413, 415, 431}
ACCEPTS = ("*/*", "application/json", "application/graphql-response+json", "text/html", "x;q=y,,;", "")
TYPES = ("application/json", "application/json; charset=utf-8", "application/json;charset=utf-16", "text/plain", "", "application/graphql")  # fmt: skip

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers("sever", "volga")
    return await world.api()


ENTITIES = """query ($of: [_Any!]!) { _entities(representations: $of) { __typename ... on QuoteRequest { status }
  ... on Customer { openRequests { id } } } }"""
KEYED = [{"__typename": "Insurer", "id": "sever"}, {"__typename": "Customer", "id": "customer-1"}]


@asynccontextmanager
async def without_a_trace(caplog: pytest.LogCaptureFixture) -> AsyncGenerator[None, None]:
    """Nothing in the block writes an error to any log."""
    with structlog.testing.capture_logs() as lines, caplog.at_level(logging.WARNING):
        yield
    assert [line for line in lines if line["log_level"] in {"error", "critical"}] == []
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR] == []


async def good_bodies(world: World, api: ApiAtHand) -> list[Any]:
    accepted = await world.accepted(api)
    id_ = accepted["quoteRequest"]["id"]
    request = "query Q($id: ID!) { quoteRequest(id: $id) { id quotes(orderBy: PREMIUM) { status } } }"
    return [
        {"query": "{ insurers { id } }"},
        {"query": request, "variables": {"id": id_}, "operationName": "Q", "extensions": {"a": 1}},
        {"query": CREATE, "variables": {"input": world.new_request(clientReference="fuzz", insurerIds=["sever"])}},
        {"query": CREATE, "variables": {"input": world.new_request()}},
        {"query": "mutation ($id: ID!) { cancelQuoteRequest(id: $id) { status } }", "variables": {"id": id_}},
        {"query": get_introspection_query()},
        {"query": ENTITIES, "variables": {"of": [{"__typename": "QuoteRequest", "id": id_}, *KEYED]}},
        {"query": WATCH, "variables": {"requestId": id_, "after": None}},
        {"documentId": "0" * 64, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}},
        {"doc_id": "0" * 32, "query": None, "id": "0" * 32},
    ]


@pytest.mark.parametrize("cases", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
async def test_bodies(world: World, api: ApiAtHand, caplog: pytest.LogCaptureFixture, cases: int) -> None:
    """Every body is answered with a proper status and, if it is wrong, with a coded error."""
    good, mutator = await good_bodies(world, api), Mutator(5)
    pick = mutator.random
    async with without_a_trace(caplog), plain_http() as http:
        for number in range(cases):
            body = mutator.message(good)
            headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json"}
            if pick.random() < 0.2:
                headers |= {"Accept": pick.choice(ACCEPTS), "Content-Type": pick.choice(TYPES)}
            if pick.random() < 0.1:
                answer = await http.get(api.graphql, params=_parameters(body), headers=headers)
            else:
                answer = await http.post(api.graphql, content=body, headers=headers)
            case = f"case {number}: {answer.status_code} {answer.text[:300]} for {body[:300]!r}"
            assert answer.status_code in ANSWERS, case
            if "json" in answer.headers["content-type"]:
                errors = answer.json().get("errors", [])
                assert all(error["extensions"]["code"] not in {"INTERNAL", "UNAVAILABLE"} for error in errors), case
                assert errors or answer.status_code == 200, case


def _parameters(body: bytes) -> dict[str, str]:
    """The same in a URL, as far as it goes there."""
    try:
        message = json.loads(body)
    except ValueError:
        return {"query": body[:500].decode(errors="replace")}
    if not isinstance(message, dict):
        return {"variables": json.dumps(message)}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in message.items()}
    return {_sendable(key): _sendable(value) for key, value in texts.items()}


def _sendable(text: str) -> str:
    """Of a length that a URL takes, and without lone surrogates: no client could send them there."""
    return text[:5000].encode(errors="replace").decode()


@pytest.mark.parametrize("cases", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
async def test_frames(world: World, api: ApiAtHand, caplog: pytest.LogCaptureFixture, cases: int) -> None:
    """Every frame gets a message of the protocol, or closes with its code; never with 1006 or 1011."""
    good = [{"id": "1", "type": "subscribe", "payload": body} for body in await good_bodies(world, api)]
    good += [{"id": "1", "type": "complete"}, {"type": "ping", "payload": {}}, {"type": "pong"}, *good]
    good.append({"type": "connection_init", "payload": {"token": api.token}})
    mutator, done = Mutator(6), 0
    async with without_a_trace(caplog):
        while done < cases:
            async with opened(api.graphql) as socket:
                if mutator.random.random() < 0.9:
                    await socket.init(api.token)
                while done < cases and await _survives(socket.connection, mutator, good, done):
                    done += 1
                done += 1


async def _survives(connection: ClientConnection, mutator: Mutator, good: list[Any], number: int) -> bool:
    """Sends a frame and a ping behind it; whether the socket is still open then."""
    frame = mutator.message(good)
    is_binary = mutator.random.random() < 0.05
    try:
        text = frame.decode(errors="replace")
        await connection.send(frame if is_binary else text)
        await connection.send(json.dumps({"type": "ping", "payload": {"case": number}}))
        async with asyncio.timeout(20):
            async for message in connection:
                answer = json.loads(message)
                assert answer["type"] in {"next", "error", "complete", "pong", "connection_ack"}, answer
                assert "INTERNAL" not in str(message), (number, message, frame)
                if answer == {"type": "pong", "payload": {"case": number}}:
                    return True
    except ConnectionClosed:
        pass
    assert connection.close_code in CLOSED_WITH, (number, connection.close_code, frame[:300])
    return False
