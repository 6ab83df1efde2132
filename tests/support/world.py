"""The whole system in one process: real servers, real HTTP, a real API and real workers, started as they are asked for."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID, uuid4

import httpx
import pytest
from prometheus_client import Gauge
from support.applications import valid_application
from support.plain_http import plain_http
from support.quotes import an_offer
from support.servers import Database, RedisAtHand, Servers

from app.api.auth.tokens import Tokens
from app.config.key_derivation import EVENTS, derived_key
from app.config.settings import Settings
from app.domain.quote import Answer, Quote
from app.main import create_app
from app.observability import metrics
from app.observability.tracing.tracing import open_tracing
from app.resources import Resources, open_resources
from app.runtime.clock import Clock
from app.runtime.supervision import run_parts
from app.server.serve import listen, serve_here
from app.use_cases.settle import Answered, QuoteSettler
from cli.quote.aggregator_client import CREATE, Client
from sandbox.core_app.app import create_app as create_core_app
from sandbox.core_app.config import Config
from sandbox.core_app.feed_keys import FeedKeys
from sandbox.insurers.app import create_app as create_sandbox
from workers.worker import Worker

SECRET: Final = "a secret of the tests, long enough to sign"
KEYS: Final = "k1:" + base64.b64encode(bytes(range(32))).decode()
FEED_KEY: Final = derived_key(bytes(range(32)), EVENTS)
REPEATS_MAX: Final = 10
AT_ONCE_MAX: Final = 50
"""Applications: client and API are one process, which answers a few hundred on a busy machine later than the API promises."""


@dataclass(slots=True)
class ApiAtHand:
    """A running API."""

    url: str
    token: str
    services: Any
    app: Any = None

    @property
    def graphql(self) -> str:
        return f"{self.url}/graphql"

    @property
    def client(self) -> Client:
        return Client(self.graphql, self.token)

    def begun(self, *accepted: Mapping[str, Any]) -> int:
        """Subscriptions of these requests that have read what stands: what is counted as one may still be reading."""
        ids = [UUID(one["quoteRequest"]["id"]) for one in accepted]
        return sum(len(self.services.frames.places_of(id_)) for id_ in ids)

    async def post(self, query: str, variables: Mapping[str, Any] | None = None, **more: Any) -> httpx.Response:
        """A GraphQL request over HTTP."""
        headers = {"Authorization": f"Bearer {more.pop('token', self.token)}", **more.pop("headers", {})}
        async with plain_http() as http:
            body = {"query": query, "variables": variables or {}}
            return await http.post(self.graphql, json=body, headers=headers)


class SettlerAtHand:
    """Settles quotes as a lane would, without asking anybody."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
        self.settling = QuoteSettler(
            resources.pool, resources.events, resources.ending, resources.links, resources.clock
        )

    async def settle(self, accepted: Mapping[str, Any], *insurers: str, answer: Answer | None = None) -> None:
        """Settles an offer, or another answer, of each of these insurers."""
        request_id = UUID(accepted["quoteRequest"]["id"])
        now = self.resources.clock.now()
        quotes = [Quote(request_id, insurer, answer or an_offer(), now) for insurer in insurers]
        await asyncio.gather(*(self.settling.settle(Answered(q, now + timedelta(seconds=60), "")) for q in quotes))


@dataclass(slots=True)
class WorkerAtHand:
    """A running worker."""

    worker: Worker
    resources: Resources
    stopping: asyncio.Event
    task: asyncio.Task[None]

    async def stop(self) -> None:
        """As SIGTERM does."""
        self.stopping.set()
        await self.task


