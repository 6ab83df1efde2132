"""The scripts that move jobs and events: each idempotent, each harmless after a flush."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from support.quotes import AUTHENTICATOR, a_quote, a_request, an_end
from support.servers import RedisAtHand

from app.domain.quote import Outcome
from app.redis import keys
from app.redis.event_streams import EventStreams, Published, PublishedEnd
from app.redis.job_streams import Enqueued, JobReader, JobStreams, Remembered
from app.redis.topology import connect, parse_address

NOW = datetime.now(UTC)
EXPIRES = NOW + timedelta(hours=1)  # later than the slowest suite is done


@dataclass
class Streams:
    """The streams of one Redis, and a reader."""

    jobs: JobStreams
    events: EventStreams
    reader: JobReader
    redis: RedisAtHand

    async def length(self, insurer: str) -> int:
        return await self.redis.client.xlen(keys.jobs(0, insurer))

    async def enqueue(self, request_id: UUID, *insurers: str) -> int:
        return await self.jobs.enqueue([Enqueued(request_id, insurers, EXPIRES)])


@pytest.fixture
async def streams(redis: RedisAtHand) -> AsyncGenerator[Streams, None]:
    address = parse_address(redis.url)
    client = connect(address)
    reader = JobReader(address, shard=0, insurer_id="sever", consumer="me")
    await reader.make_group()
    yield Streams(JobStreams(client, shards=1), EventStreams(client, AUTHENTICATOR, shards=1), reader, redis)
    await reader.close()
    await client.aclose()


async def test_a_job_is_enqueued_once_however_often_it_is_added(streams: Streams) -> None:
    """The fast path, the relay and recovery may all enqueue the same request."""
    request = a_request("sever", "volga")
    assert await streams.enqueue(request.id, "sever", "volga") == 2
    assert await streams.enqueue(request.id, "sever", "volga") == 0
    assert await streams.length("sever") == 1


async def test_a_job_in_flight_is_not_doubled(streams: Streams) -> None:
    """A job that a worker holds is still in its stream, and stays the only one."""
    request = a_request("sever")
    await streams.enqueue(request.id, "sever")
    await streams.reader.read(10)
    assert await streams.enqueue(request.id, "sever") == 0


async def test_a_job_that_redis_lost_is_enqueued_again(streams: Streams) -> None:
    """Without its entry a remembered job is not there."""
    request = a_request("sever")
    await streams.enqueue(request.id, "sever")
    await streams.redis.client.delete(keys.jobs(0, "sever"))
    assert await streams.enqueue(request.id, "sever") == 1


async def test_what_is_done_is_not_enqueued_again(streams: Streams) -> None:
    """Neither for an insurer that has answered, nor for any insurer once the request has ended."""
    request = a_request("sever", "volga")
    await streams.enqueue(request.id, "sever")
    await streams.events.publish([Published(a_quote(request, "sever"), EXPIRES, None)])
    assert await streams.enqueue(request.id, "sever", "volga") == 1
    ended = msgspec.structs.replace(request, quotes={id_: a_quote(request, id_) for id_ in request.insurers})
    await streams.events.publish_end(ended, an_end(Outcome.ALL_ANSWERED), ended.insurers)
    await streams.redis.client.hdel(keys.request(0, request.id), "done:volga")
    assert await streams.enqueue(request.id, "sever", "volga") == 0


async def test_publishing_twice_adds_one_event_and_acknowledges(streams: Streams) -> None:
    """A second publication finds nothing to do: one event, and no job left behind."""
    request = a_request("sever")
    await streams.enqueue(request.id, "sever")
    [delivery] = await streams.reader.read(10)
    published = Published(a_quote(request, "sever"), EXPIRES, delivery.entry)
    await streams.events.publish([published])
    await streams.events.publish([published])
    assert await streams.length("sever") == 0
    assert (await streams.redis.client.xpending(keys.jobs(0, "sever"), keys.GROUP))["pending"] == 0
    [events] = await streams.events.read([streams.events.beginning(request.id)])
    assert [quote.insurer_id for quote in events.quotes] == ["sever"]


async def test_publishing_needs_no_group_and_no_hash(streams: Streams) -> None:
    """After a flush nothing is where it was; the quote is published all the same."""
    request = a_request("sever")
    await streams.redis.client.flushdb()
    await streams.events.publish([Published(a_quote(request, "sever"), EXPIRES, "1-1")])
    [events] = await streams.events.read([streams.events.beginning(request.id)])
    assert [event.quote(request.id) for event in events.quotes] == [a_quote(request, "sever")]


async def test_the_end_comes_after_every_quote_and_nothing_after_it(streams: Streams) -> None:
    """What was not published yet is published with the end; a late quote appends nothing."""
    request = a_request("sever", "volga", "zarya")
    quotes = {id_: a_quote(request, id_) for id_ in request.insurers}
    await streams.events.publish([Published(quotes["volga"], EXPIRES, None)])
    await streams.events.publish_end(msgspec.structs.replace(request, quotes=quotes), an_end(Outcome.DEADLINE))
    await streams.redis.client.hdel(keys.request(0, request.id), "done:zarya")
    await streams.events.publish([Published(quotes["zarya"], EXPIRES, None)])
    entries = await streams.redis.client.xrange(keys.events(0, request.id))
    assert [next(iter(fields)) for _, fields in entries] == ["quote", "quote", "quote", "end"]
    [events] = await streams.events.read([streams.events.beginning(request.id)])
    assert {quote.insurer_id for quote in events.quotes} == set(request.insurers)
    assert events.ending == an_end(Outcome.DEADLINE)


async def test_an_end_waits_for_quotes_that_redis_lacks(streams: Streams) -> None:
    """The script returns which quotes are missing and publishes nothing: no end without its quotes before it."""
    request = a_request("sever", "volga")
    await streams.events.publish([Published(a_quote(request, "sever"), EXPIRES, None)])
    assert not await streams.events.publish_end(request, an_end(Outcome.ALL_ANSWERED))
    events = (await streams.events.read([streams.events.beginning(request.id)]))[0]
    assert ([quote.insurer_id for quote in events.quotes], events.ending) == (["sever"], None)
    whole = msgspec.structs.replace(request, quotes={id_: a_quote(request, id_) for id_ in request.insurers})
    assert await streams.events.publish_end(whole, an_end(Outcome.ALL_ANSWERED))
    entries = await streams.redis.client.xrange(keys.events(0, request.id))
    assert [next(iter(fields)) for _, fields in entries] == ["quote", "quote", "end"]


async def test_the_end_deletes_unfinished_jobs(streams: Streams) -> None:
    """A job of an ended request is acknowledged and deleted, also if another worker has it."""
    request = a_request("sever")
    await streams.enqueue(request.id, "sever")
    await streams.reader.read(10)
    await streams.events.publish_end(
        msgspec.structs.replace(request, quotes={"sever": a_quote(request, "sever")}),
        an_end(Outcome.CANCELLED),
        ["sever"],
    )
    assert await streams.length("sever") == 0


async def test_a_fresh_worker_takes_nothing_over_at_its_first_tick(streams: Streams) -> None:
    """After a flush no worker has a beat, so a worker without its own beat cannot decide which others are dead."""
    request = a_request("sever")
    await streams.enqueue(request.id, "sever")
    await streams.reader.read(10)
    first = await streams.jobs.tick(0, "other", lease_s=3, free={"sever": 10})
    second = await streams.jobs.tick(0, "other", lease_s=3, free={"sever": 10})
    assert (first.fresh, dict(first.taken_over)) == (False, {})
    assert second.fresh
    assert [delivery.request_id for delivery in second.taken_over["sever"]] == [request.id]
    assert [(lost.consumer, lost.jobs) for lost in second.lost] == [("me", 1)]
    assert second.taken_over["sever"][0].deliveries == 2


async def test_the_living_keep_their_jobs(streams: Streams) -> None:
    """A consumer with a fresh beat keeps its jobs."""
    await streams.enqueue(a_request("sever").id, "sever")
    await streams.jobs.tick(0, "me", lease_s=3, free={"sever": 10})
    await streams.reader.read(10)
    await streams.jobs.tick(0, "other", lease_s=3, free={"sever": 10})
    assert not (await streams.jobs.tick(0, "other", lease_s=3, free={"sever": 10})).taken_over


@pytest.mark.parametrize("beat_ms", [-10_000, +60_000], ids=["old", "in the future"])
async def test_a_stale_beat_is_a_dead_worker(streams: Streams, beat_ms: int) -> None:
    """Older than the lease, or from the future: Redis's clock was set back."""
    await streams.enqueue(a_request("sever").id, "sever")
    await streams.reader.read(10)
    seconds, _ = await streams.redis.client.time()
    await streams.redis.client.zadd(keys.heartbeats(0), {"me": seconds * 1000 + beat_ms})
    await streams.jobs.tick(0, "other", lease_s=3, free={"sever": 10})
    tick = await streams.jobs.tick(0, "other", lease_s=3, free={"sever": 10})
    assert len(tick.taken_over["sever"]) == 1


