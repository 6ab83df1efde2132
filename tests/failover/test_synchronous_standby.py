"""A synchronous standby: each answer that a client has received survives the loss of the primary."""

import asyncio
import os
import time
from typing import Final

import pytest
from support.failover_rounds import failover_stage, lost_of, round_of_failover
from support.postgresql_cluster import ClusterTemplate, postgresql_pair
from support.stalls import machine_stall
from support.world import World

WRITABLE_S_MAX: Final = 2.0
STOPPED_S_MAX: Final = 10.0
REFUSED_S_MAX: Final = 2.5  # two seconds, and some for a busy machine
ROUNDS: Final = int(os.environ.get("CHAOS_ROUNDS") or 50)


@pytest.mark.processes
async def test_what_clients_got_is_on_the_promoted_standby(world: World, cluster_template: ClusterTemplate) -> None:
    """Cut off, killed, promoted: every acceptance, cancel, quote and end that clients have recorded is there."""
    async with (
        postgresql_pair(cluster_template, is_synchronous=True) as pair,
        failover_stage(world, pair, apis=1, workers=1) as stage,
    ):
        with machine_stall(*(process.popen.pid for process in stage.processes)) as stall:
            figures = await round_of_failover(stage, rate=30, before_s=0.7, cut_s=3.0, seed=1, share=0.5)
        assert figures.lost == []
        assert figures.acknowledged
        assert figures.answered
        assert figures.refused, "the cut was not noticed"
        assert figures.writable_s - stall.seconds <= WRITABLE_S_MAX
        assert figures.slowest_refusal_s - stall.seconds <= REFUSED_S_MAX


@pytest.mark.long
@pytest.mark.processes
async def test_processes_end_in_order_while_commits_wait(world: World, cluster_template: ClusterTemplate) -> None:
    """SIGTERM while the standby is cut off: exit 0, as ever; what waited is committed when the standby is back."""
    async with (
        postgresql_pair(cluster_template, is_synchronous=True) as pair,
        failover_stage(world, pair, apis=1, workers=1) as stage,
        stage.clients(rate=30, seed=1, share=0.5) as book,
    ):
        await book.until(lambda lines: any(line["kind"] == "end" for line in lines))
        pair.wire.cut()
        await book.until(lambda lines: any(line["kind"] == "refused" for line in lines))
        with machine_stall(*(process.popen.pid for process in stage.processes)) as stall:
            began_s = time.monotonic()
            codes = await asyncio.gather(*(process.stop() for process in stage.processes))
            took_s = time.monotonic() - began_s
        assert codes == [0, 0]
        assert took_s - stall.seconds <= STOPPED_S_MAX
        assert await lost_of(pair.primary, book.lines()) == []


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.timeout(3600)
async def test_fifty_failovers_lose_nothing(world: World, cluster_template: ClusterTemplate) -> None:
    """One after the other, 200 requests a second, and no process of the product is started anew."""
    async with (
        postgresql_pair(cluster_template, is_synchronous=True) as pair,
        failover_stage(world, pair, apis=2, workers=2) as stage,
    ):
        for number in range(ROUNDS):
            with machine_stall(*(process.popen.pid for process in stage.processes)) as stall:
                figures = await round_of_failover(stage, rate=200, before_s=0.7, cut_s=2.5, seed=number)
            print(number, figures, f"stall {stall.seconds:.2f} s")
            assert figures.lost == []
            assert figures.writable_s - stall.seconds <= WRITABLE_S_MAX
            await pair.rejoin()
