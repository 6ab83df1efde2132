"""Events of requests: what has been answered, in Redis for the subscribers, and the notifications of it.

Each has a MAC: only what one of our processes wrote is read. The same events go, in the same script, into the feed of their shard, for other services (docs/feed.md).
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from app.codecs.quote_codec import QuoteEvent, decode_ending, decode_event, encode_ending, encode_quote, without_link
from app.domain.ids import text_of
from app.domain.quote import Ending, Quote, QuoteRequest
from app.redis import keys
from app.redis.authenticity import EventAuthenticator
from app.redis.job_streams import expiry_ms
from app.redis.lua_scripts import PUBLISH, PUBLISH_END, READ_EVENTS, Argument
from app.redis.redis_client import RedisClient

log: Final = structlog.get_logger(__name__)

FEED_VERSION: Final = 2
"""Of the documents in the feed. Adding a field keeps it; changing or dropping one raises it."""
FEED_LENGTH: Final = 1_000_000
_PUBLISH_MAX: Final = 200
_EVENTS_MAX: Final = 300
"""More than a request can have: one per insurer, and the end."""


@dataclass(frozen=True, slots=True)
class Published:
    """A settled quote to publish. `entry` is its job's place in the stream, None where no lane held it."""

    quote: Quote
    expires_at: datetime
    entry: str | None


@dataclass(frozen=True, slots=True)
class StoredEvents:
    """New events of a request. Where not all of them were read PostgreSQL has to be asked."""

    quotes: Sequence[QuoteEvent]
    ending: Ending | None
    foreign: int = 0
    """How many more there were without a good MAC: another writer's, or those of a release that made none."""
    unreadable: int = 0
    """How many of our own could not be read, as those of another release may be."""


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
        self, client: RedisClient, authenticator: EventAuthenticator, *, shards: int, feed_length: int = FEED_LENGTH
    ) -> None:
        self._client = client
        self.authenticator = authenticator
        self.shards = shards
        self._feed_length = feed_length

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
        arguments: list[Argument] = [keys.GROUP, keys.news(shard), self._feed_length, FEED_VERSION]
        for one in batch:
            quote = one.quote
            names += [keys.request(shard, quote.request_id), keys.events(shard, quote.request_id)]
            names.append(keys.jobs(shard, quote.insurer_id))
            arguments += [text_of(quote.request_id), quote.insurer_id, expiry_ms(one.expires_at)]
            arguments += [*self._signed_quote(quote), one.entry or ""]
        await PUBLISH.run(self._client, names, arguments)

    async def forget(self, ids: Iterable[UUID]) -> None:
        """Removes what is kept of these requests."""
        for id_ in ids:
            shard = keys.shard_of(id_, self.shards)
            await self._client.delete(keys.request(shard, id_), keys.events(shard, id_))

    async def publish_end(self, request: QuoteRequest, ending: Ending, at_hand: Iterable[str] = ()) -> bool:
        """Publishes the end of a request, after every quote of it.

        `at_hand` names insurers whose quotes may not have been published; other quotes that Redis lacks are published as well.
        False: it lacks quotes that `request` does not hold, and nothing has been published.
        """
        missing = await self._publish_end(request, ending, at_hand)
        if missing and len(request.quotes) < len(request.insurers):
            return False
        if missing:
            await self._publish_end(request, ending, request.insurers)
        return True

    async def _publish_end(self, request: QuoteRequest, ending: Ending, at_hand: Iterable[str]) -> Sequence[str]:
        shard = keys.shard_of(request.id, self.shards)
        names = [keys.feed(shard), keys.request(shard, request.id), keys.events(shard, request.id)]
        names += [keys.jobs(shard, insurer) for insurer in request.insurers]
        document = encode_ending(ending)
        arguments: list[Argument] = [keys.GROUP, keys.news(shard), keys.ended(shard), self._feed_length, FEED_VERSION]
        arguments += [
            str(request.id),
            expiry_ms(request.expires_at),
            document,
            self.authenticator.mac("end", str(request.id), document),
            len(request.insurers),
            *request.insurers,
        ]
        for insurer in at_hand:
            arguments += [insurer, *self._signed_quote(request.quotes[insurer])]
        return await PUBLISH_END.run(self._client, names, arguments)

    def _signed_quote(self, quote: Quote) -> tuple[bytes, str, bytes, str]:
        """The event and its MAC, then those of the feed; empty where they are the same, or there is no feed."""
        request_id, document = text_of(quote.request_id), encode_quote(quote)
        mac = self.authenticator.mac("quote", request_id, document)
        for_feed = without_link(quote, document) if self._feed_length else document
        if for_feed == document:
            return document, mac, b"", ""
        return document, mac, for_feed, self.authenticator.mac("quote", request_id, for_feed)

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
        begins = ["-" if position.last == "0" else f"({position.last}" for position in positions]
        names = [position.stream for position in positions]
        replies: Sequence[Sequence[str]] = await READ_EVENTS.run(self._client, names, [_EVENTS_MAX, *begins])
        return zip(positions, replies, strict=True)

    def _events(self, position: Position, flat: Sequence[str]) -> StoredEvents:
        """Of `entry, field, document, MAC, …`."""
        quotes: list[QuoteEvent] = []
        ending: Ending | None = None
        foreign = unreadable = 0
        for place in range(0, len(flat), 4):
            position.last, field, document, mac = flat[place : place + 4]
            try:
                if field == "quote" and self.authenticator.holds(mac, "quote", position.request, document):
                    quotes.append(decode_event(document))
                elif field == "end" and self.authenticator.holds(mac, "end", position.request, document):
                    ending = decode_ending(document)
                else:
                    foreign += 1
            except Exception as error:  # noqa: BLE001 - one event is isolated from the others; PostgreSQL has them
                log.warning("event.unreadable", stream=position.stream, error=type(error).__name__)
                unreadable += 1
        return StoredEvents(quotes, ending, foreign, unreadable)
