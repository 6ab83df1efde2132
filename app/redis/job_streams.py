"""Job streams: one per insurer and shard, read by the consumer group `workers`. A job carries ids, what enqueued it, and its trace; nothing else."""

import contextlib
import secrets
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

import msgspec
from redis.exceptions import ResponseError

from app.domain.ids import text_of
from app.observability import metrics
from app.observability.tracing.message_spans import JOBS, Outgoing, sending
from app.observability.tracing.tracing import Tracing
from app.redis import keys
from app.redis.lua_scripts import BACKLOG, ENQUEUE, HAND_BACK, OWNED, PRESENCE, REMEMBER, SERVER, Argument
from app.redis.redis_client import RedisClient
from app.redis.topology import BLOCK_MS, RedisAddress, connect_blocking

KEPT_AFTER_EXPIRY: Final = timedelta(minutes=5)
"""The time for which a request's keys stay in Redis after its deadline: clients come back late."""
RELAY: Final = "relay"
RECOVERY: Final = "recovery"
_ENQUEUE_MAX: Final = 200
_IDS_MAX: Final = 1000


async def _take_out(client: RedisClient, stream: str, *entries: str) -> None:
    pipeline = client.pipeline(transaction=False)
    pipeline.xack(stream, keys.GROUP, *entries)
    pipeline.xdel(stream, *entries)
    await pipeline.execute()


def expiry_ms(expires_at: datetime) -> int:
    """When the keys of a request may go, as PEXPIREAT takes it."""
    return int((expires_at + KEPT_AFTER_EXPIRY).timestamp() * 1000)


class Enqueued(msgspec.Struct, frozen=True):
    """A request whose jobs are to be in their streams, for those of its insurers that have not answered.

    `mark` is its customer's (`keys.customer_mark`), so that subscriptions to the customer are notified; None notifies none.
    """

    request_id: UUID
    insurers: tuple[str, ...]
    expires_at: datetime
    mark: int | None = None
    trace: str = ""
    """The span that they belong to, in its short form; empty: they are not traced."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A job as Redis delivered it. `entry` is its place in the stream, `deliveries` counts this one too.

    `is_first`: no worker has had it before. A job that was handed back without blame counts from one, and is not.
    `via`: what has enqueued it (`RELAY`, `RECOVERY`), empty for the API; `taken_from`: the consumer that had it before.
    """

    shard: int
    entry: str
    request_id: UUID
    deliveries: int = 1
    is_first: bool = False
    via: str = ""
    taken_from: str = ""
    trace: str = ""
    """The span that has sent it, in its short form."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The result of a tick of presence. `fresh` is False where this worker may have been taken for dead.

    Where `epoch` or `server` is another than before, Redis may have lost something: a failover keeps the first.
    """

    fresh: bool
    epoch: str
    server: str
    taken_over: Mapping[str, Sequence[Delivery]]
    lost: Sequence["LostWorker"] = ()
    """The workers that these jobs were taken from."""


@dataclass(frozen=True, slots=True)
class LostWorker:
    """A worker without a fresh beat, and how many of its jobs were taken over. `silent_s` is None where it has no beat at all."""

    consumer: str
    silent_s: float | None
    jobs: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """An insurer's own id of an application, kept for a worker that takes the job over."""

    request_id: UUID
    insurer_id: str
    application_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """Unread jobs: how many, and when the oldest was added (milliseconds of Redis's time)."""

    waiting: int
    oldest_ms: int | None

    def __add__(self, other: "Backlog") -> "Backlog":
        moments = [moment for moment in (self.oldest_ms, other.oldest_ms) if moment is not None]
        return Backlog(self.waiting + other.waiting, min(moments, default=None))


OfRequest = TypeVar("OfRequest", Enqueued, Remembered)