class World:
    """Use it as a context; all that was started ends with it."""

    def __init__(self, database: Database, redis: RedisAtHand, folder: Path, servers: Servers) -> None:
        self._servers = servers
        self.database = database
        self.redis = redis
        self.folder = folder
        self.insurers_file = folder / "insurers.toml"
        self._stack = AsyncExitStack()
        self._options: dict[str, Any] = {
            "database_url": database.url,
            "redis_url": redis.url,
            "insurers_file": self.insurers_file,
            "auth_secret": SECRET,
            "encryption_keys": KEYS,
            "quote_deadline": "120s",  # nothing runs out of time on a busy machine
            "log_level": "warning",
            "connect_rate": "off",  # clients in this process are not early: a stall of it is theirs too
        }
        self._in_this_process = {"max_deliveries": 100}  # a stall makes its workers look dead, and kills none of them
        self._at_once = asyncio.Semaphore(AT_ONCE_MAX)
        self.sandbox: Any = None
        self.sandbox_url = "http://127.0.0.1:1"

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        _forget_gauges_of_insurers()

    @property
    def server_pids(self) -> tuple[int, ...]:
        """Of servers that are no descendants of this process, as `support.stalls` wants them."""
        return (self._servers.postgresql.pid,) if self._servers.postgresql else ()

    def restart_postgresql(self) -> None:
        """A fast stop, and a start."""
        if self._servers.postgresql is None:
            pytest.skip("a server of one's own is not ours to restart")
        self._servers.postgresql.stop()
        self._servers.postgresql.start()

    async def stop(self) -> None:
        """Ends all that was started so far, before the servers that it needs."""
        await self._stack.aclose()

    def set(self, **options: Any) -> None:
        """Settings for the parts that are started from now on."""
        self._options |= options

    @property
    def settings(self) -> Settings:
        return Settings(_env_file=None, **(self._in_this_process | self._options))  # type: ignore[call-arg]

    @property
    def environment(self) -> dict[str, str]:
        """The same settings, for a process of its own."""
        settings = {f"OSAGO_{name.upper()}": str(value) for name, value in self._options.items()}
        return {**os.environ, "OSAGO_FEED_KEYS": f"k1:{FEED_KEY.hex()}", **settings}

    async def insurers(
        self,
        *ids: str,
        time_scale: float = 0.0,
        more: Mapping[str, Any] | None = None,
        each: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Sandbox insurers, calm ones, that are asked without delay."""
        app = create_sandbox(seed=1, time_scale=time_scale, calm=True)
        self.sandbox_url = await self._stack.enter_async_context(_served(app))
        self.sandbox = app.state.sandbox
        self.write_insurers(*ids, more=more, each=each)

    def write_insurers(
        self, *ids: str, more: Mapping[str, Any] | None = None, each: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        """The file of insurers; `more` overrides settings of all of them, `each` of single ones."""
        defaults = {
            "poll_interval": {"first": "20ms", "factor": 1.5, "most": "300ms"},
            "request_timeout": "20s",  # an insurer in this process looks slow on a busy machine
            "connect_timeout": "20s",
            "retry": {"attempts": 3, "first": "10ms", "most": "50ms"},
        }
        tables: list[str] = []
        for id_ in ids:
            table = {"id": id_, "name": id_.title(), "adapter": "rest-poll", "base_url": f"{self.sandbox_url}/{id_}"}
            tables.append(
                "[[insurer]]\n"
                + "".join(
                    f"{k} = {_toml(v)}\n"
                    for k, v in {**table, **defaults, **(more or {}), **(each or {}).get(id_, {})}.items()
                )
            )
        self.insurers_file.write_text("\n".join(tables), encoding="utf-8")

    async def resources(self) -> Resources:
        """What a process opens first."""
        tracing = await self._stack.enter_async_context(open_tracing("worker", "tests"))
        return await self._stack.enter_async_context(open_resources(self.settings, tracing))

    async def api(self) -> ApiAtHand:
        """An API of its own, on a port of its own."""
        app = create_app(self.settings)
        url = await self._stack.enter_async_context(_served(app))
        return ApiAtHand(url, self.token(), app.state.services, app)

    async def core_app(self, api: ApiAtHand, **options: Any) -> str:
        """core-app before this API; its URL."""
        watch_url = api.graphql.replace("http", "ws", 1)
        known: dict[str, Any] = {"url": api.graphql, "watch_url": watch_url, "token": api.token, "secret": SECRET}
        known["feed_keys"] = FeedKeys({"k1": FEED_KEY})
        config = Config(**(known | options))
        return await self._stack.enter_async_context(_served(create_core_app(config)))

    async def worker(self, name: str = "worker", insurers: Sequence[str] = ()) -> WorkerAtHand:
        """A worker of its own."""
        resources = await self.resources()
        worker, stopping = Worker(resources, insurers=insurers, name=name), asyncio.Event()
        at_hand = WorkerAtHand(worker, resources, stopping, asyncio.create_task(worker.run(stopping)))
        self._stack.push_async_callback(at_hand.stop)
        return at_hand

    async def settler(self) -> SettlerAtHand:
        """A settler of quotes."""
        made = SettlerAtHand(await self.resources())
        await self._stack.enter_async_context(run_parts(made.settling.parts()))
        return made

    def token(self, subject: str = "core-app", scope: str = "quotes:write quotes:read") -> str:
        return Tokens(SECRET, Clock(), watch_ttl_s=1800).service_token(subject, scope, timedelta(hours=1))

    def new_request(self, **changes: Any) -> dict[str, Any]:
        """A valid CreateQuoteRequestInput, as JSON."""
        application = json.loads(json.dumps(valid_application(datetime.now(UTC).date()), default=str))
        return {"customerId": "customer-1", "application": application, **changes}

    async def accepted(self, api: ApiAtHand, **changes: Any) -> dict[str, Any]:
        """A request that has been accepted; repeated, as callers are asked to, where a busy machine took too long for the first call."""
        changes.setdefault("clientReference", uuid4().hex)
        body: dict[str, Any] = {}
        for _ in range(REPEATS_MAX):
            async with self._at_once:
                body = (await api.post(CREATE, {"input": self.new_request(**changes)})).json()
            if "errors" not in body or body["errors"][0]["extensions"]["code"] not in {"UNAVAILABLE", "OVERLOADED"}:
                break
            await asyncio.sleep(body["errors"][0]["extensions"]["retryAfterSeconds"])
        assert "errors" not in body, body
        result = body["data"]["createQuoteRequest"]
        assert result["__typename"] == "QuoteRequestAccepted", result
        return result

    async def watched(self, api: ApiAtHand, accepted: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Every event of a request, to its end."""
        watching = api.client.watch(accepted["quoteRequest"]["id"], accepted["watchToken"])
        return [dict(event) async for event in watching]


def _forget_gauges_of_insurers() -> None:
    """The next world of this process has insurers of its own, and a gauge keeps what it was last set to."""
    for gauge in [metric for metric in vars(metrics).values() if isinstance(metric, Gauge)]:
        if any("insurer" in sample.labels for family in gauge.collect() for sample in family.samples):
            gauge.clear()


@asynccontextmanager
async def _served(app: Any) -> AsyncGenerator[str, None]:
    listening = listen("127.0.0.1", 0)
    async with serve_here(app, listening):
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
