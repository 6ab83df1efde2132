"""The feed from its reader's side: entries of a shard from a place on, and whether anything before them may be missing."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from app.redis import keys
from app.redis.authenticity import EventAuthenticator
from app.redis.lua_scripts import READ_FEED
from app.redis.redis_client import RedisClient

BEGINNING: Final = "0-0"
"""Before the first entry that a feed can have."""
_VERSIONS: Final = frozenset({"1", "2"})


FeedKind = Literal["quote", "end"]


class FeedEntry(NamedTuple):
    """One event. `document` is its JSON; empty where the entry has no good MAC, or a version that this release does not know."""

    id: str
    request_id: str
    kind: FeedKind
    document: str
    is_foreign: bool


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Entries after a place. `epoch` names the content of Redis and its server: with another one entries may be missing."""

    epoch: str
    now_ms: int
    """By Redis's own clock, as entries' ids are."""
    last_id: str
    """The last id of the whole feed; `0-0` while it is empty."""
    has_gap: bool
    """The entry at the place is not there any more: others behind it may be gone too."""
    entries: Sequence[FeedEntry]


class FeedStreams:
    """The feeds of all shards of one Redis, for a reader that keeps its place itself."""

    def __init__(self, client: RedisClient, authenticator: EventAuthenticator, *, shards: int) -> None:
        self._client = client
        self._authenticator = authenticator
        self.shards = shards

    async def read(self, shard: int, after: str, count: int) -> FeedPage:
        """At most `count` entries behind `after`, of which there may be more.

        Raises:
            RedisAway: Redis is not there.
        """
        names = [keys.feed(shard), keys.epoch(shard)]
        epoch, server, now_ms, last_id, flat = await READ_FEED.run(
            self._client, names, [after, count + 1, secrets.token_hex(8)]
        )
        entries = [self._entry(*flat[place : place + 6]) for place in range(0, len(flat), 6)]
        is_there = bool(entries) and entries[0].id == after
        return FeedPage(
            epoch=f"{epoch}:{server}",
            now_ms=now_ms,
            last_id=last_id or BEGINNING,
            has_gap=after != BEGINNING and not is_there,
            entries=entries[1:] if is_there else entries[:count],
        )

    def _entry(self, id_: str, version: str, request_id: str, kind: FeedKind, document: str, mac: str) -> FeedEntry:
        is_ours = version in _VERSIONS and self._authenticator.holds(mac, kind, request_id, document)
        return FeedEntry(id_, request_id, kind, document if is_ours else "", not is_ours)


def milliseconds_of(entry_id: str) -> int:
    """When an entry was written, by Redis's clock."""
    return int(entry_id.partition("-")[0])


def order_of(entry_id: str) -> tuple[int, int]:
    """Ids in the order of the feed."""
    moment, _, sequence = entry_id.partition("-")
    return int(moment), int(sequence)
