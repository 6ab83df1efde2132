"""The commands, run as typed in a terminal."""

import asyncio
import base64
import signal
from contextlib import AsyncExitStack
from typing import Any, Final
from uuid import UUID

import httpx
import pytest
from support.commands import typed, typed_one_by_one
from support.core_app_client import submit
from support.plain_http import plain_http
from support.processes import api_process, osago, worker_process
from support.socket import opened
from support.until import until
from support.world import KEYS, World

from app.api.auth.tokens import Tokens
from app.api.schema.build import federation_sdl, sdl
from app.domain.caller import Service
from app.redis.dead_letters import DeadLetter, DeadLetters
from app.runtime.clock import Clock
from sandbox.demo.servers import free_port


def test_schema_prints_the_schema(world: World) -> None:
    """Generators of clients read this output."""
    assert typed(world, "schema").stdout == sdl()
    assert typed(world, "schema", "--of", "federation").stdout == federation_sdl()


def test_token_prints_a_token_that_opens_the_api(world: World) -> None:
    """The token has the subject and the scopes of the options."""
    done = typed(world, "token", "--subject", "another-app", "--scope", "quotes:read", "--ttl", "30min")
    tokens = Tokens(world.settings.secret(), Clock(), watch_ttl_s=1)
    assert tokens.caller(done.stdout.strip()) == Service("another-app", frozenset({"quotes:read"}))


SOCKETS: Final = 8
"""They are closed over a second."""
WRONG_SETTINGS: Final[list[tuple[list[str], dict[str, str], str]]] = [
    (["api"], {"OSAGO_AUTH_SECRET": ""}, "OSAGO_AUTH_SECRET: needed"),
    (["api"], {"OSAGO_ENCRYPTION_KEYS": ""}, "OSAGO_ENCRYPTION_KEYS: needed"),
    (["api"], {"OSAGO_INSURERS_FILE": "nowhere.toml"}, "nowhere.toml: No such file or directory"),
    (["api"], {"OSAGO_REDIS_URL": "http://secret"}, "OSAGO_REDIS_URL: expected redis://"),
    (["worker"], {"OSAGO_LEASE": "3"}, "OSAGO_LEASE: a duration is a number with a unit"),
    (["worker", "--insurers", "sever,unknown"], {}, "--insurers: unknown: not in the file of insurers"),
    (["worker", "--name", "имя"], {}, "--name: letters, digits"),
    (
        ["migrate"],
        {"OSAGO_DATABASE_URL": "postgresql://u@127.0.0.1:1/x"},
        "OSAGO_DATABASE_URL: PostgreSQL cannot be",
    ),
    (["token", "--ttl", "soon"], {}, "--ttl: a duration is"),
    (["api"], {"OSAGO_AUTH_KEYS": "k1:short"}, "OSAGO_AUTH_KEYS: key 1 is not id:key"),
    (
        ["api"],
        {"OSAGO_JWKS": "http://idp.example/keys", "OSAGO_JWKS_ISSUER": "https://idp.example"},
        "OSAGO_JWKS: a URL must be https",
    ),
    (["api"], {"OSAGO_ORIGINS": "shop.example"}, "OSAGO_ORIGINS: an origin is scheme://host"),
    (["api"], {"OSAGO_TRUSTED_DOCUMENTS": "nowhere.json"}, "OSAGO_TRUSTED_DOCUMENTS: nowhere.json: No such file"),
    (["api"], {"OSAGO_RETENTION": "30s"}, "OSAGO_RETENTION: must be longer than OSAGO_QUOTE_DEADLINE"),
    (["forget", "--customer", "x"], {"OSAGO_DATABASE_URL": "postgresql://u@127.0.0.1:1/x"}, "OSAGO_DATABASE_URL:"),
    (["core-app"], {}, "--token (OSAGO_TOKEN): needed"),
    (["core-app", "--token", "x", "--customer-limit", "many"], {}, "--customer-limit: a rate is"),
    (["core-app", "--token", "x", "--url", "api:8000"], {}, "--url: expected http:// or https://"),
    (["core-app", "--token", "x", "--watch-url", "http://x"], {}, "--watch-url: expected ws:// or wss://"),
    (["core-app", "--token", "x"], {"OSAGO_REDIS_URL": "redis+cluster://x"}, "--redis-url: expected redis://"),
    (["quote", "nowhere.json", "--token", "x"], {}, "nowhere.json: No such file or directory"),
]


