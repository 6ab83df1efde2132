"""A receiver of the bridge's events, and the bridge before it."""

import asyncio
import base64
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks import Webhook, WebhookVerificationError
from support.world import World

from app.resources import open_resources
from bridge.bridge_process import BridgeProcess

SECRETS: Final = tuple("whsec_" + base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


class EventBook:
    """What a receiver has got, each event once, and how often events came."""

    def __init__(self) -> None:
        self.events: dict[str, dict[str, Any]] = {}
        self.by_request: dict[str, list[str]] = defaultdict(list)
        self.arrivals = 0
        self.texts: list[str] = []
        self.contradictions: list[str] = []
        """Ids of repeats that said something else: `take` may run where its exception is not seen."""

    def take(self, body: bytes) -> None:
        """Checks that it is a CloudEvent, and that a repeat says the same."""
        event = from_structured_event(HTTPMessage({"content-type": "application/cloudevents+json"}, body), JSONFormat())
        self.arrivals += 1
        self.texts.append(body.decode())
        said = {**event.get_attributes(), "data": event.get_data()}
        id_ = event.get_id()
        if self.events.setdefault(id_, said) != said:
            self.contradictions.append(id_)
        assert id_ not in self.contradictions, "a repeat says something else"
        request = str(event.get_subject())
        if id_ not in self.by_request[request]:
            self.by_request[request].append(id_)

    def has(self, requests: Mapping[str, Iterable[str]]) -> bool:
        """Whether all events of these requests are there: one of each insurer, and the end."""
        return not self.missing(requests)

    def missing(self, requests: Mapping[str, Iterable[str]]) -> list[str]:
        """Requests with events missing, or with events that are not theirs."""
        return [one for one, names in requests.items() if set(self.by_request[one]) != _ids(one, names)]

    def is_in_order(self) -> bool:
        """Whether no request's end came before an answer of it."""
        return all(not any(id_.endswith(":end") for id_ in ids[:-1]) for ids in self.by_request.values())


def _ids(request: str, insurers: Iterable[str]) -> set[str]:
    return {*(f"{request}:{insurer}" for insurer in insurers), f"{request}:end"}


class WebhookReceiver:
    """An HTTP server that takes webhooks. `answer` says with which status an event is answered; it may wait, or raise."""

    def __init__(self) -> None:
        self.book = EventBook()
        self.secret = SECRETS[0]
        self.answer: Callable[[str], int] = lambda _: 200
        self.refused = 0
        self.at_once: dict[str, int] = defaultdict(int)
        self.at_once_max = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            Webhook(self.secret).verify(body, dict(request.headers))
        except WebhookVerificationError:
            self.refused += 1
            return web.Response(status=401)
        id_ = request.headers["webhook-id"]
        of = id_.partition(":")[0]
        self.at_once[of] += 1
        self.at_once_max = max(self.at_once_max, self.at_once[of])
        try:
            await self.gate.wait()
            status = self.answer(id_)
            if status == 200:
                self.book.take(body)
        finally:
            self.at_once[of] -= 1
        return web.Response(status=status, headers={"Location": f"{self.url}/elsewhere"} if status == 302 else {})


@asynccontextmanager
async def webhook_receiver() -> AsyncGenerator[WebhookReceiver, None]:
    """A receiver that listens on 127.0.0.1."""
    receiver = WebhookReceiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        receiver.gate.set()
        await runner.cleanup()


def webhook_table(url: str, *more: str) -> str:
    """A table of bridge.toml."""
    lines = [f'url = "{url}"', 'secrets_env = "HOOK_SECRETS"', 'allow_private = ["127.0.0.0/8"]', 'lease = "1s"']
    return "\n".join(["[webhook]", *lines, 'retry = { first = "10ms", most = "50ms", attempts = 3 }', *more])


@asynccontextmanager
async def bridged(world: World, table: str, name: str = "webhook") -> AsyncGenerator[BridgeProcess, None]:
    """A bridge in this process, stopped as SIGTERM does at the end of the block."""
    file = world.folder / "bridge.toml"
    file.write_text(table, encoding="utf-8")
    world.set(bridge_file=file)
    stopping = asyncio.Event()
    async with open_resources(world.settings) as resources:
        bridge = BridgeProcess(resources, name)
        running = asyncio.create_task(bridge.run(stopping))
        try:
            yield bridge
        finally:
            stopping.set()
            await running


async def is_delivered(world: World, name: str) -> bool:
    """Whether the place is the feed's last entry."""
    rows = await world.database.fetch("SELECT cursor FROM osago_bridge WHERE destination = $1", name)
    last = await world.redis.client.xrevrange("{osago-00}:quote-events", count=1)
    return bool(rows and last and rows[0]["cursor"] == last[0][0])
