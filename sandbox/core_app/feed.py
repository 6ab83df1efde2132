"""Reads the aggregator's feed, all of it, and keeps the events of the last minutes by request.

Without a consumer group: every process of core-app has customers of its own, so each reads everything. Where a process
begins and where it goes on after a lost connection is a moment in the stream, for entries' ids are Redis's time.
"""

import asyncio
import itertools
import json
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from sandbox.core_app.feed_keys import FeedKeys

log: Final = structlog.get_logger(__name__)

KEPT_S: Final = 180.0
REQUESTS_MAX: Final = 50_000
AT_ONCE: Final = 500
BLOCK_MS: Final = 1000
REPLY_S_MAX: Final = 4.0
RETRY_S: Final = 0.5
HEARTBEAT_S: Final = 10.0
FOREIGN_LOGGED_EVERY_S: Final = 60.0
VERSIONS: Final = frozenset({"1", "2"})
"""The first had the link to buy in its offers, and what is left of it in the stream may still have."""

EntryId = tuple[int, int]
BEGINNING: Final[EntryId] = (0, 0)


@dataclass(frozen=True, slots=True)
class Event:
    """One entry: an insurer's `quote`, or the request's `end`. `text` is its JSON, as it came."""

    id: EntryId
    kind: str
    text: str

    @property
    def is_end(self) -> bool:
        return self.kind == "end"


@dataclass(slots=True)
class _Request:
    since_s: float
    events: list[Event] = field(default_factory=list[Event])
    keys: set[str] = field(default_factory=set[str])
    changed: asyncio.Event = field(default_factory=asyncio.Event)


_ID_LENGTH_MAX: Final = 41
"""Two numbers of 64 bits."""


def entry_id(text: str) -> EntryId:
    """`1732262400123-4` as numbers that can be compared; what is none is the beginning."""
    moment, _, sequence = text.partition("-")
    is_id = len(text) <= _ID_LENGTH_MAX and moment.isdecimal() and sequence.isdecimal()
    return (int(moment), int(sequence)) if is_id else BEGINNING


class Feed:
    """`run` reads; `follow` gives one request's events, those kept and those to come."""

    def __init__(
        self, redis_url: str, shards: int, keys: FeedKeys, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._keys = keys
        self.foreign = 0
        """Entries without a good MAC, left aside: a customer is shown nothing that another writer put into Redis."""
        self._foreign_due_s = 0.0
        self._redis: Any = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
            redis_url,
            decode_responses=True,
            encoding_errors="replace",  # such an entry has no valid MAC, and is skipped
            protocol=3,
            legacy_responses=False,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=REPLY_S_MAX,
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self._streams = [f"{{osago-{shard:02}}}:quote-events" for shard in range(shards)]
        self._monotonic = monotonic
        self._requests: OrderedDict[str, _Request] = OrderedDict()
        self._is_closed = False

    async def run(self) -> None:
        """Reads until it is closed."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for stream in self._streams:
                    tasks.create_task(self._read(stream))
        finally:
            await self._redis.aclose()

    def close(self) -> None:
        """Ends all streams: the process stops, and its customers reconnect to another."""
        self._is_closed = True
        for request in self._requests.values():
            request.changed.set()

    async def follow(self, request_id: str, after: EntryId, ends_at_s: float) -> AsyncGenerator[Event | None, None]:
        """Every event behind `after`, the end last; None now and then, while there is nothing. Without an end it stops.

        `ends_at_s` is of the monotonic clock. Behind it nothing is waited for: the feed may lose events with Redis.
        """
        while not self._is_closed:
            request = self._request(request_id)
            request.changed.clear()
            for event in [event for event in request.events if event.id > after]:
                after = event.id
                yield event
                if event.is_end:
                    return
            left_s = ends_at_s - self._monotonic()
            if left_s <= 0:
                return
            try:
                async with asyncio.timeout(min(HEARTBEAT_S, left_s)):
                    await request.changed.wait()
            except TimeoutError:
                yield None

    async def _read(self, stream: str) -> None:
        """One shard. What a broken read lost is read again: the position moves only with what has arrived."""
        position = ""
        while not self._is_closed:
            try:
                position = position or await self._some_minutes_ago()
                answer = await self._redis.xread({stream: position}, count=AT_ONCE, block=BLOCK_MS)
            except (RedisError, OSError) as error:
                log.warning("feed.unreachable", error=type(error).__name__)
                await asyncio.sleep(RETRY_S)
                continue
            for entries in answer.values():
                for id_, fields in entries:
                    position = id_
                    self._keep_or_log(id_, fields)

    async def _some_minutes_ago(self) -> str:
        seconds, _ = await self._redis.time()
        return f"{int((seconds - KEPT_S) * 1000)}-0"

    def _keep_or_log(self, id_: str, fields: Mapping[str, str]) -> None:
        """As `_keep`; an entry that raises is logged and skipped, so that neither the reader nor the application ends."""
        try:
            self._keep(id_, fields)
        except Exception as error:  # noqa: BLE001 - it is logged
            log.warning("feed.unreadable", error=type(error).__name__)

    def _keep(self, id_: str, fields: Mapping[str, str]) -> None:
        """Keeps an event that is new and the aggregator's; it may come again, and other versions are not for us."""
        if fields.get("v") not in VERSIONS:
            return
        kind = "quote" if "quote" in fields else "end"
        if not self._keys.holds(fields, kind):
            self._leave_aside()
            return
        key = json.loads(fields[kind]).get("insurer", "") if kind == "quote" else kind
        request = self._request(fields["request"])
        if key not in request.keys:
            request.keys.add(key)
            request.events.append(Event(entry_id(id_), kind, fields[kind]))
            request.changed.set()

    def _leave_aside(self) -> None:
        self.foreign += 1
        now = self._monotonic()
        if now >= self._foreign_due_s:
            self._foreign_due_s = now + FOREIGN_LOGGED_EVERY_S
            log.warning("feed.foreign", entries=self.foreign)

    def _request(self, request_id: str) -> _Request:
        now = self._monotonic()
        for old in list(itertools.islice(self._requests, 2)):
            if len(self._requests) > REQUESTS_MAX or self._requests[old].since_s < now - KEPT_S:
                self._requests.pop(old).changed.set()
        if request_id not in self._requests:
            self._requests[request_id] = _Request(now)
        return self._requests[request_id]
