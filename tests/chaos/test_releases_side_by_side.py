"""This release beside the one that upgrades begin from, forwards and back, under load: nothing is lost, nothing doubled.

The order is that of docs/operations.md: migrations, workers, APIs; back: APIs, then, when what they have accepted has ended, workers.
"""

import asyncio
import contextlib
import random
import re
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from support.plain_http import plain_http
from support.processes import Process, api_process, worker_process
from support.releases import BASE, THIS, Release, unpacked
from support.servers import RedisAtHand, Servers
from support.socket import opened
from support.until import until
from support.world import World
from websockets.exceptions import WebSocketException

from bench.insurers import premium
from bench.measured_processes import running
from sandbox.demo.servers import free_port
from sandbox.insurers.model.application_store import application_id, offer_number

INSURERS: Final = ("sever", "volga", "ural")
THINKING_S: Final = ("0.05", "1.0")
EVERY_S: Final = 0.05
A_STAGE: Final = 8
"""Customers before the next step."""
AGAIN_S: Final = 0.1
ROUNDS: Final = 3
FAULTS: Final = re.compile(
    r"\b(job\.failed|jobs\.unreadable|quote\.unreadable|event\.unreadable|operation\.failed|part\.failed)\b"
)
CREATE: Final = """mutation ($input: CreateQuoteRequestInput!) { createQuoteRequest(input: $input) {
  __typename
  ... on QuoteRequestAccepted { watchToken quoteRequest { id } }
  ... on InvalidApplication { problems { path code } } } }"""
WATCH: Final = """subscription ($requestId: ID!, $after: String) { quotes(requestId: $requestId, after: $after) {
  __typename
  ... on QuoteReceived { cursor quote { insurer { id } status offer { number premium { amount } } } }
  ... on QuotesCompleted { cursor outcome } } }"""
CANCEL: Final = "mutation ($id: ID!) { cancelQuoteRequest(id: $id) { __typename } }"


@dataclass(eq=False)
class Customer:
    """The events that one customer received."""

    release: Release
    reference: str
    cancels: bool
    request_id: str = ""
    token: str = ""
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def has_ended(self) -> bool:
        return bool(self.events) and self.events[-1]["__typename"] == "QuotesCompleted"


@dataclass
class Town:
    """Processes of both releases over one database, and customers of their APIs."""

    world: World
    stack: AsyncExitStack
    apis: dict[Release, list[Process]] = field(default_factory=dict[Release, list[Process]])
    customers: list[Customer] = field(default_factory=list[Customer])
    processes: list[Process] = field(default_factory=list[Process])
    asked: Release = THIS
    """The release that customers come to."""
    is_open: bool = True
    chance: random.Random = field(default_factory=lambda: random.Random(9))

    async def api(self, release: Release) -> Process:
        started = api_process(self.world.folder, self.world.environment, root=release.root)
        api = await self.stack.enter_async_context(started)
        self.processes.append(api)
        self.apis.setdefault(release, []).append(api)
        return api

    async def worker(self, release: Release) -> Process:
        started = worker_process(self.world.folder, self.world.environment, root=release.root)
        worker = await self.stack.enter_async_context(started)
        self.processes.append(worker)
        return worker

    async def stop_api(self, release: Release) -> None:
        """SIGTERM, when it has answered its customers."""
        await until(lambda: all(one.request_id for one in self.customers if one.release is release))
        api = self.apis[release].pop()
        assert await api.stop() == 0, api.text

    async def stage(self) -> None:
        """Returns when some more customers have come."""
        so_far = len(self.customers)
        await until(lambda: len(self.customers) >= so_far + A_STAGE)

    async def have_ended(self, release: Release) -> None:
        """Returns when all that this release has accepted is over."""
        await until(lambda: all(one.has_ended for one in self.customers if one.release is release))

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None, None]:
        """Customers come as long as the block runs; it ends when each of them has seen the end."""
        async with asyncio.TaskGroup() as tasks:  # a failed customer ends the test
            tasks.create_task(self._come())
            yield
            self.is_open = False

    async def _come(self) -> None:
        """One after the other; each fourth one changes its mind."""
        async with plain_http() as http, asyncio.TaskGroup() as tasks:
            while self.is_open:
                cancels = len(self.customers) % 4 == 3
                self.customers.append(Customer(self.asked, uuid.uuid4().hex, cancels))
                tasks.create_task(self._serve(self.customers[-1], http))
                await asyncio.sleep(EVERY_S)

    async def _serve(self, customer: Customer, http: httpx.AsyncClient) -> None:
        wish = self.world.new_request() if customer.release is THIS else customer.release.example()
        wish["clientReference"] = customer.reference
        made = (await self._post(http, customer.release, CREATE, {"input": wish}))["createQuoteRequest"]
        assert made["__typename"] == "QuoteRequestAccepted", made
        customer.request_id, customer.token = made["quoteRequest"]["id"], made["watchToken"]
        watching = asyncio.create_task(self._watch(customer))
        if customer.cancels:
            await until(lambda: customer.events)
            await self._post(http, None, CANCEL, {"id": customer.request_id})
        await watching

    async def _post(
        self, http: httpx.AsyncClient, release: Release | None, query: str, variables: Mapping[str, Any]
    ) -> Any:
        """The data; repeated until there is some, as integrators are asked to."""
        headers = {"Authorization": f"Bearer {self.world.token()}"}
        while True:
            try:
                url = self._any_api(release).url
                answer = await http.post(
                    f"{url}/graphql", json={"query": query, "variables": variables}, headers=headers
                )
                if data := answer.json().get("data"):
                    return data
                assert "UNAVAILABLE" in answer.text, answer.text
            except httpx.TransportError:
                pass
            await asyncio.sleep(AGAIN_S)

    async def _watch(self, customer: Customer) -> None:
        while not customer.has_ended:
            after = customer.events[-1]["cursor"] if customer.events else None
            with contextlib.suppress(OSError, WebSocketException):
                async with opened(f"{self._any_api().url}/graphql") as socket:
                    await socket.init(customer.token)
                    await socket.subscribe(WATCH, {"requestId": customer.request_id, "after": after})
                    while (message := await socket.receive())["type"] == "next":
                        customer.events.append(message["payload"]["data"]["quotes"])
            await asyncio.sleep(AGAIN_S)

    def _any_api(self, release: Release | None = None) -> Process:
        """Of this release, or of any."""
        return self.chance.choice(
            [api for one, apis in self.apis.items() for api in apis if release is None or one is release]
        )


pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return unpacked(BASE, tmp_path_factory.mktemp("before"))


@pytest.fixture
async def town(servers: Servers, redis: RedisAtHand, tmp_path: Path, before: Release) -> AsyncGenerator[Town, None]:
    """A database as the release before made it, and insurers that accept an application of any form."""
    database = await servers.new_database(is_empty=True)
    port = free_port()
    try:
        async with World(database, redis, tmp_path, servers) as world, AsyncExitStack() as stack:
            stack.enter_context(running(["-m", "bench.insurers", str(port), *THINKING_S], port=port))
            world.sandbox_url = f"http://127.0.0.1:{port}"
            world.write_insurers(*INSURERS)
            await asyncio.to_thread(before.migrate, tmp_path, world.environment)
            yield Town(world, stack, asked=before)
    finally:
        await database.drop()


async def forwards(town: Town, before: Release, old_worker: Process) -> Process:
    """Migrations, workers, APIs: the worker of this release that runs in the end."""
    await asyncio.to_thread(THIS.migrate, town.world.folder, town.world.environment)
    worker = await town.worker(THIS)
    old_worker.kill()
    await town.world.redis.client.flushall()
    await town.stage()
    await town.api(THIS)
    town.asked = THIS
    await town.stage()
    return worker


async def back(town: Town, before: Release, worker: Process) -> Process:
    """APIs, then, when what they have accepted has ended, workers."""
    town.asked = before
    await town.stop_api(THIS)
    await town.have_ended(THIS)
    old_worker = await town.worker(before)
    worker.kill()
    await town.world.redis.client.flushall()
    await town.stage()
    return old_worker


async def test_an_upgrade_and_the_way_back_lose_nothing(town: Town, before: Release) -> None:
    """Each customer gets each insurer's own offer once, or a cancelled quote, and the end last; PostgreSQL has the same."""
    old_worker, _ = await asyncio.gather(town.worker(before), town.api(before))
    async with town.open():
        await town.stage()
        worker = await forwards(town, before, old_worker)
        await back(town, before, worker)
    await check(town)


@pytest.mark.long
async def test_upgrades_there_and_back_again_and_again(town: Town, before: Release) -> None:
    """The API of the release before may be gone in between, and the upgrade begins again."""
    worker, _ = await asyncio.gather(town.worker(before), town.api(before))
    async with town.open():
        for _ in range(ROUNDS):
            worker = await forwards(town, before, worker)
            await town.stop_api(before)
            await town.stage()
            await town.api(before)
            worker = await back(town, before, worker)
    await check(town)


async def check(town: Town) -> None:
    """Compares what customers saw with the insurers' own offers, and with PostgreSQL."""
    rows = await town.world.database.fetch("SELECT request_id, insurer_id, status FROM osago_quotes")
    stored = Counter((str(row["request_id"]), row["insurer_id"], row["status"]) for row in rows)
    seen: Counter[tuple[str, str, str]] = Counter()
    for customer in town.customers:
        *quotes, end = customer.events
        assert sorted(event["quote"]["insurer"]["id"] for event in quotes) == sorted(INSURERS)
        assert end["outcome"] in ({"ALL_ANSWERED", "CANCELLED"} if customer.cancels else {"ALL_ANSWERED"})
        for event in quotes:
            check_quote(customer, event["quote"])
            seen[customer.request_id, event["quote"]["insurer"]["id"], event["quote"]["status"]] += 1
    assert seen == stored
    for process in town.processes:
        assert not FAULTS.search(process.text), process.text


def check_quote(customer: Customer, quote: Mapping[str, Any]) -> None:
    insurer = quote["insurer"]["id"]
    key = f"{customer.request_id}:{insurer}"
    if customer.cancels and quote["status"] == "CANCELLED":
        return
    assert quote["status"] == "OFFERED", quote
    assert quote["offer"]["number"] == offer_number(insurer, application_id(insurer, key))
    assert quote["offer"]["premium"]["amount"] == premium(insurer, key)
