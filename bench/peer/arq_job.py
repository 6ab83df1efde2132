"""A job through arq.

Settings: 1,000 jobs at a time (its default is 10, and a hundred cost a third more), results not kept, log level warning,
uvloop. The queue is a sorted set that is polled; a job is taken by a lock with an expiry, and removed when it is done.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import uvloop
from arq import create_pool
from arq.connections import RedisSettings
from shared import MASTER, REDIS_URL, SENTINEL, done, main

LOGS = {"version": 1, "root": {"level": "WARNING"}}

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # pyright: ignore[reportDeprecated] - it has no other way


async def job(_context: Mapping[str, Any], job_id: str) -> None:
    done(job_id)


class WorkerSettings:
    """What `arq` reads."""

    functions = (job,)
    redis_settings = RedisSettings.from_dsn(REDIS_URL)
    if SENTINEL:
        redis_settings = RedisSettings(host=SENTINEL, sentinel=True, sentinel_master=MASTER)
    max_jobs = 1000
    keep_result = 0


async def enqueue(job_ids: Sequence[str]) -> None:
    pool = await create_pool(WorkerSettings.redis_settings)
    for job_id in job_ids:
        await pool.enqueue_job("job", job_id)
    await pool.aclose()


if __name__ == "__main__":
    main(enqueue, ["arq", "arq_job.WorkerSettings", "--custom-log-dict", "arq_job.LOGS"])