class JobStreams:
    """All job streams of one Redis."""

    def __init__(self, client: RedisClient, *, shards: int, tracing: Tracing | None = None) -> None:
        self._client = client
        self._tracer = tracing.tracer if tracing else None
        self.shards = shards

    async def enqueue(self, batch: Sequence[Enqueued], *, via: str = "") -> int:
        """Adds what is neither done nor in its stream already; returns how many jobs were added. `via` says so in each."""
        added = 0
        for shard, requests in self._by_shard(batch).items():
            for first in range(0, len(requests), _ENQUEUE_MAX):
                added += await self._enqueue(shard, requests[first : first + _ENQUEUE_MAX], via)
        return added

    async def _enqueue(self, shard: int, requests: Sequence[Enqueued], via: str) -> int:
        chosen = {request.insurers for request in requests}  # nearly always one: all of them
        insurers = sorted({insurer for each in chosen for insurer in each})
        number = {insurer: str(place) for place, insurer in enumerate(insurers, 1)}
        streams = {each: ",".join([number[insurer] for insurer in each]) for each in chosen}
        arguments: list[Argument] = [keys.accepted(shard), via, len(insurers), *insurers]
        names = [keys.jobs(shard, insurer) for insurer in insurers]
        names += [keys.request(shard, request.request_id) for request in requests]

        def describe(place: int) -> Outgoing:
            return Outgoing(requests[place].request_id, len(requests[place].insurers))

        with sending(self._tracer, JOBS, [one.trace for one in requests], describe, via=via) as sent:
            for request, trace in zip(requests, sent.traces, strict=True):
                mark = "" if request.mark is None else request.mark
                expires_ms = expiry_ms(request.expires_at)
                arguments += [text_of(request.request_id), expires_ms, mark, streams[request.insurers], trace]
            if not (added := await ENQUEUE.run(self._client, names, arguments)):
                sent.forget()
            return added

    async def tick(self, shard: int, consumer: str, *, lease_s: float, free: Mapping[str, int]) -> Tick:
        """Beats, and takes over the jobs of the dead: per insurer at most `free` ones."""
        insurers = list(free)
        names = [keys.heartbeats(shard), keys.epoch(shard), *(keys.jobs(shard, insurer) for insurer in insurers)]
        arguments = [keys.GROUP, consumer, int(lease_s * 1000), secrets.token_hex(8), *(free[i] for i in insurers)]
        fresh, epoch, server, taken = await PRESENCE.run(self._client, names, arguments)
        taken_over: dict[str, list[Delivery]] = defaultdict(list)
        jobs: Counter[tuple[str, int]] = Counter()
        for number, entry, request_id, deliveries, dead, silent_ms, via, trace in taken:
            delivery = Delivery(shard, entry, UUID(request_id), deliveries, via=via, taken_from=dead, trace=trace)
            taken_over[insurers[number - 1]].append(delivery)
            jobs[dead, silent_ms] += 1
        lost = [
            LostWorker(name, silent_ms / 1000 if silent_ms >= 0 else None, count)
            for (name, silent_ms), count in jobs.items()
            if name != keys.RETURNED  # jobs that were handed back have no owner
        ]
        return Tick(bool(fresh), epoch, server, taken_over, lost)

    async def server(self, shard: int) -> str:
        """The replication id of the server that serves this shard."""
        return await SERVER.run(self._client, [keys.epoch(shard)], [])

    async def owned(self, shard: int, insurer_id: str, consumer: str, entries: Sequence[str]) -> set[str]:
        """Which of these entries are still pending for this consumer."""
        owned: set[str] = set()
        for first in range(0, len(entries), _IDS_MAX):
            page = entries[first : first + _IDS_MAX]
            owned |= set(await OWNED.run(self._client, [keys.jobs(shard, insurer_id)], [keys.GROUP, consumer, *page]))
        return owned

    async def hand_back(self, shard: int, insurer_id: str, consumer: str, deliveries: Mapping[str, int]) -> None:
        """Gives entries to the next reaper, each with the number of deliveries that it is to have had."""
        entries = list(deliveries.items())
        for first in range(0, len(entries), _IDS_MAX):
            page = entries[first : first + _IDS_MAX]
            arguments: list[Argument] = [keys.GROUP, consumer, keys.RETURNED]
            arguments += [part for entry, count in page for part in (entry, count)]
            await HAND_BACK.run(self._client, [keys.jobs(shard, insurer_id)], arguments)

    async def discard(self, insurer_id: str, delivery: Delivery) -> None:
        """Acknowledges and deletes a job that there is nothing to do about."""
        await _take_out(self._client, keys.jobs(delivery.shard, insurer_id), delivery.entry)

    async def backlog(self, insurers: Sequence[str]) -> Mapping[str, Backlog]:
        """The jobs that wait in the streams of these insurers, over all shards."""
        found = {insurer: Backlog(0, None) for insurer in insurers}
        for shard in range(self.shards):
            names = [keys.jobs(shard, insurer) for insurer in insurers]
            replies = await BACKLOG.run(self._client, names, [keys.GROUP])
            for insurer, (waiting, oldest) in zip(insurers, replies, strict=True):
                found[insurer] += Backlog(waiting, int(oldest.partition("-")[0]) if oldest else None)
        return found

    async def remember(self, batch: Sequence[Remembered]) -> None:
        """Keeps insurers' own ids beside the requests."""
        for shard, ids in self._by_shard(batch).items():
            names = [keys.request(shard, one.request_id) for one in ids]
            arguments = [part for o in ids for part in (o.insurer_id, o.application_id, expiry_ms(o.expires_at))]
            await REMEMBER.run(self._client, names, arguments)

    async def recall(self, insurer_id: str, ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """The insurer's own ids of those requests that have been there before, as far as Redis still knows."""
        if not ids:
            return {}
        pipeline = self._client.pipeline(transaction=False)
        for id_ in ids:
            pipeline.hget(keys.request(keys.shard_of(id_, self.shards), id_), f"at:{insurer_id}")
        replies = await pipeline.execute()
        return {id_: application_id for id_, application_id in zip(ids, replies, strict=True) if application_id}

    def _by_shard(self, batch: Sequence[OfRequest]) -> Mapping[int, Sequence[OfRequest]]:
        shards: dict[int, list[OfRequest]] = defaultdict(list)
        for one in batch:
            shards[keys.shard_of(one.request_id, self.shards)].append(one)
        return shards


class NoGroup(Exception):
    """The stream has no consumer group: no worker has read it yet, or Redis has lost it."""


class JobReader:
    """Reads one stream for one consumer, on a connection of its own. Never cancel a read: let BLOCK run out."""

    def __init__(self, address: RedisAddress, *, shard: int, insurer_id: str, consumer: str) -> None:
        self.shard = shard
        self._client = connect_blocking(address)
        self._stream = keys.jobs(shard, insurer_id)
        self._consumer = consumer

    async def read(self, count: int) -> list[Delivery]:
        """New jobs; empty when none came within BLOCK.

        Raises:
            NoGroup: `make_group` first.
        """
        return await self._read(">", count, block_ms=BLOCK_MS, is_first=True)

    async def read_own(self, count: int, after: str = "0") -> list[Delivery]:
        """Jobs delivered to this consumer and not acknowledged: a read with a lost reply left them here."""
        return await self._read(after, count, block_ms=None, is_first=False)

    async def make_group(self) -> None:
        """Makes the group from the stream's very beginning; that it is there already is success."""
        with contextlib.suppress(ResponseError):  # BUSYGROUP
            await self._client.xgroup_create(self._stream, keys.GROUP, "0", mkstream=True)

    async def drop_connection(self) -> None:
        """Breaks off a read under way: the server behind it may be the wrong one. It raises RedisAway then."""
        await self._client.break_off()

    async def close(self) -> None:
        await self._client.aclose()

    async def _read(self, after: str, count: int, *, block_ms: int | None, is_first: bool) -> list[Delivery]:
        try:
            answer = await self._client.xreadgroup(
                keys.GROUP, self._consumer, self._stream, after, count=count, block=block_ms
            )
        except ResponseError:  # NOGROUP
            raise NoGroup from None
        # An entry deleted while it was pending has no fields; the next reaping acknowledges it.
        entries = [(entry, fields) for entry, fields in answer.get(self._stream, []) if fields]
        found = [self._delivery(entry, fields, is_first=is_first) for entry, fields in entries]
        if foreign := [entry for (entry, _), one in zip(entries, found, strict=True) if one is None]:
            metrics.FOREIGN.inc(len(foreign))  # another writer's: they are no jobs
            await _take_out(self._client, self._stream, *foreign)
        return [one for one in found if one]

    def _delivery(self, entry: str, fields: Mapping[str, str], *, is_first: bool) -> Delivery | None:
        via, trace = fields.get("via", ""), fields.get("trace", "")
        try:
            request_id = UUID(fields.get("request", ""))
        except ValueError:
            return None
        return Delivery(self.shard, entry, request_id, is_first=is_first, via=via, trace=trace)
