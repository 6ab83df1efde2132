"""The places of a request's jobs, and when its events were published: all that Redis has of it, read in one script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import msgspec

from app.codecs.quote_codec import decode_event
from app.domain.ids import text_of
from app.redis import keys
from app.redis.lua_scripts import LOCATE
from app.resources import Resources
from app.story.answer_trail import enqueued_ms

END: Final = ""
"""In place of an insurer: the event of the end."""


@dataclass(frozen=True, slots=True)
class JobPlace:
    """One insurer's job. `consumer`: the worker that has it; empty while it is unread, or is gone from its stream."""

    enqueued_ms: int
    is_in_stream: bool
    via: str
    consumer: str
    held_s: float
    deliveries: int
    is_published: bool


@dataclass(frozen=True, slots=True)
class JobPlaces:
    """Of one request. Moments are Redis's, milliseconds; `published_ms` by insurer, END for the end. `beats_s`: seconds since each worker's last beat."""

    now_ms: int
    is_known: bool
    jobs: Mapping[str, JobPlace]
    published_ms: Mapping[str, int]
    beats_s: Mapping[str, float]


async def locate_jobs(resources: Resources, request_id: UUID, insurers: Sequence[str]) -> JobPlaces:
    """Raises RedisAway where Redis is not there."""
    shard = keys.shard_of(request_id, resources.jobs.shards)
    names = [keys.request(shard, request_id), keys.events(shard, request_id), keys.heartbeats(shard)]
    names += [keys.jobs(shard, insurer) for insurer in insurers]
    now_ms, is_known, beats, flat, jobs = await LOCATE.run(resources.redis, names, [keys.GROUP, *insurers])
    moments = zip(beats[::2], beats[1::2], strict=True)
    return JobPlaces(
        now_ms=now_ms,
        is_known=bool(is_known),
        jobs={insurer: _place(job) for insurer, job in zip(insurers, jobs, strict=True) if job[0]},
        published_ms=_published(resources, request_id, flat),
        beats_s={name: (now_ms - float(at)) / 1000 for name, at in moments if name != keys.RETURNED},
    )


def _place(job: tuple[str, int, str, str, int, int, int]) -> JobPlace:
    entry, is_in_stream, via, consumer, idle_ms, deliveries, is_published = job
    return JobPlace(
        enqueued_ms(entry), bool(is_in_stream), via, consumer, idle_ms / 1000, deliveries, bool(is_published)
    )


def _published(resources: Resources, request_id: UUID, flat: Sequence[str]) -> Mapping[str, int]:
    """The moments in a list of `entry, field, document, MAC, …`; entries of another writer are left out."""
    found: dict[str, int] = {}
    for place in range(0, len(flat), 4):
        entry, field, document, mac = flat[place : place + 4]
        if field == "end" and resources.authenticator.holds(mac, "end", text_of(request_id), document):
            found[END] = enqueued_ms(entry)
        elif field == "quote" and resources.authenticator.holds(mac, "quote", text_of(request_id), document):
            try:
                found[decode_event(document).insurer_id] = enqueued_ms(entry)
            except (msgspec.MsgspecError, ValueError):  # of another release
                continue
    return found