def test_a_wrong_setting_is_one_clear_line_and_exit_code_2(world: World) -> None:
    """It names what to mend, and never repeats a secret."""
    world.write_insurers("sever")
    refusals = typed_one_by_one(world, [case[:2] for case in WRONG_SETTINGS])
    for (arguments, environment, said), done in zip(WRONG_SETTINGS, refusals, strict=True):
        what = (arguments, environment, done.err)
        assert done.code == 2, what
        assert done.err.startswith(f"osago: {said}"), what
        assert done.err.count("\n") == 1, what
        assert "secret" not in done.err, what


def test_an_unknown_adapter_is_reported_with_those_that_are_known(world: World) -> None:
    """A worker does not start with it."""
    world.write_insurers("sever", more={"adapter": "telepathy"})
    done = typed(world, "worker")
    assert done.returncode == 2
    assert 'insurers.toml, line 4, adapter: adapter = "telepathy": there is none; known are ' in done.stderr
    assert "rest-poll" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.processes
async def test_an_api_ends_with_0_on_sigterm_and_closes_its_sockets_with_1012(world: World) -> None:
    """Clients of graphql-ws come back after 1012, to another process; one after the other, and each is served until its turn."""
    world.write_insurers("sever")
    environment = {**world.environment, "OSAGO_CONNECT_RATE": f"{SOCKETS}/s"}
    async with api_process(world.folder, environment) as process, AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(opened(f"{process.url}/graphql")) for _ in range(SOCKETS)]
        for socket in sockets:
            await socket.init(world.token())
        process.signal(signal.SIGTERM)
        turns = [asyncio.create_task(socket.connection.wait_closed()) for socket in sockets]
        await asyncio.wait(turns, return_when=asyncio.FIRST_COMPLETED)
        *_, later = [socket for socket, turn in zip(sockets, turns, strict=True) if not turn.done()]
        await later.send({"type": "ping"})
        assert await later.receive() == {"type": "pong"}
        assert [(await socket.closed())[0] for socket in sockets] == [1012] * SOCKETS
        assert await process.ended() == 0, process.text


@pytest.mark.processes
async def test_several_processes_share_a_port_and_their_metrics(world: World) -> None:
    """A scrape of any process shows the counts of all."""
    world.write_insurers("sever")
    async with api_process(world.folder, world.environment, "--processes", "2") as process:
        api_token = world.token()

        async def accepted() -> httpx.Response:
            async with plain_http() as http:
                headers = {"Authorization": f"Bearer {api_token}"}
                query = (
                    "mutation M($input: CreateQuoteRequestInput!) { createQuoteRequest(input: $input) { __typename } }"
                )
                body = {"query": query, "variables": {"input": world.new_request()}}
                return await http.post(f"{process.url}/graphql", json=body, headers=headers)

        for _ in range(8):
            assert (await accepted()).json()["data"]["createQuoteRequest"]["__typename"] == "QuoteRequestAccepted"
        async with plain_http() as http:
            assert "osago_requests_accepted_total 8.0" in (await http.get(f"{process.url}/metrics")).text
        assert await process.stop() == 0, process.text


@pytest.mark.processes
async def test_a_worker_ends_with_0_on_sigterm_and_leaves_no_beat(world: World) -> None:
    """The process serves metrics meanwhile."""
    await world.insurers("sever")
    async with worker_process(world.folder, world.environment, "--name", "label") as process:
        [beat] = await until(lambda: world.redis.client.zrange("{osago-00}:heartbeats", 0, -1))
        assert beat.startswith("label-")
        async with plain_http() as http:
            metrics = (await http.get(f"{process.url}/metrics")).text
        for figure in (
            "osago_jobs_in_flight",
            "osago_jobs_claimed",
            "osago_dead_letters",
            "osago_outbox_oldest_seconds",
        ):
            assert figure in metrics
        assert "_created" not in metrics
        for sample in (
            'osago_insurer_calls_total{insurer="sever",result="ok",step="poll",why=""} 0.0',
            'osago_insurer_calls_total{insurer="sever",result="InsurerUnavailable",step="create",why="5xx"} 0.0',
            'osago_jobs_handed_back_total{insurer="sever",why="stopping"} 0.0',
            'osago_insurer_echoes_total{field="number",insurer="sever"} 0.0',
            'osago_quotes_settled_total{status="OFFERED"} 0.0',
            'osago_rate_limited_total{limit="customer"} 0.0',
            'osago_share_exhausted_total{caller="watch",what="sockets"} 0.0',
        ):
            assert sample in metrics, "a rate has no first value"
        assert await process.stop() == 0, process.text
    assert await world.redis.client.zcard("{osago-00}:heartbeats") == 0