async def test_a_worker_takes_over_no_more_jobs_than_it_has_places(streams: Streams) -> None:
    """The other jobs wait for the next tick, or for a worker with more free places."""
    for _ in range(5):
        await streams.enqueue(a_request("sever").id, "sever")
    await streams.reader.read(10)
    await streams.jobs.tick(0, "other", lease_s=3, free={"sever": 3})
    assert len((await streams.jobs.tick(0, "other", lease_s=3, free={"sever": 3})).taken_over["sever"]) == 3
    assert not (await streams.jobs.tick(0, "other", lease_s=3, free={"sever": 0})).taken_over
    assert len((await streams.jobs.tick(0, "other", lease_s=3, free={"sever": 3})).taken_over["sever"]) == 2


async def test_an_entry_that_is_gone_is_acknowledged(streams: Streams) -> None:
    """A job deleted while it was pending comes back as nothing, and stays nowhere."""
    await streams.enqueue(a_request("sever").id, "sever")
    [delivery] = await streams.reader.read(10)
    await streams.redis.client.xdel(keys.jobs(0, "sever"), delivery.entry)
    await streams.jobs.tick(0, "other", lease_s=3, free={"sever": 10})
    assert not (await streams.jobs.tick(0, "other", lease_s=3, free={"sever": 10})).taken_over
    assert (await streams.redis.client.xpending(keys.jobs(0, "sever"), keys.GROUP))["pending"] == 0


