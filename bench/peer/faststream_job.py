"""A job through FastStream with its Redis broker.

Settings: a Redis Stream with a consumer group, so that it acknowledges; a hundred entries a read, 100 jobs at a time, log
level warning, uvloop (its command takes it where it is installed). It knows no Sentinel: through a failover it keeps to the
address that it was given.
"""

from collections.abc import Sequence
from contextlib import suppress

from faststream import FastStream
from faststream.redis import RedisBroker, StreamSub
from redis.asyncio import Redis
from redis.exceptions import ResponseError
from shared import REDIS_URL, done, main

STREAM = "jobs"
GROUP = "workers"

broker = RedisBroker(REDIS_URL, logger=None)
app = FastStream(broker)


@broker.subscriber(stream=StreamSub(STREAM, group=GROUP, consumer="bench", max_records=100), max_workers=100)
async def job(job_id: str) -> None:
    done(job_id)


async def enqueue(job_ids: Sequence[str]) -> None:
    async with Redis.from_url(REDIS_URL) as redis:
        with suppress(ResponseError):  # its own would begin with what comes later
            await redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    async with broker:
        for job_id in job_ids:
            await broker.publish(job_id, stream=STREAM)


if __name__ == "__main__":
    main(enqueue, ["faststream", "run", "faststream_job:app", "--log-level", "warning"])
