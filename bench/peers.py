"""Peers: well-known libraries doing the same work, measured from outside like ours, beside our figure of the same run.

Each is a program in `bench/peer/` (its docstring states its settings), in an environment of its own (`bench.installed`). Jobs
do nothing: they are enqueued beforehand, one worker process works on them, and its CPU counts from the tenth part of the jobs
to the moment at which it has come to rest. Subscriptions are measured as `bench.push` measures ours.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import uvloop
from redis.asyncio import Redis as RedisClient

from bench import lane_line, push
from bench.installed import NotInstalled
from bench.measured_processes import cpu_s, family, rss_bytes
from bench.peer_process import MOST_S, DidNotFinish, peer
from bench.rows import Row
from bench.socket import Closed, Socket
from bench.users import WATCH
from sandbox.demo.servers import NoServer, free_port, wait_for_port

LINE: Final = "peers"
PROGRAMS: Final = Path(__file__).parent / "peer"
JOBS: Final[Mapping[str, int]] = {"arq": 8000, "taskiq_redis": 10_000, "streaq": 4000, "faststream": 10_000}
"""How many keep each busy for about three seconds."""

REST_S: Final = 0.1
AT_REST: Final = 0.02
"""A worker is at rest when it uses no more of a core than polling for more takes."""

EVENTS_EACH: Final = 12


def rows(measured: Sequence[Row]) -> list[Row]:
    """The rows of this line; `measured` are those of lines before it, ours among them."""
    found: list[Row] = []
    for name, jobs in JOBS.items():
        what = f"{name.replace('_', '-')}: jobs"
        try:
            per_s, wall_per_s = _worked(PROGRAMS / f"{name}_job.py", jobs)
        except (NotInstalled, DidNotFinish) as problem:
            found.append(_missing(what, "/s", problem))
        else:
            note = f"of the worker's CPU; by the clock: {wall_per_s:,.0f}/s; nothing settled; beside our lane"
            found.append(Row(LINE, what, per_s, "/s", _ours(measured, lane_line.LINE, "/s"), None, note))
    return found + _subscriptions(measured)


def _subscriptions(measured: Sequence[Row]) -> list[Row]:
    event, idle = "Strawberry, broadcaster: an event, CPU", "Strawberry, broadcaster: an idle subscription"
    try:
        cpu_us, kib = _pushed(PROGRAMS / "strawberry_subscription.py")
    except (NotInstalled, DidNotFinish) as problem:
        return [_missing(event, "µs", problem), _missing(idle, "KiB", problem)]
    note = f"{push.SUBSCRIPTIONS * EVENTS_EACH:,} events; nothing resumes; beside our push"
    return [
        Row(LINE, event, cpu_us, "µs", _ours(measured, push.LINE, "µs"), None, note),
        Row(LINE, idle, kib, "KiB", _ours(measured, push.LINE, "KiB"), None, "socket and all; beside ours"),
    ]


def _ours(measured: Sequence[Row], line: str, unit: str) -> float | None:
    """Our figure of this run, if it was measured: a line's first in that unit."""
    return next((row.figure for row in measured if row.line == line and row.unit == unit), None)


def _missing(what: str, unit: str, problem: Exception) -> Row:
    words = "not installed" if isinstance(problem, NotInstalled) else "did not finish"
    return Row(LINE, what, None, unit, note=f"{words}: {problem}")


def _worked(program: Path, jobs: int) -> tuple[float, float]:
    """Jobs per second of the worker's CPU, and jobs per second."""
    with peer(program, PEER_JOBS=str(jobs)) as made:
        with made.running("enqueue") as process:
            made.wait_for_end(process)
        with made.running("work") as process:
            made.wait_for("warm", process)
            cpu, begun = _cpu_s(process.pid), time.perf_counter()
            made.wait_for("all", process)
            elapsed = time.perf_counter() - begun
            cpu = _at_rest(process.pid) - cpu
    counted = jobs - jobs // 10
    return counted / cpu, counted / elapsed


def _cpu_s(pid: int) -> float:
    """Seconds of CPU of a worker and of all its child processes."""
    return sum(cpu_s(one) for one in family(pid))


