"""Events of requests: what has been answered, in Redis for the subscribers, and the bells that tell of it.

The same events go, in the same script, into the feed of their shard, for other services (docs/feed.md).
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.documents import decode_ending, decode_quote, encode_ending, encode_quote
from app.domain.quote import Ending, Quote, QuoteRequest
from app.streams import keys
from app.streams.client import Client
from app.streams.jobs import expiry_ms
from app.streams.script import PUBLISH, PUBLISH_END, READ_EVENTS, Argument

FEED_VERSION: Final = 1
"""Of the documents in the feed. A field may be added to them; whoever changes or drops one raises it."""
FEED_LENGTH: Final = 1_000_000
_PUBLISH_MOST: Final = 200
_EVENTS_MOST: Final = 300
"""More than a request can have: one per insurer, and the end."""


@dataclass(frozen=True, slots=True)
class Published:
    """A settled quote to tell of. `entry` is its job's place in the stream, None where no lane held it."""

    quote: Quote
    expires_at: datetime
    entry: str | None


@dataclass(frozen=True, slots=True)
class Events:
    """New events of a request, and the place after which the next ones come."""

    quotes: Sequence[Quote]
    ending: Ending | None
    last: str


class EventStreams:
    """All event streams of one Redis."""

    def __init__(self, client: Client, *, shards: int, feed_length: int = FEED_LENGTH) -> None:
        self._client = client
        self.shards = shards
        self._feed_length = feed_length

    async def publish(self, batch: Sequence[Published]) -> None:
        """Tells of committed quotes, each once however often it is published, and acknowledges their jobs."""
        shards: dict[int, list[Published]] = defaultdict(list)
        for one in batch:
            shards[keys.shard_of(one.quote.request_id, self.shards)].append(one)
        for shard, quotes in shards.items():
            for first in range(0, len(quotes), _PUBLISH_MOST):
                await self._publish(shard, quotes[first : first + _PUBLISH_MOST])

    async def _publish(self, shard: int, batch: Sequence[Published]) -> None:
        names = [keys.feed(shard)]
        arguments: list[Argument] = [keys.GROUP, keys.bell(shard), self._feed_length, FEED_VERSION]
        for one in batch:
            quote = one.quote
            names += [keys.request(shard, quote.request_id), keys.events(shard, quote.request_id)]
            names.append(keys.jobs(shard, quote.insurer_id))
            arguments += [str(quote.request_id), quote.insurer_id, expiry_ms(one.expires_at)]
            arguments += [encode_quote(quote), one.entry or ""]
        await PUBLISH.run(self._client, names, arguments)

    async def forget(self, ids: Iterable[UUID]) -> None:
        """Removes what is kept of these requests."""
        for id_ in ids:
            shard = keys.shard_of(id_, self.shards)
            await self._client.delete(keys.request(shard, id_), keys.events(shard, id_))

    async def publish_end(self, request: QuoteRequest, ending: Ending, at_hand: Iterable[str] = ()) -> bool:
        """Tells of the end of a request, after every quote of it.

        `at_hand` names insurers whose quotes may not have been published; whatever else Redis lacks it asks for.
        False: it lacks quotes that `request` does not hold, and nothing has been told.
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
        arguments: list[Argument] = [keys.GROUP, keys.bell(shard), keys.ended(shard), self._feed_length, FEED_VERSION]
        arguments += [
            str(request.id),
            expiry_ms(request.expires_at),
            encode_ending(ending),
            len(request.insurers),
            *request.insurers,
        ]
        for insurer in at_hand:
            arguments += [insurer, encode_quote(request.quotes[insurer])]
        return await PUBLISH_END.run(self._client, names, arguments)

    async def read(self, positions: Mapping[UUID, str]) -> Mapping[UUID, Events]:
        """Events after each request's position (`0` for all), in one round trip for each shard."""
        shards: dict[int, list[UUID]] = defaultdict(list)
        for request_id in positions:
            shards[keys.shard_of(request_id, self.shards)].append(request_id)
        found = await asyncio.gather(*(self._read(shard, ids, positions) for shard, ids in shards.items()))
        return {request_id: events for part in found for request_id, events in part.items()}

    async def _read(self, shard: int, ids: Sequence[UUID], positions: Mapping[UUID, str]) -> Mapping[UUID, Events]:
        names = [keys.events(shard, request_id) for request_id in ids]
        begins = ["-" if (last := positions[request_id]) == "0" else f"({last}" for request_id in ids]
        replies: Sequence[Sequence[str]] = await READ_EVENTS.run(self._client, names, [_EVENTS_MOST, *begins])
        return {
            request_id: _events(request_id, flat, positions[request_id])
            for request_id, flat in zip(ids, replies, strict=True)
        }


def _events(request_id: UUID, flat: Sequence[str], last: str) -> Events:
    """Of `entry, field, value, …`."""
    quotes: list[Quote] = []
    ending: Ending | None = None
    for place in range(0, len(flat), 3):
        last, field, document = flat[place : place + 3]
        if field == "quote":
            quotes.append(decode_quote(request_id, document))
        else:
            ending = decode_ending(document)
    return Events(quotes, ending, last)
