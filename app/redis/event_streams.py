"""Events of requests: what has been answered, in Redis for the subscribers, and the notifications of it.

Each has a MAC: only events that a process of this deployment wrote are read. The same events go, in the same script, into the feed of their shard, for other services (docs/feed.md).
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import structlog

from app.codecs.quote_codec import EncodedQuote, QuoteEvent, decode_ending, decode_event, encode_ending, encoded
from app.domain.ids import text_of
from app.domain.quote import Ending, Quote, QuoteRequest
from app.observability.tracing.message_spans import EVENTS, Outgoing, sending
from app.observability.tracing.tracing import Tracing
from app.redis import keys
from app.redis.authenticity import EventAuthenticator
from app.redis.job_streams import expiry_ms
from app.redis.lua_scripts import PUBLISH, PUBLISH_END, READ_EVENTS, Argument
from app.redis.redis_client import RedisClient

log: Final = structlog.get_logger(__name__)

FEED_VERSION: Final = 2
"""The version of the documents in the feed. Adding a field keeps it; changing or dropping one raises it."""
FEED_LENGTH: Final = 1_000_000
_PUBLISH_MAX: Final = 200
_ENDS_MAX: Final = 50
"""Requests in one script: with a dozen insurers each it takes Redis as long as so many quotes take it."""
_EVENTS_MAX: Final = 300
"""More than a request can have: one per insurer, and the end."""
_pack: Final = msgspec.msgpack.Encoder().encode
"""Packs strings and lists of them: the reader in Redis knows no bytes, and would turn large numbers into floats."""


@dataclass(frozen=True, slots=True)
class Published:
    """A settled quote to publish. `entry` is its job's place in the stream, None where no lane held it."""

    quote: Quote | EncodedQuote
    expires_at: datetime
    entry: str | None
    trace: str = ""
    """The span that it belongs to, in its short form; empty: it is not traced."""


@dataclass(frozen=True, slots=True)
class PublishedEnd:
    """The end of a request to publish, after every quote of it.

    `at_hand` names insurers with quotes that may not have been published; other quotes that Redis lacks are published as well.
    """

    request: QuoteRequest
    ending: Ending
    at_hand: Iterable[str] = ()


class StoredEvents(msgspec.Struct, frozen=True, gc=False):
    """New events of a request. Where not all of them were read PostgreSQL has to be asked."""

    quotes: Sequence[QuoteEvent]
    ending: Ending | None
    foreign: int = 0
    """How many more there were without a good MAC: another writer's, or those of a release that made none."""
    unreadable: int = 0
    """How many events with a valid MAC could not be read, as those of another release may be."""


@dataclass(slots=True)
class Position:
    """How far one request's events have been read: `last` is the last of them, `0` none yet."""

    request: str
    request_id: UUID
    shard: int
    stream: str
    last: str = "0"


