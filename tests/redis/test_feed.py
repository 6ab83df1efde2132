"""The feed: what other services read of every event, and the consumer that shows them how."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from jsonschema_rs import Draft202012Validator
from support.quotes import AUTHENTICATOR, a_quote, a_refusal, a_request, an_end, an_offer
from support.servers import RedisAtHand
from support.until import until

from app.codecs import quote_codec
from app.domain.offers.coefficients import Coefficients
from app.domain.quote import Outcome, QuoteRequest, QuoteStatus, Reason, ReasonCode
from app.redis import keys
from app.redis.event_streams import EventStreams, Published
from app.redis.topology import connect, parse_address

ROOT: Final = Path(__file__).parents[2]
SCHEMA: Final[dict[str, Any]] = json.loads((ROOT / "docs/feed.schema.json").read_text(encoding="utf-8"))
DOCUMENT: Final = (ROOT / "docs/feed.md").read_text(encoding="utf-8")
EXPIRES: Final = datetime.now(UTC) + timedelta(days=1)
FEED: Final = keys.feed(0)


@asynccontextmanager
async def streams(redis: RedisAtHand, **options: Any) -> AsyncGenerator[EventStreams, None]:
    client = connect(parse_address(redis.url))
    yield EventStreams(client, AUTHENTICATOR, **dict[str, Any]({"shards": 1, **options}))
    await client.aclose()


@pytest.fixture
async def events(redis: RedisAtHand) -> AsyncGenerator[EventStreams, None]:
    async with streams(redis) as made:
        yield made


LINKS = {"purchaseUrl", "sealedUrl"}


def ended(request: QuoteRequest) -> QuoteRequest:
    bare = an_offer(purchase_url=None)
    return msgspec.structs.replace(request, quotes={id_: a_quote(request, id_, bare) for id_ in request.insurers})


async def entries(redis: RedisAtHand) -> list[Mapping[str, str]]:
    return [fields for _, fields in await redis.client.xrange(FEED)]


async def test_every_event_is_in_the_feed_once_and_the_end_last(redis: RedisAtHand, events: EventStreams) -> None:
    """An event that is published again is not repeated; without a link it has the bytes that subscribers get."""
    request = a_request("sever", "volga")
    for _ in range(2):
        await events.publish([Published(a_quote(request, "sever", a_refusal()), EXPIRES, None)])
    for _ in range(2):
        await events.publish_end(ended(request), an_end(Outcome.ALL_ANSWERED))
    found = await entries(redis)
    assert [(fields["v"], fields["request"], *list(fields)[2:]) for fields in found] == [
        ("2", str(request.id), "quote", "mac"),
        ("2", str(request.id), "quote", "mac"),
        ("2", str(request.id), "end", "mac"),
    ]
    subscribers = [fields for _, fields in await redis.client.xrange(keys.events(0, request.id))]
    assert [{k: v for k, v in fields.items() if k not in {"v", "request"}} for fields in found] == subscribers


async def test_a_link_is_for_the_customer_alone(redis: RedisAtHand, events: EventStreams) -> None:
    """No script writes an offer's link into the feed, neither in the clear nor sealed; subscribers get it sealed."""
    request = a_request("sever", "volga")
    sealed = an_offer(purchase_url=None, sealed_url="k1.AAAA")
    await events.publish([Published(a_quote(request, "sever", sealed), EXPIRES, None)])
    quotes = {"sever": a_quote(request, "sever", sealed), "volga": a_quote(request, "volga", an_offer())}
    await events.publish_end(msgspec.structs.replace(request, quotes=quotes), an_end(Outcome.DEADLINE), ["volga"])
    offers = [json.loads(fields["quote"])["offer"] for fields in await entries(redis) if "quote" in fields]
    assert [offer.keys() & LINKS for offer in offers] == [set(), set()]
    subscribers = [fields for _, fields in await redis.client.xrange(keys.events(0, request.id))]
    assert json.loads(subscribers[0]["quote"])["offer"]["sealedUrl"] == "k1.AAAA"


async def test_an_entry_is_what_its_schema_says(redis: RedisAtHand, events: EventStreams) -> None:
    """Entries with all fields, entries with as few as possible, and the examples of the document are valid."""
    request = a_request("sever", "volga", "zarya")
    bare = an_offer(coefficients=None, valid_until=None, purchase_url=None)
    for insurer, answer in zip(request.insurers, (an_offer(), bare, a_refusal()), strict=True):
        await events.publish([Published(a_quote(request, insurer, answer), EXPIRES, None)])
    await events.publish_end(ended(request), an_end(Outcome.DEADLINE))
    validator = Draft202012Validator(SCHEMA)
    for fields in await entries(redis):
        kind = list(fields)[2]
        validator.validate({kind: json.loads(fields[kind])})
    for example in DOCUMENT.split("```json\n")[1:]:
        shown = json.loads(example.partition("```")[0])
        validator.validate({"end" if "outcome" in shown else "quote": shown})