@pytest.mark.processes
async def test_the_sandbox_ends_with_0_though_it_lets_a_call_hang(world: World) -> None:
    """The process ends at once, not after the drain."""
    port = free_port()
    async with (
        osago(world.folder, world.environment, "sandbox", "--port", str(port), port=port) as process,
        plain_http(base_url=process.url) as http,
    ):
        await until(lambda: _answers(http))
        await http.put("/control/sever/mode", json={"kind": "hang"})
        hanging = _hang(http)
        process.signal(signal.SIGTERM)
        assert await process.ended() == 0, process.text
        await hanging


@pytest.mark.processes
async def test_core_app_ends_with_0_though_a_browser_listens_to_its_events(world: World) -> None:
    """The process ends at once, not after the drain: the browser reconnects to another process."""
    world.write_insurers("sever")
    api = await world.api()
    port = free_port()
    arguments = ("core-app", "--port", str(port), "--url", api.graphql, "--token", api.token)
    async with (
        osago(world.folder, world.environment, *arguments, port=port) as process,
        plain_http(base_url=process.url) as http,
    ):
        await until(lambda: _answers(http))
        accepted = (await submit(http, process.url, world.new_request()["application"])).json()
        async with http.stream("GET", accepted["events"]) as events:
            assert events.status_code == 200
            process.signal(signal.SIGTERM)
            assert await process.ended() == 0, process.text


async def _answers(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/")).status_code == 200
    except httpx.TransportError:
        return False


def _hang(http: httpx.AsyncClient) -> Any:
    return asyncio.gather(http.post("/sever/applications", content=b"{}"), return_exceptions=True)


@pytest.mark.processes
async def test_dead_letters_are_listed_shown_retried_and_dropped(world: World) -> None:
    """They show the place of the failure and no personal data; a retry prints the answer, and settles an open quote."""
    await world.insurers("sever", "volga")
    api = await world.api()
    settler = await world.settler()
    settled, open_ = await world.accepted(api), await world.accepted(api)
    await settler.settle(settled, "sever")
    letters = DeadLetters(settler.resources.redis, shards=1)
    for accepted in (settled, open_):
        request_id = UUID(accepted["quoteRequest"]["id"])
        now = settler.resources.clock.now()
        await letters.bury(DeadLetter("sever", request_id, 5, "failed", "builtins.ZeroDivisionError\n  lane.py", now))
    first, second = [letter.id async for letter in letters.all()]

    listed = await asyncio.to_thread(typed, world, "dead-letters", "list")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["id", first, second]
    shown = await asyncio.to_thread(typed, world, "dead-letters", "show", first)
    assert "ZeroDivisionError" in shown.stdout
    retried = await asyncio.to_thread(typed, world, "dead-letters", "retry", first, second)
    lines = retried.stdout.splitlines()
    assert lines[0].startswith(f"{first}  OFFERED ")
    assert lines[0].endswith("(not settled: the quote of this request stands)")
    assert lines[1].endswith("(settled)")
    dropped = await asyncio.to_thread(typed, world, "dead-letters", "drop", first)
    assert dropped.stdout == "dropped 1\n"
    for wrong, message in ((first, "there is no such dead letter"), ("x", "an id looks like 00:")):
        done = await asyncio.to_thread(typed, world, "dead-letters", "show", wrong)
        assert (done.returncode, message in done.stderr) == (2, True)


async def test_keys_rotate_and_forget_print_what_they_did(world: World) -> None:
    """They exit with 1 where an application cannot be read."""
    world.write_insurers("sever")
    api = await world.api()
    await world.accepted(api, customerId="eve")
    await world.accepted(api, customerId="adam")
    new = "k2:" + base64.b64encode(bytes(32)).decode()
    lost = await asyncio.to_thread(typed, world, "keys", "rotate", OSAGO_ENCRYPTION_KEYS=new)
    assert (lost.returncode, "unreadable 2" in lost.stdout) == (1, True)
    done = await asyncio.to_thread(typed, world, "keys", "rotate", OSAGO_ENCRYPTION_KEYS=f"{new},{KEYS}")
    assert (done.returncode, "re-encrypted 2" in done.stdout) == (0, True)
    forgotten = await asyncio.to_thread(typed, world, "forget", "--customer", "eve", "--subject", "core-app")
    assert (forgotten.returncode, forgotten.stdout) == (0, "forgotten 1\n")
    assert [row["customer_id"] for row in await world.database.fetch("SELECT customer_id FROM osago_requests")] == [
        "adam"
    ]
