"""Machines with clocks half a minute wrong, in other time zones: only their log lines show it."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from support.processes import Process, api_process, together, worker_process
from support.stalls import machine_stall, within
from support.until import until
from support.world import SECRET, ApiAtHand, World

from sandbox.insurers.script.behaviours import Processing, Status

INSURERS = ("sever", "volga", "ural")
DEADLINE_S, LEASE_S = 6.0, 1.5
SKEW_S = 30.0
SKEWED = Path(__file__).parents[1] / "support" / "skewed"
TAKEN_OVER_S_MAX = LEASE_S + 1.0


@dataclass
class Stage:
    """An API and a worker that are ahead, and an API and a worker that are behind."""

    apis: list[ApiAtHand]
    workers: tuple[Process, ...]


@asynccontextmanager
async def staged(world: World) -> AsyncGenerator[Stage, None]:
    world.set(quote_deadline=f"{DEADLINE_S:g}s", lease=f"{LEASE_S:g}s", log_format="json", log_level="info")
    await world.insurers(*INSURERS)
    ahead, behind = _environment(world, SKEW_S, "Asia/Kamchatka"), _environment(world, -SKEW_S, "Europe/Moscow")
    async with AsyncExitStack() as stack:
        apis = await together(stack, *(api_process(world.folder, one) for one in (ahead, behind)))
        workers = await together(stack, *(worker_process(world.folder, one) for one in (ahead, behind)))
        yield Stage([ApiAtHand(api.url, world.token(), api) for api in apis], workers)


def _environment(world: World, wrong_by_s: float, zone: str) -> dict[str, str]:
    return {**world.environment, "PYTHONPATH": str(SKEWED), "WALL_CLOCK_WRONG_BY_S": str(wrong_by_s), "TZ": zone}


def _is_now(text: str, *, within_s: float = 2.0) -> bool:
    return abs(datetime.fromisoformat(text).timestamp() - time.time()) < within_s


@pytest.mark.processes
async def test_wrong_clocks_change_nothing_but_log_lines(world: World) -> None:
    """Quotes, ends, tokens and presence go by PostgreSQL's clock and by Redis's."""
    async with staged(world) as stage:
        for accepting, watching in (stage.apis, stage.apis[::-1]):
            await _answers_come(world, accepting, watching)
        await _insurers_say_when_to_come_again(world, stage.apis[0])
        await _tokens_hold(stage)
        await asyncio.gather(*(_ends_in_time(world, one, other) for one, other in (stage.apis, stage.apis[::-1])))
        assert not any("worker.lost" in worker.text for worker in stage.workers)
        await _the_dead_are_replaced(world, stage)
        for process, wrong_by_s in zip(stage.workers, (SKEW_S, -SKEW_S), strict=True):
            line = json.loads(next(line for line in process.text.splitlines() if "worker.ready" in line))
            logged_s = datetime.fromisoformat(line["timestamp"]).timestamp()
            assert abs(logged_s - wrong_by_s - time.time()) < SKEW_S / 2, "the clock was not wrong at all"


async def _answers_come(world: World, accepting: ApiAtHand, watching: ApiAtHand) -> None:
    accepted = await world.accepted(accepting)
    assert _is_now(accepted["quoteRequest"]["createdAt"])
    assert DEADLINE_S - 2 < accepted["quoteRequest"]["remainingSeconds"] <= DEADLINE_S
    *quotes, end = await world.watched(watching, accepted)
    assert sorted(event["quote"]["insurer"]["id"] for event in quotes) == sorted(INSURERS)
    assert all(_is_now(event["quote"]["receivedAt"]) for event in quotes)
    assert end["outcome"] == "ALL_ANSWERED"


async def _insurers_say_when_to_come_again(world: World, api: ApiAtHand) -> None:
    """As a date, by the right clock."""
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    for insurer in INSURERS:
        world.sandbox.script(insurer, Status(status=503, retry_after=soon, step="create"))
    events = await world.watched(api, await world.accepted(api))
    assert events[-1]["outcome"] == "ALL_ANSWERED"


async def _tokens_hold(stage: Stage) -> None:
    """One that was made this second, and holds for a few."""
    now = int(time.time())
    claims = {"sub": "core-app", "scope": "quotes:read", "aud": "osago", "iat": now, "nbf": now, "exp": now + 60}
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    for api in stage.apis:
        assert (await api.post("{ insurers { id } }", token=token)).status_code == 200
    expired = jwt.encode({**claims, "exp": now - 1}, SECRET, algorithm="HS256")
    for api in stage.apis:
        assert (await api.post("{ insurers { id } }", token=expired)).status_code == 401


async def _ends_in_time(world: World, accepting: ApiAtHand, watching: ApiAtHand) -> None:
    for insurer in INSURERS:
        world.sandbox.set_mode(insurer, Processing())
    accepted = await world.accepted(accepting)
    with machine_stall(*world.server_pids) as stall:
        events = await world.watched(watching, accepted)
        late_s = time.time() - datetime.fromisoformat(accepted["quoteRequest"]["expiresAt"]).timestamp()
    assert events[-1]["outcome"] == "DEADLINE"
    assert -1 < late_s <= stall.seconds


async def _the_dead_are_replaced(world: World, stage: Stage) -> None:
    accepted = [await world.accepted(stage.apis[0]) for _ in range(4)]
    await until(lambda: all(_polls(world, one) for one in accepted))
    victim, _ = stage.workers
    victim.kill()
    before = {one["watchToken"]: _polls(world, one) for one in accepted}
    with within(TAKEN_OVER_S_MAX, *world.server_pids):
        await until(lambda: all(_polls(world, one) > before[one["watchToken"]] + 3 for one in accepted))


def _polls(world: World, accepted: dict[str, Any]) -> int:
    """The fewest polls that any insurer had for it."""
    seen = [world.sandbox.seen(f"{accepted['quoteRequest']['id']}:{insurer}") for insurer in INSURERS]
    return min(one.polls if one else 0 for one in seen)
