"""Reads the feed as one of a consumer group, several at once, each killable: `uv run python examples/feed_consumer.py GROUP NAME`."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis  # in a Cluster: RedisCluster
from redis.exceptions import ConnectionError as Gone
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as TooSlow

URL, SHARDS = os.environ.get("OSAGO_REDIS_URL", "redis://127.0.0.1:6379/0"), int(os.environ.get("OSAGO_SHARDS", "1"))
IDLE_MS = int(
    os.environ.get("IDLE_MS", "30000")
)  # longer than handling takes: a consumer that is silent for longer is dead
AT_ONCE = 100
Entries = Sequence[tuple[str, Mapping[str, str] | None]]


def handle(request: str, kind: str, event: dict[str, Any]) -> None:
    """Yours. An event may come again: key what you write by (request, event["insurer"]), or by request for the end."""
    print(json.dumps({"request": request, kind: event}, ensure_ascii=False), flush=True)


async def follow(redis: Any, feed: str, group: str, name: str) -> None:
    position: str = "0"  # first what this name has read and not acknowledged, in an earlier life
    while True:
        try:
            await finish(redis, feed, group, await abandoned(redis, feed, group, name))
            answer = await redis.xreadgroup(group, name, {feed: position}, count=AT_ONCE, block=1000)
            entries: Entries = answer[0][1] if answer else []
            await finish(redis, feed, group, entries)
            position = ">" if position == ">" or not entries else entries[-1][0]
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):  # the first start, or Redis has lost everything
                raise
            await make_group(redis, feed, group)
        except (Gone, TooSlow):
            position = "0"  # it is not known whether the last answer was ours
            await asyncio.sleep(1)


async def make_group(redis: Any, feed: str, group: str) -> None:
    """From the oldest entry that is kept; `$` in place of `0` begins with the next one."""
    try:
        await redis.xgroup_create(feed, group, id="0", mkstream=True)
    except ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


async def abandoned(redis: Any, feed: str, group: str, name: str) -> Entries:
    """Takes over what others read and, being dead, never acknowledged; without fields what has been trimmed since."""
    pending = await redis.xpending_range(feed, group, min="-", max="+", count=AT_ONCE, idle=IDLE_MS)
    ids = [one["message_id"] for one in pending]
    if not ids:
        return []
    claimed = dict(await redis.xclaim(feed, group, name, min_idle_time=IDLE_MS, message_ids=ids))
    kept = {one[0] for id_ in ids if id_ not in claimed for one in await redis.xrange(feed, id_, id_)}
    return [(id_, claimed.get(id_)) for id_ in ids if id_ not in kept]  # kept, not claimed: another consumer was faster


async def finish(redis: Any, feed: str, group: str, entries: Entries) -> None:
    for _, fields in entries:
        if fields and fields["v"] in {"1", "2"}:
            kind = "quote" if "quote" in fields else "end"
            handle(fields["request"], kind, json.loads(fields[kind]))
    if entries:
        await redis.xack(feed, group, *(id_ for id_, _ in entries))


async def main(group: str, name: str) -> None:
    redis: Any = Redis.from_url(URL, decode_responses=True)  # pyright: ignore[reportUnknownMemberType]
    async with asyncio.TaskGroup() as tasks:
        for shard in range(SHARDS):
            tasks.create_task(follow(redis, f"{{osago-{shard:02}}}:quote-events", group, name))


if len(sys.argv) != 3:  # noqa: PLR2004
    raise SystemExit(f"usage: {sys.argv[0]} GROUP NAME")
asyncio.run(main(sys.argv[1], sys.argv[2]))