class EventStreams:
    """All event streams of one Redis."""

    def __init__(
        self,
        client: RedisClient,
        authenticator: EventAuthenticator,
        *,
        shards: int,
        feed_length: int = FEED_LENGTH,
        tracing: Tracing | None = None,
    ) -> None:
        self._client = client
        self.authenticator = authenticator
        self.shards = shards
        self._feed_length = feed_length
        self.tracing = tracing
        self._tracer = tracing.tracer if tracing else None

    async def publish(self, batch: Sequence[Published]) -> None:
        """Publishes committed quotes, each once however often it is called, and acknowledges their jobs."""
        shards: dict[int, list[Published]] = defaultdict(list)
        for one in batch:
            shards[keys.shard_of(one.quote.request_id, self.shards)].append(one)
        for shard, quotes in shards.items():
            for first in range(0, len(quotes), _PUBLISH_MAX):
                await self._publish(shard, quotes[first : first + _PUBLISH_MAX])

    async def _publish(self, shard: int, batch: Sequence[Published]) -> None:
        names = [keys.feed(shard)]
        quotes: list[tuple[str, ...]] = []

        def describe(place: int) -> Outgoing:
            return Outgoing(batch[place].quote.request_id, insurer_id=batch[place].quote.insurer_id)

        with sending(self._tracer, EVENTS, [one.trace for one in batch], describe) as sent:
            for one, trace in zip(batch, sent.traces, strict=True):
                quote = one.quote
                request_id = text_of(quote.request_id)
                names += [keys.request(shard, quote.request_id), keys.events(shard, quote.request_id)]
                names.append(keys.jobs(shard, quote.insurer_id))
                expires_ms = str(expiry_ms(one.expires_at))
                signed = self._signed_quote(quote)
                quotes.append((request_id, quote.insurer_id, expires_ms, *signed, one.entry or "", trace))
            arguments: list[Argument] = [keys.GROUP, keys.news(shard), self._feed_length, FEED_VERSION, _pack(quotes)]
            await PUBLISH.run(self._client, names, arguments)

    async def forget(self, ids: Iterable[UUID]) -> None:
        """Removes what is kept of these requests."""
        for id_ in ids:
            shard = keys.shard_of(id_, self.shards)
            await self._client.delete(keys.request(shard, id_), keys.events(shard, id_))

    async def publish_end(self, request: QuoteRequest, ending: Ending, at_hand: Iterable[str] = ()) -> bool:
        """As `publish_ends`, of one. False: Redis lacks quotes that `request` does not hold, and nothing has been published."""
        return not await self.publish_ends([PublishedEnd(request, ending, at_hand)])

    async def publish_ends(self, ends: Sequence[PublishedEnd]) -> list[UUID]:
        """Publishes ends of requests in one shard; returns those of which nothing has been published.

        Of these Redis lacks quotes that the requests do not hold either.
        """
        unpublished: list[UUID] = []
        for first in range(0, len(ends), _ENDS_MAX):
            batch = ends[first : first + _ENDS_MAX]
            lacking = [end for end, missing in zip(batch, await self._publish_ends(batch), strict=True) if missing]
            whole = [end for end in lacking if len(end.request.quotes) >= len(end.request.insurers)]
            if whole:
                await self._publish_ends([PublishedEnd(one.request, one.ending, one.request.insurers) for one in whole])
            unpublished += [end.request.id for end in lacking if end not in whole]
        return unpublished

    async def _publish_ends(self, ends: Sequence[PublishedEnd]) -> Sequence[Sequence[str]]:
        """Returns, for each, the insurers with missing quotes."""
        if not ends:
            return ()
        shard = keys.shard_of(ends[0].request.id, self.shards)
        names = [keys.feed(shard)]
        packed: list[tuple[object, ...]] = []
        traces = [end.request.trace or "" for end in ends]
        with sending(self._tracer, EVENTS, traces, lambda place: Outgoing(ends[place].request.id)) as sent:
            for end, trace in zip(ends, sent.traces, strict=True):
                request, document = end.request, encode_ending(end.ending)
                request_id = text_of(request.id)
                names += [keys.request(shard, request.id), keys.events(shard, request.id)]
                names += [keys.jobs(shard, insurer) for insurer in request.insurers]
                mac = self.authenticator.mac("end", request_id, document)
                at_hand = [(insurer, *self._signed_quote(request.quotes[insurer])) for insurer in end.at_hand]
                expires_ms = str(expiry_ms(request.expires_at))
                packed.append((request_id, expires_ms, document.decode(), mac, request.insurers, at_hand, trace))
            arguments: list[Argument] = [keys.GROUP, keys.news(shard), keys.ended(shard)]
            arguments += [self._feed_length, FEED_VERSION, _pack(packed)]
            return await PUBLISH_END.run(self._client, names, arguments)

    def _signed_quote(self, quote: Quote | EncodedQuote) -> tuple[str, str, str, str]:
        """The event and its MAC, then those of the feed; empty where they are the same, or there is no feed."""
        written, mac_of = encoded(quote), self.authenticator.mac
        request_id = text_of(quote.request_id)
        mac = mac_of("quote", request_id, written.event)
        if written.feed_event is written.event or not self._feed_length:
            return written.event.decode(), mac, "", ""
        return written.event.decode(), mac, written.feed_event.decode(), mac_of("quote", request_id, written.feed_event)

    def note_watched(self, request: QuoteRequest | None) -> None:
        """A subscription to it begins: frames of a traced request have spans."""
        if request and request.trace and self.tracing:
            self.tracing.frames.watched(request.id, request.trace)

    def beginning(self, request_id: UUID) -> Position:
        """Before the first event of this request."""
        shard = keys.shard_of(request_id, self.shards)
        return Position(str(request_id), request_id, shard, keys.events(shard, request_id))

    async def read(self, positions: Sequence[Position]) -> Sequence[StoredEvents]:
        """The events after each position, which is moved past them; one round trip for each shard."""
        shards: dict[int, list[Position]] = defaultdict(list)
        for position in positions:
            shards[position.shard].append(position)
        replies = await asyncio.gather(*(self._read(part) for part in shards.values()))
        found = {id(position): flat for part in replies for position, flat in part}
        return [self._events(position, found[id(position)]) for position in positions]

    async def _read(self, positions: Sequence[Position]) -> Iterable[tuple[Position, Sequence[str]]]:
        begins = " ".join(["-" if position.last == "0" else f"({position.last}" for position in positions])
        names = [position.stream for position in positions]
        replies: Sequence[Sequence[str]] = await READ_EVENTS.run(self._client, names, [_EVENTS_MAX, begins])
        return zip(positions, replies, strict=True)

    def _events(self, position: Position, flat: Sequence[str]) -> StoredEvents:
        """The events in a list of `entry, field, document, MAC, trace, …`."""
        quotes: list[QuoteEvent] = []
        ending: Ending | None = None
        foreign = unreadable = 0
        request_id, holds = position.request, self.authenticator.holds
        for place in range(0, len(flat), 5):
            position.last, field, document, mac, trace = flat[place : place + 5]
            try:
                if field == "quote" and holds(mac, "quote", request_id, document):
                    quotes.append(decode_event(document))
                elif field == "end" and holds(mac, "end", request_id, document):
                    ending = decode_ending(document)
                else:
                    foreign += 1
                    continue
                if trace and self.tracing:
                    arrived = quotes[-1].insurer_id if field == "quote" else ""
                    self.tracing.frames.arrived(position.request_id, arrived, trace)
            except Exception as error:  # noqa: BLE001 - one event is isolated from the others; PostgreSQL has them
                log.warning("event.unreadable", stream=position.stream, error=type(error).__name__)
                unreadable += 1
        return StoredEvents(quotes, ending, foreign, unreadable)
