"""A promoted standby with a clock twenty seconds off: no deadline moves, and no request ends after its `expiresAt`."""

import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support.postgresql_cluster import ClusterTemplate, postgresql_pair
from support.stalls import machine_stall, within
from support.until import until
from support.world import ApiAtHand, World

from sandbox.insurers.script.behaviours import Processing

DEADLINE_S = 6.0
EARLY_S_MAX = 1.0
LIBRARIES = (
    Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"),
    Path("/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"),
)
FAKETIME = next((path for path in LIBRARIES if path.is_file()), None)


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not installed")
@pytest.mark.parametrize("wrong_by_s", [20, pytest.param(-20, marks=pytest.mark.long)])
async def test_another_clock_moves_no_deadline(
    wrong_by_s: int, world: World, cluster_template: ClusterTemplate
) -> None:
    """The rule holds for requests open at the failover, for later ones, and for a process that starts meanwhile."""
    environment = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME": f"{wrong_by_s:+d}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_NO_CACHE": "1",
    }
    async with postgresql_pair(cluster_template, is_synchronous=False, standby_environment=environment) as pair:
        world.set(database_url=pair.url(), quote_deadline=f"{DEADLINE_S:g}s")
        await world.insurers("sever")
        world.sandbox.set_mode("sever", Processing())
        api, before = await world.api(), await world.resources()
        with machine_stall() as stall:
            accepted = await world.accepted(api, clientReference="open")
            await until(lambda: pair.standby.fetch("SELECT 1 FROM osago_requests WHERE client_reference = 'open'"))
            watching = [asyncio.create_task(_ended_at(world, api, accepted))]
            await pair.fail_over()
            standby_now = (await pair.standby.fetch("SELECT clock_timestamp() AS now"))[0]["now"].timestamp()
            assert abs(standby_now - time.time()) > abs(wrong_by_s) / 2, "the clock was not wrong at all"
            with within(5):
                later = await until(lambda: _accepted(world, api))
            watching.append(asyncio.create_task(_ended_at(world, api, later)))
            begun = await world.resources()  # a process that has never seen the first primary
            apart_s = (begun.clock.now() - before.clock.now()).total_seconds()
            ended = await asyncio.gather(*watching)
        assert abs(apart_s) <= EARLY_S_MAX + stall.seconds
        for ended_at, one in zip(ended, (accepted, later), strict=True):
            early_s = datetime.fromisoformat(one["quoteRequest"]["expiresAt"]).timestamp() - ended_at
            assert -stall.seconds <= early_s <= EARLY_S_MAX + stall.seconds
            created_at = datetime.fromisoformat(one["quoteRequest"]["createdAt"]).timestamp()
            assert ended_at - created_at > DEADLINE_S - EARLY_S_MAX - 0.5
        await world.stop()


async def _accepted(world: World, api: ApiAtHand) -> dict[str, Any] | None:
    try:
        return await world.accepted(api, clientReference="later")
    except AssertionError:
        return None


async def _ended_at(world: World, api: ApiAtHand, accepted: dict[str, Any]) -> float:
    """The wall clock of this machine when the end came; createdAt and expiresAt are by the first primary's, which is the same."""
    events = await world.watched(api, accepted)
    assert events[-1]["outcome"] == "DEADLINE"
    return time.time()
