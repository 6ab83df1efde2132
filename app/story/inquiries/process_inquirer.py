"""Asks every process what it knows of one request, and names those that did not answer in time."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.redis import keys
from app.redis.fleet.process_reports import API, HeardProcesses, ProcessReports
from app.redis.lua_scripts import NOTIFY, READ_REPLIES
from app.resources import Resources
from app.story.inquiries.inquiry import Inquiry, ProcessReply, decode_reply
from app.story.request_story import AskedProcess, ProcessKind

REPLY_S_MAX: Final = 0.3
_LOOK_EVERY_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Replies:
    """The replies of processes, by name, all that were asked, and the report that each of them has made before."""

    by_name: Mapping[str, ProcessReply]
    asked: tuple[AskedProcess, ...]
    heard: HeardProcesses


async def ask_processes(resources: Resources, request_id: UUID, beats_s: Mapping[str, float]) -> Replies:
    """Waits until all that are known have replied, or REPLY_S_MAX. `beats_s`: seconds since each worker's last beat.

    Raises:
        RedisAway: Redis is not there.
    """
    heard = await ProcessReports(resources.redis).read()
    silent_s = {one.report.name: one.age_s for one in heard.reports if one.report.kind == API}
    expected = {name: (ProcessKind.API, age_s) for name, age_s in silent_s.items()}
    expected |= {name: (ProcessKind.WORKER, age_s) for name, age_s in beats_s.items()}
    found = await _ask(resources, request_id, expected)
    for name, reply in found.items():
        expected.setdefault(name, (reply.kind, 0.0))
    asked = tuple(
        AskedProcess(name=name, kind=kind, has_answered=name in found, silent_s=round(max(0.0, age_s), 3))
        for name, (kind, age_s) in sorted(expected.items(), key=lambda item: (item[1][0], item[0]))
    )
    return Replies(found, asked, heard)


async def _ask(
    resources: Resources, request_id: UUID, expected: Mapping[str, tuple[ProcessKind, float]]
) -> dict[str, ProcessReply]:
    clock, shard = resources.clock, keys.shard_of(request_id, resources.jobs.shards)
    inquiry = Inquiry(secrets.token_hex(8), request_id, int(clock.unix_s() * 1000))
    until_s = clock.monotonic() + REPLY_S_MAX
    await NOTIFY.run(resources.redis, [keys.inquiries(shard)], [inquiry.encode(resources.authenticator)])
    found: dict[str, ProcessReply] = {}
    read = 0
    while not expected.keys() <= found.keys() and clock.monotonic() < until_s:
        await clock.sleep(_LOOK_EVERY_S)
        texts = await READ_REPLIES.run(resources.redis, [keys.replies(shard, inquiry.id)], [read])
        read += len(texts)
        for text in texts:
            if reply := decode_reply(text, inquiry, resources.authenticator):
                found[reply.name] = reply
    return found
