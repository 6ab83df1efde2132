"""Settling quotes: committed in groups, then published and acknowledged in groups.

PostgreSQL is the fence: of several answers for one slot the first to be committed stands, whichever worker holds the job.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias, TypeVar
from uuid import UUID

import structlog

from app.codecs.quote_codec import EncodedQuote, encoded
from app.domain.errors import Unavailable
from app.domain.quote import Quote, QuoteRequest
from app.observability import metrics
from app.observability.tracing.spans import Attributes, SpanRole, child_span
from app.postgres.database import Pool, confirm_on, connected
from app.postgres.link_cipher import LinkCipher
from app.postgres.quote_rows import Key, insert_quotes, read_quotes
from app.redis.event_streams import EventStreams, Published
from app.redis.keys import shard_of
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import Clock
from app.runtime.group_commit import GroupCommit
from app.runtime.split_commit import SplitCommit
from app.runtime.supervision import Part
from app.use_cases.complete import RequestCompleter

log: Final = structlog.get_logger(__name__)

RETRY_S_MAX: Final = 0.5
BATCH_MAX: Final = 500
"""Answers in one commit, and in one script: with more, the next batch would wait longer for little gain."""

_INSERT: Final[Attributes] = {
    "db.system.name": "postgresql",
    "db.operation.name": "INSERT",
    "db.collection.name": "osago_quotes",
}
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Answered:
    """A quote about to be settled, and the entry of its job."""

    quote: Quote
    expires_at: datetime
    entry: str
    trail: str | None = None
    """How the answer came about (`app.story.answer_trail`), where it is known."""
    trace: str = ""
    """The span of its job, in its short form; empty: it is not traced."""

    @property
    def key(self) -> Key:
        return (self.quote.request_id, self.quote.insurer_id)


@dataclass(frozen=True, slots=True)
class _Committed:
    quote: EncodedQuote
    published: asyncio.Future[None]


_News: TypeAlias = Published | QuoteRequest


def _line_of(news: _News) -> str:
    """An insurer's, or that of the ends."""
    return news.quote.insurer_id if isinstance(news, Published) else ""


def _request_of(news: _News) -> UUID:
    return news.quote.request_id if isinstance(news, Published) else news.id


class QuoteSettler:
    """Settles quotes. Its owner runs `parts`."""

    def __init__(
        self, pool: Pool, events: EventStreams, ending: RequestCompleter, links: LinkCipher, clock: Clock
    ) -> None:
        self._pool = pool
        self._links = links
        self._events = events
        self._ending = ending
        self._clock = clock
        # Ten thousand answers of one insurer, as when its circuit opens, must not hold up another's one.
        self._commits = GroupCommit(
            self._commit,
            name="settle-commits",
            batch_max=BATCH_MAX,
            line_of=lambda answered: answered.quote.insurer_id,
        )
        self._news: SplitCommit[_News, None] = SplitCommit(
            "settle-news",
            self._publish,
            count=events.shards,
            number_of=lambda news: shard_of(_request_of(news), events.shards),
            batch_max=BATCH_MAX,
            line_of=_line_of,
        )

    def parts(self) -> list[Part]:
        return [Part("settle-commits", self._commits.run), *self._news.parts()]

    async def settle(self, answered: Answered) -> None:
        """Returns once the quote that stands is committed, published and its job acknowledged.

        Waits for PostgreSQL and for Redis as long as they are away.

        Raises:
            DataRefused: PostgreSQL refuses the data: the request is not there any more.
        """
        with child_span("store quote", SpanRole.CLIENT, _INSERT):
            committed = await self._persist(lambda: self._commits.put(answered))
        publishing = [committed.published]
        again = Published(committed.quote, answered.expires_at, answered.entry, answered.trace)
        await self._persist(lambda: publishing.pop() if publishing else self._news.put(again))

    async def _commit(self, batch: Sequence[Answered]) -> list[_Committed]:
        first: dict[Key, Quote] = {}
        trails: dict[Key, str | None] = {}
        for answered in batch:
            first.setdefault(answered.key, answered.quote)
            trails.setdefault(answered.key, answered.trail)
        standing = dict(zip(first, self._links.encoded(list(first.values())), strict=True))
        async with connected(self._pool) as connection:
            won = await insert_quotes(connection, list(standing.values()), trails)
            lost = [key for key in first if key not in won]
            standing |= {key: encoded(quote) for key, quote in (await read_quotes(connection, lost)).items()}
            if lost:
                await confirm_on(connection)
            # The end is committed before the last job is acknowledged: a crash in between leaves that job to another worker.
            ended = await self._ending.commit_full(connection, list({request_id for request_id, _ in first}))
        for status, count in Counter(first[key].status for key in won).items():
            metrics.answered(status, count)
        committed = [self._committed(answered, standing) for answered in batch]
        for request in ended:
            self._news.put(request)
        return committed

    def _committed(self, answered: Answered, standing: Mapping[Key, EncodedQuote]) -> _Committed:
        quote = standing[answered.key]
        news = Published(quote, answered.expires_at, answered.entry, answered.trace)
        return _Committed(quote, self._news.put(news))

    async def _publish(self, batch: Sequence[_News]) -> list[None]:
        await self._events.publish([news for news in batch if isinstance(news, Published)])
        ended = [news for news in batch if isinstance(news, QuoteRequest)]
        if ended:
            await self._ending.publish(ended)
        return [None] * len(batch)

    async def _persist(self, step: Callable[[], Awaitable[Result]]) -> Result:
        """Repeats an idempotent step, with full jitter, until what it needs is there."""
        while True:
            try:
                return await step()
            except Unavailable as error:
                log.debug("settle.waits", of=error.of, error=str(error))
            raise_if_cancelled()
            await self._clock.sleep(random.uniform(0, RETRY_S_MAX))