@pytest.mark.parametrize(
    ("name", "struct"),
    [
        ("Quote", quote_codec._QuoteDocument),
        ("Offer", quote_codec._OfferDocument),
        ("Coefficients", Coefficients),
        ("Reason", Reason),
        ("Ending", quote_codec._EndingDocument),
    ],
)
def test_the_schema_has_the_fields_of_the_code(name: str, struct: type[msgspec.Struct]) -> None:
    """A field that is added, dropped or renamed changes what readers of the feed get; a link is never a field."""
    fields = [field for field in msgspec.structs.fields(struct) if field.encode_name not in LINKS]
    assert set(SCHEMA["$defs"][name]["properties"]) == {field.encode_name for field in fields}
    assert set(SCHEMA["$defs"][name]["required"]) == {field.encode_name for field in fields if field.required}


@pytest.mark.parametrize(
    ("name", "values"),
    [("QuoteStatus", set(QuoteStatus) - {"PENDING"}), ("ReasonCode", set(ReasonCode)), ("Outcome", set(Outcome))],
)
def test_the_schema_has_the_values_of_the_code(name: str, values: set[str]) -> None:
    assert set(SCHEMA["$defs"][name]["enum"]) == values


async def test_the_feed_is_trimmed_and_can_be_turned_off(redis: RedisAtHand) -> None:
    """With consumers that have stopped, its length stays bounded; the subscribers miss nothing."""
    insurers = [f"insurer-{number}" for number in range(250)]
    async with streams(redis, feed_length=100) as short:
        request = a_request(*insurers)
        await short.publish([Published(a_quote(request, insurer), EXPIRES, None) for insurer in insurers])
    assert 100 <= await redis.client.xlen(FEED) < 250
    assert await redis.client.xlen(keys.events(0, request.id)) == 250
    await redis.client.flushdb()
    async with streams(redis, feed_length=0) as none:
        await none.publish([Published(a_quote(request, "insurer-1"), EXPIRES, None)])
        await none.publish_end(ended(a_request("sever")), an_end(Outcome.CANCELLED), ["sever"])
    assert not await redis.client.exists(FEED)


async def test_events_lie_in_the_shard_of_their_request(redis: RedisAtHand) -> None:
    """One script writes them, in a Cluster too."""
    requests = [a_request("sever") for _ in range(30)]
    async with streams(redis, shards=4) as sharded:
        await sharded.publish([Published(a_quote(request, "sever"), EXPIRES, None) for request in requests])
    for shard in range(4):
        found = {fields["request"] for _, fields in await redis.client.xrange(keys.feed(shard))}
        assert found == {str(request.id) for request in requests if keys.shard_of(request.id, 4) == shard}


@asynccontextmanager
async def consumer(redis: RedisAtHand, name: str) -> AsyncGenerator[asyncio.subprocess.Process, None]:
    """The example, as a process; it is killed with the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "examples/feed_consumer.py"), "mine", name),
        env={**os.environ, "OSAGO_REDIS_URL": redis.url, "IDLE_MS": "300"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 14,  # so that a full pipe is soon full
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line_of(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    async with asyncio.timeout(20):
        return json.loads(await process.stdout.readline())


def keys_of(lines: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(one["request"], one["quote"]["insurer"] if "quote" in one else "") for one in lines]


async def pending(redis: RedisAtHand) -> int:
    return (await redis.client.xpending(FEED, "mine"))["pending"]


@pytest.mark.processes
async def test_what_a_killed_consumer_held_another_one_handles(redis: RedisAtHand, events: EventStreams) -> None:
    """`kill -9` in the middle of a batch: every event is handled, none is left pending."""
    insurers = [f"insurer-{number}" for number in range(250)]
    requests = [a_request(*insurers) for _ in range(3)]
    for request in requests:
        await events.publish([Published(a_quote(request, insurer), EXPIRES, None) for insurer in insurers])
        await events.publish_end(ended(request), an_end(Outcome.ALL_ANSWERED))
    total = len(requests) * (len(insurers) + 1)
    async with consumer(redis, "first") as first:
        # The test does not read its output: it stands still in the middle of a batch, when the pipe is full.
        lines = [await line_of(first)]
        await until(lambda: held(redis))
        first.kill()
        assert first.stdout is not None
        whole, _, _cut_off = (await first.stdout.read()).decode().rpartition("\n")
        lines += [json.loads(line) for line in whole.splitlines()]
    async with consumer(redis, "second") as second:
        while len(set(keys_of(lines))) < total:
            lines.append(await line_of(second))
        await until(lambda: nothing_pending(redis))


async def held(redis: RedisAtHand) -> bool:
    """The first one has a batch, and has had it for so long that it does not go on."""
    found = await redis.client.xpending_range(FEED, "mine", "-", "+", 1, idle=300)
    return bool(found) and await redis.client.xlen(FEED) > await pending(redis)


async def nothing_pending(redis: RedisAtHand) -> bool:
    return await pending(redis) == 0


@pytest.mark.processes
async def test_a_consumer_goes_on_after_a_flush(redis: RedisAtHand, events: EventStreams) -> None:
    """Its group is gone; it makes it again, from the beginning."""
    first, second = a_request("sever"), a_request("sever")
    async with consumer(redis, "only") as only:
        await events.publish([Published(a_quote(first, "sever"), EXPIRES, None)])
        assert (await line_of(only))["request"] == str(first.id)
        await redis.client.flushdb()
        await events.publish([Published(a_quote(second, "sever"), EXPIRES, None)])
        assert (await line_of(only))["request"] == str(second.id)
