"""Pushing: CPU of the API per event, from Redis to the socket, beside a bare echo; and memory per idle subscription.

Each subscription is a socket of its own that watches a request of its own. Quotes are published as a worker publishes them, by
the same script, in bursts of a hundred; clients only count frames, and a few of them look at what is in them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import uvloop

from app.api.auth.tokens import Tokens
from app.domain.quote import Quote, QuoteRequest
from app.redis.event_streams import Published
from app.resources import Resources, open_resources
from app.runtime.clock import Clock
from bench.lane_line import OFFER, enqueued, settings_of
from bench.measured_processes import cpu_s, echo, rss_bytes
from bench.rows import Row, Target
from bench.socket import Socket
from bench.stream import EVENTS, PARTS, Stream
from bench.system import System, create_body, system
from bench.users import WATCH
from bench.wrk import load

LINE: Final = "push"
SUBSCRIPTIONS: Final = 1000
BURST: Final = 100
SETTLED_S: Final = 1.0
STREAMED: Final = "over HTTP; × is of the same event over a WebSocket"
KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class _Found:
    cpu_us: Sequence[float]
    """CPU per event of each slice: one insurer's quotes for all requests."""
    bytes_each: float
    streamed_us: Mapping[str, Sequence[float]]
    """The same over HTTP, by how the answer lasts."""


def rows() -> list[Row]:
    """The rows of this line."""
    with system(OSAGO_QUOTE_DEADLINE="1h", OSAGO_ADMISSION_AGE="off") as made, made.api() as (pid, url):
        found = uvloop.run(_pushed(made, pid, url))
        yardstick = _echoed(made)
    note = (
        f"{SUBSCRIPTIONS:,} sockets, bursts of {BURST}; best of {len(found.cpu_us)}, median {median(found.cpu_us):.1f}"
    )
    return [
        Row(LINE, "an event, CPU", min(found.cpu_us), "µs", yardstick, Target(0.5, of="ratio"), note),
        Row(LINE, "an idle subscription, memory", found.bytes_each / KIB, "KiB", None, Target(40), "socket and all"),
        *(
            Row(LINE, f"an event as {kind}, CPU", min(us), "µs", min(found.cpu_us), Target(1.3, of="ratio"), STREAMED)
            for kind, us in found.streamed_us.items()
        ),
    ]


def _echoed(made: System) -> float:
    """Microseconds of CPU per request of the echo, the best of three seconds."""
    headers = {"Authorization": f"Bearer {made.token()}", "Content-Type": "application/json"}
    found: list[float] = []
    with echo() as (pid, url):
        for _ in range(4):
            before = cpu_s(pid)
            requests = load(url, create_body(), headers, connections=64, seconds=1).requests
            found.append((cpu_s(pid) - before) / requests * 1e6)
    return min(found)


async def _pushed(made: System, pid: int, url: str) -> _Found:
    async with open_resources(settings_of(made.environment)) as resources:
        requests = await enqueued(resources, SUBSCRIPTIONS + BURST)
        tokens = Tokens(made.environment["OSAGO_AUTH_SECRET"], Clock(), watch_ttl_s=3600)
        warm = [await _watch(url, tokens, one) for one in requests[:BURST]]
        for insurer_id in resources.insurers:
            await _publish(resources, insurer_id, requests[:BURST], warm)
        before = rss_bytes(pid)
        sockets = [await _watch(url, tokens, one) for one in requests[BURST:]]
        await asyncio.sleep(SETTLED_S)
        each = (rss_bytes(pid) - before) / SUBSCRIPTIONS
        found = await _sliced(resources, pid, requests[BURST:], sockets)
        streamed: dict[str, Sequence[float]] = {}
        for kind, accept in {"a server-sent event": EVENTS, "a part of a document": PARTS}.items():
            more = await enqueued(resources, SUBSCRIPTIONS)
            streams = [await _stream(url, tokens, one, accept) for one in more]
            streamed[kind] = await _sliced(resources, pid, more, streams)
        return _Found(found, each, streamed)


async def _sliced(
    resources: Resources, pid: int, requests: Sequence[QuoteRequest], watching: Sequence[Socket | Stream]
) -> Sequence[float]:
    """CPU per event, of one insurer's quotes for all requests after another's."""
    slices: list[float] = []
    for insurer_id in resources.insurers:
        cpu = cpu_s(pid)
        await _publish(resources, insurer_id, requests, watching)
        slices.append((cpu_s(pid) - cpu) / len(requests) * 1e6)
    return slices


async def _watch(url: str, tokens: Tokens, request: QuoteRequest) -> Socket:
    token = tokens.watch_token(request.id)
    socket = await Socket.open(url, token)
    payload = {"query": WATCH, "variables": {"requestId": str(request.id)}}
    socket.send({"id": "1", "type": "subscribe", "payload": payload})
    return socket


async def _stream(url: str, tokens: Tokens, request: QuoteRequest, accept: str) -> Stream:
    return await Stream.open(url, tokens.watch_token(request.id), accept, WATCH, {"requestId": str(request.id)})


async def _publish(
    resources: Resources, insurer_id: str, requests: Sequence[QuoteRequest], sockets: Sequence[Socket | Stream]
) -> None:
    """Publishes one insurer's quote of each request, and sees every frame that comes of it."""
    for first in range(0, len(requests), BURST):
        burst = requests[first : first + BURST]
        now = resources.clock.now()
        quotes = resources.links.encoded([Quote(one.id, insurer_id, OFFER, now) for one in burst])
        news = [Published(quote, one.expires_at, None) for quote, one in zip(quotes, burst, strict=True)]
        await resources.events.publish(news)
        for socket in sockets[first : first + BURST]:
            message = await socket.receive()
            if message.get("payload", message)["data"]["quotes"]["quote"]["insurer"]["id"] != insurer_id:
                raise ValueError(str(message))