async def test_an_empty_dead_consumer_goes_with_its_beat(streams: Streams) -> None:
    """Workers come and go; their names do not pile up."""
    await streams.enqueue(a_request("sever").id, "sever")
    await streams.reader.read(10)
    await streams.redis.client.zadd(keys.heartbeats(0), {"me": 1})
    for _ in range(3):
        await streams.jobs.tick(0, "other", lease_s=3, free={"sever": 10})
    names = [
        consumer["name"] for consumer in await streams.redis.client.xinfo_consumers(keys.jobs(0, "sever"), keys.GROUP)
    ]
    assert names == ["other"]
    assert await streams.redis.client.zrange(keys.heartbeats(0), 0, -1) == ["other"]


async def test_a_job_handed_back_is_taken_by_the_next_tick_with_the_given_count(streams: Streams) -> None:
    """Handing back for a stop does not count as a delivery; handing back for a bug does."""
    for _ in range(2):
        await streams.enqueue(a_request("sever").id, "sever")
    kept, failed = await streams.reader.read(10)
    await streams.jobs.tick(0, "me", lease_s=3, free={"sever": 10})
    await streams.jobs.hand_back(0, "sever", "me", {kept.entry: 0, failed.entry: 1})
    tick = await streams.jobs.tick(0, "me", lease_s=3, free={"sever": 10})
    assert {d.entry: d.deliveries for d in tick.taken_over["sever"]} == {kept.entry: 1, failed.entry: 2}


async def test_a_worker_hands_back_only_its_own_jobs(streams: Streams) -> None:
    """A frozen worker that comes back late takes nothing away from the one that has its jobs now."""
    await streams.enqueue(a_request("sever").id, "sever")
    [delivery] = await streams.reader.read(10)
    await streams.jobs.hand_back(0, "sever", "another", {delivery.entry: 0})
    assert await streams.jobs.owned(0, "sever", "me", [delivery.entry, "1-1"]) == {delivery.entry}


