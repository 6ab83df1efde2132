"""A job through taskiq with taskiq-redis.

Settings: its broker over a Redis Stream, the one that acknowledges; a hundred entries a read, 100 jobs at a time and as
many fetched ahead, no results kept, log level warning, uvloop (its worker takes it where it is installed).
"""

from collections.abc import Sequence
from typing import Any

from shared import MASTER, REDIS_URL, SENTINEL, done, main
from taskiq_redis import RedisStreamBroker, RedisStreamSentinelBroker

broker: Any = RedisStreamBroker(REDIS_URL, consumer_id="0", xread_count=100)
if SENTINEL:
    broker = RedisStreamSentinelBroker(SENTINEL, MASTER, consumer_id="0")


async def nothing(job_id: str) -> None:
    done(job_id)


job: Any = broker.register_task(nothing, "job")


async def enqueue(job_ids: Sequence[str]) -> None:
    await broker.startup()
    for job_id in job_ids:
        await job.kiq(job_id)
    await broker.shutdown()


if __name__ == "__main__":
    settings = "--workers 1 --max-async-tasks 100 --max-prefetch 100 --log-level WARNING"
    main(enqueue, ["taskiq", "worker", "taskiq_redis_job:broker", *settings.split()])
