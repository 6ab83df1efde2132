"""A supergraph: composed with a second subgraph, and asked and watched through a third-party gateway."""

import asyncio
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from graphql import build_schema
from support.crm_subgraph import SDL, crm_subgraph
from support.foreign import with_npm
from support.plain_http import plain_http
from support.proxy import Proxy
from support.until import until
from support.world import ApiAtHand, SettlerAtHand, World

from app.api.schema.build import federation_sdl
from cli.quote.aggregator_client import CREATE
from sandbox.demo.servers import free_port

HERE: Final = Path(__file__).parent
INSURERS: Final = ("sever", "volga", "zarya")
START_S_MAX: Final = 60.0
END_S_MAX: Final = 120.0
CUSTOMERS: Final = """query ($ids: [ID!]!) { customers(ids: $ids) {
  name openRequests { id customer { name } quotes { status insurer { id rating availability } } } } }"""
REQUEST: Final = "query ($id: ID!) { quoteRequest(id: $id) { status customer { id name openRequests { id } } } }"


@pytest.fixture(scope="session")
def gateway_folder() -> Generator[Path, None, None]:
    """The gateway and the composition, away from the checkout; half a gigabyte, which does not stay."""
    with tempfile.TemporaryDirectory(prefix="osago-gateway-", ignore_cleanup_errors=True) as made:
        yield with_npm(HERE / "gateway", Path(made) / "gateway")