def _at_rest(pid: int) -> float:
    """CPU when acknowledgements and all other work after the last job are done."""
    used, until = _cpu_s(pid), time.monotonic() + MOST_S
    while time.monotonic() < until:
        time.sleep(REST_S)
        before, used = used, _cpu_s(pid)
        if used - before < AT_REST * REST_S:
            return before
    raise DidNotFinish(f"no rest within {MOST_S:g} s")


def _pushed(program: Path) -> tuple[float, float]:
    """Microseconds of CPU per event, and KiB per idle subscription."""
    port = free_port()
    with peer(program, PEER_PORT=str(port)) as made, made.running() as process:
        try:
            wait_for_port(port, process)
        except NoServer:
            raise made.did_not_finish() from None
        try:
            return uvloop.run(_subscribed(process.pid, port, made.environment["PEER_REDIS_URL"]))
        except (TimeoutError, Closed, OSError, EOFError) as error:
            raise DidNotFinish(f"{type(error).__name__}: {error}") from None


async def _subscribed(pid: int, port: int, redis_url: str) -> tuple[float, float]:
    clients: Any = RedisClient  # its types are known in part
    async with asyncio.timeout(MOST_S), clients.from_url(redis_url) as redis:
        url = f"http://127.0.0.1:{port}/graphql"
        first = await _watched(url, 1, redis)  # where several are the first, broadcaster 0.3.1 may never listen
        warm = await _watched(url, push.BURST, redis)
        await _published(redis, {**first, **warm})
        before = rss_bytes(pid)
        watched = await _watched(url, push.SUBSCRIPTIONS, redis)
        each = (rss_bytes(pid) - before) / push.SUBSCRIPTIONS
        cpu = cpu_s(pid)
        await _published(redis, watched)
        cpu = cpu_s(pid) - cpu
    return cpu / (len(watched) * EVENTS_EACH) * 1e6, each / push.KIB


async def _watched(url: str, count: int, redis: Any) -> Mapping[str, Socket]:
    """So many sockets by the request that each subscribes to.

    Returns a while after Redis knows of all of them: what is published before the API itself does is lost.
    """
    before = len(await redis.pubsub_channels())
    sockets = {str(uuid4()): await Socket.open(url, "none is asked for") for _ in range(count)}
    for request_id, socket in sockets.items():
        payload = {"query": WATCH, "variables": {"requestId": request_id}}
        socket.send({"id": "1", "type": "subscribe", "payload": payload})
    while len(await redis.pubsub_channels()) < before + count:  # noqa: ASYNC110 - Redis alone knows
        await asyncio.sleep(0.02)
    await asyncio.sleep(push.SETTLED_S)
    return sockets


async def _published(redis: Any, watched: Mapping[str, Socket]) -> None:
    """Publishes every quote of each request, in bursts as ours are."""
    request_ids = list(watched)
    for number in range(EVENTS_EACH):
        event = json.dumps(_event(number))
        for first in range(0, len(request_ids), push.BURST):
            burst = request_ids[first : first + push.BURST]
            pipeline = redis.pipeline(transaction=False)
            for request_id in burst:
                pipeline.publish(f"quotes:{request_id}", event)
            await pipeline.execute()
            for request_id in burst:
                message = await watched[request_id].receive()
                if message["payload"]["data"]["quotes"]["cursor"] != str(number):
                    raise DidNotFinish(str(message))


def _event(number: int) -> dict[str, Any]:
    """The fields that a subscription of ours asks for, as its publisher would write them."""
    premium = {"amount": str(lane_line.OFFER.premium.amount), "currency": lane_line.OFFER.premium.currency}
    offer = {"number": lane_line.OFFER.number, "premium": premium, "purchaseUrl": lane_line.OFFER.purchase_url}
    quote = {
        "insurer": {"id": f"insurer-{number}", "name": "An insurer"},
        "status": "OFFERED",
        "receivedAt": datetime.now(UTC).isoformat(),
        "offer": offer,
    }
    return {"cursor": str(number), "quote": quote, "progress": {"answered": number + 1, "total": EVENTS_EACH}}