async def test_the_epoch_stays_until_redis_loses_it(streams: Streams) -> None:
    """A flush makes a new epoch, and that is how it is noticed."""
    first = (await streams.jobs.tick(0, "me", lease_s=3, free={"sever": 1})).epoch
    assert (await streams.jobs.tick(0, "other", lease_s=3, free={"sever": 1})).epoch == first
    await streams.redis.client.flushdb()
    assert (await streams.jobs.tick(0, "me", lease_s=3, free={"sever": 1})).epoch != first


async def test_a_group_that_vanished_is_made_again_from_the_beginning(streams: Streams) -> None:
    """Jobs that were added while there was no group are not skipped."""
    await streams.redis.client.flushdb()
    request = a_request("sever")
    await streams.enqueue(request.id, "sever")
    await streams.jobs.tick(0, "me", lease_s=3, free={"sever": 1})
    assert [delivery.request_id for delivery in await streams.reader.read(10)] == [request.id]


async def test_the_insurers_own_id_is_remembered_beside_the_request(streams: Streams) -> None:
    """The worker that takes the job over polls with it."""
    request = a_request("sever")
    await streams.jobs.remember([Remembered(request.id, "sever", "A-1", EXPIRES)])
    assert await streams.jobs.recall("sever", [request.id, a_request().id]) == {request.id: "A-1"}
    assert await streams.jobs.recall("volga", [request.id]) == {}


async def test_the_backlog_is_the_unread_jobs(streams: Streams) -> None:
    """Jobs in flight are not waiting."""
    for _ in range(3):
        await streams.enqueue(a_request("sever").id, "sever")
    await streams.reader.read(1)
    backlog = await streams.jobs.backlog(["sever", "volga"])
    assert backlog["sever"].waiting == 2
    assert backlog["sever"].oldest_ms is not None
    assert backlog["volga"].waiting == 0


async def test_scripts_survive_a_redis_that_forgot_them(streams: Streams) -> None:
    """SCRIPT FLUSH costs one more round trip, nothing else."""
    await streams.enqueue(a_request("sever").id, "sever")
    await streams.redis.client.script_flush()
    assert await streams.enqueue(a_request("sever").id, "sever") == 1


async def test_shards_keep_to_themselves(redis: RedisAtHand) -> None:
    """Every key that a script touches for a request lies in the request's shard."""
    client = connect(parse_address(redis.url))
    jobs = JobStreams(client, shards=4)
    requests = [a_request("sever") for _ in range(40)]
    await jobs.enqueue([Enqueued(request.id, ("sever",), EXPIRES) for request in requests])
    lengths = [await redis.client.xlen(keys.jobs(shard, "sever")) for shard in range(4)]
    assert sum(lengths) == 40
    assert all(lengths)
    await client.aclose()


async def test_ends_are_published_together_each_by_itself(streams: Streams) -> None:
    """One with quotes that Redis lacks waits for them, and keeps no other: neither what it has nor what it has not."""
    done, lacking, at_hand = (a_request("sever", "volga") for _ in range(3))
    quotes = {id_: a_quote(at_hand, id_) for id_ in at_hand.insurers}
    await streams.enqueue(at_hand.id, *at_hand.insurers)
    await streams.events.publish([Published(a_quote(done, id_), EXPIRES, None) for id_ in done.insurers])
    await streams.events.publish([Published(a_quote(lacking, "volga"), EXPIRES, None)])
    end = an_end(Outcome.ALL_ANSWERED)
    ends = [PublishedEnd(one, end) for one in (lacking, done, msgspec.structs.replace(at_hand, quotes=quotes))]
    assert await streams.events.publish_ends(ends) == [lacking.id]
    found = await streams.events.read([streams.events.beginning(one.id) for one in (lacking, done, at_hand)])
    assert [(len(events.quotes), events.ending) for events in found] == [(1, None), (2, end), (2, end)]
    assert [await streams.length(id_) for id_ in at_hand.insurers] == [0, 0]