@dataclass
class Gateway:
    """One of Hive's, over a composed supergraph."""

    folder: Path
    supergraph: Path
    subscriptions: str
    port: int
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    async def start(self) -> None:
        """Returns once it answers."""
        program = ("node", "node_modules/@graphql-hive/gateway/dist/bin.js", "supergraph", str(self.supergraph))
        options = ("--host", "127.0.0.1", "--port", str(self.port), "--config-path", "gateway.config.mjs")
        self.process = await asyncio.create_subprocess_exec(
            *program,
            *options,
            cwd=self.folder,
            env={**os.environ, "SUBSCRIPTIONS": self.subscriptions},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await until(self._is_ready, seconds=START_S_MAX)

    async def kill(self) -> None:
        """As `kill -9` does."""
        if self.process and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()

    async def asked(self, query: str, variables: Mapping[str, Any], token: str) -> dict[str, Any]:
        """The whole response."""
        async with plain_http() as http:
            body, headers = {"query": query, "variables": variables}, {"Authorization": f"Bearer {token}"}
            return (await http.post(self.url, json=body, headers=headers)).json()

    async def _is_ready(self) -> bool:
        with suppress(httpx.TransportError):
            async with plain_http(timeout=5) as http:
                return (await http.get(f"http://127.0.0.1:{self.port}/readiness")).is_success
        return False


def composed(folder: Path, *subgraphs: str) -> str:
    """The supergraph of subgraphs: of each its name, the file of its SDL and its URL."""
    done = subprocess.run(  # noqa: S603 - our own
        ["node", "compose.mjs", *subgraphs],  # noqa: S607 - `with_npm` has found it
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers(*INSURERS)
    return await world.api()


@pytest.fixture
async def crm() -> AsyncGenerator[str, None]:
    async with crm_subgraph() as url:
        yield url


@pytest.fixture(params=["http", "ws"])
async def gateway(
    request: pytest.FixtureRequest, gateway_folder: Path, tmp_path: Path, proxy: Proxy, crm: str
) -> AsyncGenerator[Gateway, None]:
    """A gateway that asks for subscriptions as events over HTTP, its own way, or over a WebSocket."""
    (tmp_path / "osago.graphql").write_text(federation_sdl(), encoding="utf-8")
    (tmp_path / "crm.graphql").write_text(SDL, encoding="utf-8")
    osago = ("osago", str(tmp_path / "osago.graphql"), f"{proxy.url}/graphql")
    supergraph = tmp_path / "supergraph.graphql"
    text = composed(gateway_folder, *osago, "crm", str(tmp_path / "crm.graphql"), crm)
    supergraph.write_text(text, encoding="utf-8")
    made = Gateway(gateway_folder, supergraph, request.param, free_port())
    await made.start()
    try:
        yield made
    finally:
        await made.kill()


def test_composition_takes_the_subgraph(gateway_folder: Path, tmp_path: Path) -> None:
    """It composes alone, and with another subgraph's fields of the same entities."""
    (tmp_path / "osago.graphql").write_text(federation_sdl(), encoding="utf-8")
    (tmp_path / "crm.graphql").write_text(SDL, encoding="utf-8")
    osago = ("osago", str(tmp_path / "osago.graphql"), "http://osago/graphql")
    crm = ("crm", str(tmp_path / "crm.graphql"), "http://crm/")
    for subgraphs, fields in (
        (osago, {"id", "openRequests"}),
        ((*osago, *crm), {"id", "openRequests", "name"}),
        ((*crm, *osago), {"id", "openRequests", "name"}),
    ):
        supergraph: Any = build_schema(composed(gateway_folder, *subgraphs), assume_valid=True)
        assert set(supergraph.type_map["Customer"].fields) == fields
        assert {"quotes", "customerQuotes"} == set(supergraph.subscription_type.fields)


@pytest.mark.parametrize("gateway", ["http"], indirect=True)
async def test_entities_are_asked_through_a_gateway(
    world: World, api: ApiAtHand, settler: SettlerAtHand, gateway: Gateway
) -> None:
    """Entities are resolved from either subgraph to the other and back, as far as each caller may see; mutations too."""
    created = await gateway.asked(CREATE, {"input": world.new_request(customerId="anna")}, api.token)
    accepted = created["data"]["createQuoteRequest"]
    await settler.settle(accepted, "sever")
    request_id = accepted["quoteRequest"]["id"]

    anna, boris = (await gateway.asked(CUSTOMERS, {"ids": ["anna", "boris"]}, api.token))["data"]["customers"]
    assert boris == {"name": "Name of boris", "openRequests": []}
    (opened,) = anna["openRequests"]
    assert (opened["id"], opened["customer"]) == (request_id, {"name": "Name of anna"})
    assert {quote["insurer"]["id"]: quote["status"] for quote in opened["quotes"]} == {
        "sever": "OFFERED",
        "volga": "PENDING",
        "zarya": "PENDING",
    }
    assert opened["quotes"][0]["insurer"] == {"id": "sever", "rating": "ruSEVER", "availability": "AVAILABLE"}

    seen = (await gateway.asked(REQUEST, {"id": request_id}, api.token))["data"]["quoteRequest"]
    assert seen["customer"] == {"id": "anna", "name": "Name of anna", "openRequests": [{"id": request_id}]}

    # A browser with the watch token has its request, and of the customer only what the other subgraph gives.
    seen = (await gateway.asked(REQUEST, {"id": request_id}, accepted["watchToken"]))["data"]["quoteRequest"]
    assert seen["customer"] == {"id": "anna", "name": "Name of anna", "openRequests": None}

    stranger = world.token("another-service")
    assert (await gateway.asked(REQUEST, {"id": request_id}, stranger))["data"] == {"quoteRequest": None}
    (theirs,) = (await gateway.asked(CUSTOMERS, {"ids": ["anna"]}, stranger))["data"]["customers"]
    assert theirs["openRequests"] == []


@asynccontextmanager
async def watching(gateway: Gateway, accepted: Mapping[str, Any]) -> AsyncGenerator[asyncio.subprocess.Process, None]:
    """Runs npm's graphql-sse beside the block, with the watch token: it goes on until it has seen the end."""
    process = await asyncio.create_subprocess_exec(
        *("node", "watch.mjs", gateway.url, accepted["quoteRequest"]["id"], accepted["watchToken"]),
        cwd=gateway.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(END_S_MAX):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """The next event."""
    assert process.stdout
    text = await process.stdout.readline()
    assert text, await _problems(process)
    return json.loads(text)


async def rest(process: asyncio.subprocess.Process) -> list[dict[str, Any]]:
    """All further events; the program has ended well."""
    assert process.stdout
    lines = (await process.stdout.read()).splitlines()
    assert await process.wait() == 0, await _problems(process)
    return [json.loads(text) for text in lines]


async def _problems(process: asyncio.subprocess.Process) -> str:
    assert process.stderr
    return (await process.stderr.read()).decode()


def check_whole(events: Sequence[Mapping[str, Any]]) -> None:
    """Each insurer once, in the order of their answers, with fields of both subgraphs; then the end."""
    assert [event["quote"]["insurer"] for event in events[:-1]] == [
        {"id": id_, "name": id_.title(), "rating": f"ru{id_.upper()}"} for id_ in INSURERS
    ]
    assert (events[-1]["__typename"], events[-1]["outcome"]) == ("QuotesCompleted", "ALL_ANSWERED")


async def test_a_watch_goes_on_after_the_gateway_was_killed(
    world: World, api: ApiAtHand, settler: SettlerAtHand, gateway: Gateway
) -> None:
    """`kill -9` after the first event, and an answer while there is no gateway: no gap, no repeat."""
    accepted = await world.accepted(api)
    await settler.settle(accepted, "sever")
    async with watching(gateway, accepted) as process:
        events = [await line(process)]
        await gateway.kill()
        await settler.settle(accepted, "volga")
        await gateway.start()
        events.append(await line(process))
        await settler.settle(accepted, "zarya")
        check_whole([*events, *await rest(process)])


async def test_a_watch_goes_on_after_gateway_and_subgraph_were_cut_off(
    world: World, api: ApiAtHand, settler: SettlerAtHand, proxy: Proxy, gateway: Gateway
) -> None:
    """No gap. Over HTTP no repeat either; over a WebSocket the gateway begins anew by itself, and repeats are known by their insurer."""
    accepted = await world.accepted(api)
    await settler.settle(accepted, "sever")
    async with watching(gateway, accepted) as process:
        events = [await line(process)]
        proxy.go_down()
        await settler.settle(accepted, "volga", "zarya")
        proxy.come_back()
        events += await rest(process)
    if gateway.subscriptions == "ws":
        events = list({event.get("quote", {}).get("insurer", {}).get("id"): event for event in events}.values())
    assert len(events) == len(INSURERS) + 1
    check_whole([events[0], *sorted(events[1:-1], key=lambda event: event["quote"]["insurer"]["id"]), events[-1]])
