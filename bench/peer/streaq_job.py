"""A job through streaq.

Settings: 100 jobs at a time and as many fetched ahead (its default is 16), results not kept, jobs not logged, uvloop. Jobs
lie in a Redis Stream, each with a key of its own beside it. It is the newest version that runs on Redis 6.2.
"""

from collections.abc import Sequence
from typing import Any

from shared import MASTER, REDIS_URL, SENTINEL, done, main
from streaq import Worker

if SENTINEL:
    worker = Worker(redis_sentinel_nodes=SENTINEL, redis_sentinel_master=MASTER, concurrency=100)
else:
    worker = Worker(redis_url=REDIS_URL, concurrency=100)


async def nothing(job_id: str) -> None:
    done(job_id)


job: Any = worker.task(ttl=0, silent=True)(nothing)


async def enqueue(job_ids: Sequence[str]) -> None:
    async with worker:
        for first in range(0, len(job_ids), 500):
            await worker.enqueue_many([job.enqueue(job_id) for job_id in job_ids[first : first + 500]])


if __name__ == "__main__":
    main(enqueue, ["streaq", "streaq_job.worker"])
