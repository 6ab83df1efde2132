"""The overview of a large system: a hundred thousand jobs that wait, sixty insurers."""

import resource
import time

import pytest
from support.backlogs import many_jobs_wait
from support.world import World

SNAPSHOTS = 10


@pytest.mark.long
async def test_a_snapshot_is_cheap_however_much_waits(world: World) -> None:
    """One a second takes at most a hundredth of a core."""
    await many_jobs_wait(world)
    api = await world.api()
    feed = api.app.state.console.feed
    snapshot = await feed.latest()
    began_s, spent_s = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(SNAPSHOTS):
        feed._read_at_s = float("-inf")
        snapshot = await feed.latest()
    now = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = now.ru_utime + now.ru_stime - spent_s.ru_utime - spent_s.ru_stime
    print(
        f"a snapshot: {1000 * cpu_s / SNAPSHOTS:.2f} ms of CPU, {1000 * (time.monotonic() - began_s) / SNAPSHOTS:.1f} ms, {len(snapshot):,} bytes"
    )
    assert cpu_s / SNAPSHOTS <= 0.01
