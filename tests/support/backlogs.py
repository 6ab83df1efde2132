"""A large system that stands still: many insurers, and many jobs that no worker has read."""

from typing import Final

from support.world import World

from app.redis import keys

INSURERS: Final = tuple(f"insurer-{number:02}" for number in range(60))
JOBS: Final = 100_000
_FIELDS: Final = {"request": "01a2256a-8200-7000-8000-000000000001"}


async def many_jobs_wait(world: World) -> None:
    """Sixty insurers, a hundred thousand jobs."""
    world.write_insurers(*INSURERS)
    for insurer in INSURERS:
        pipeline = world.redis.client.pipeline(transaction=False)
        for _ in range(JOBS // len(INSURERS)):
            pipeline.xadd(keys.jobs(0, insurer), _FIELDS)  # type: ignore[arg-type]
        await pipeline.execute()
