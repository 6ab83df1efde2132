"""One subscriber's place in one request: what it has, what is new for it, and when nothing more is to come."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeAlias

import msgspec

from app.codecs.quote_codec import QuoteEvent
from app.domain.cursor import Cursor
from app.domain.errors import OsagoError
from app.domain.quote import Ending, QuoteRequest
from app.redis.event_streams import Position
from app.use_cases.caller_shares import CallerShare


class Received(msgspec.Struct, gc=False):
    """One answer. `is_live` is false for those that were there before the subscriber."""

    cursor: Cursor
    quote: QuoteEvent
    is_live: bool


class Completed(msgspec.Struct):
    """The end, after every answer."""

    cursor: Cursor
    ending: Ending
    quotes: Mapping[str, QuoteEvent]
    """All of them, by insurer."""


Event: TypeAlias = Received | Completed
Listener: TypeAlias = Callable[[], None]


class InterruptedWatch(OsagoError):
    """The watch cannot go on; `cursor` is where to resume."""

    def __init__(self, cursor: Cursor, retry_after_s: float) -> None:
        super().__init__("the watch is interrupted")
        self.cursor = cursor
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class Watch:
    """The known state of one request, shared by its followers; `position` is the last event read."""

    position: Position
    quotes: dict[str, QuoteEvent] = field(default_factory=dict[str, QuoteEvent])
    """The quotes by insurer, in the order in which they were learnt."""
    ending: Ending | None = None
    listeners: set[Listener] = field(default_factory=set[Listener])
    """Called when there is news."""

    failure: OsagoError | None = None
    """Why nothing is ever to come any more."""
    payload: tuple[object, bytes] | None = None
    """The last encoded event, and the key of the followers that can reuse it."""

    def learn(self, quotes: Iterable[QuoteEvent], ending: Ending | None) -> None:
        """Takes in what is new, and calls the listeners if anything is."""
        known = len(self.quotes), self.ending
        for quote in quotes:
            self.quotes.setdefault(quote.insurer_id, quote)
        self.ending = self.ending or ending
        if known != (len(self.quotes), self.ending):
            for listener in tuple(self.listeners):
                listener()

    def fail(self, error: OsagoError) -> None:
        """Ends the watch for all of its followers, once."""
        if self.failure is None:
            self.failure = error
            for listener in tuple(self.listeners):
                listener()


@dataclass(slots=True)
class Follower:
    """Holds nothing but a cursor, so that what waits for a slow subscriber is never more than one request's answers."""

    request: QuoteRequest
    watch: Watch
    cursor: Cursor
    entered_at: datetime
    share: CallerShare | None = None
    """The share in which the place is counted."""
    looked_at: int = 0
    """How many of the quotes that the watch knows are in the cursor."""

    def news(self) -> Iterator[Event]:
        """The events that the subscriber lacks, each once; the end only after every answer. A caller may stop half-way."""
        news = tuple(islice(self.watch.quotes.values(), self.looked_at, None))
        for quote in news if len(news) == 1 else sorted(news, key=_by_arrival):
            cursor = self.cursor.having(quote.insurer_id)
            if cursor.bits != self.cursor.bits:
                self.cursor = cursor
                yield Received(cursor, quote, quote.received_at > self.entered_at)
        self.looked_at += len(news)
        watch = self.watch
        if watch.ending and not self.lacks_answers and not self.cursor.ended:
            self.cursor = self.cursor.having_end()
            yield Completed(self.cursor, watch.ending, watch.quotes)

    @property
    def is_over(self) -> bool:
        """Whether nothing is ever to come any more."""
        return self.cursor.ended and not self.lacks_answers

    @property
    def lacks_answers(self) -> bool:
        return self.cursor.answered < len(self.request.insurers)

    @property
    def watch_lacks_answers(self) -> bool:
        """Redis has the end and lost a quote."""
        return self.watch.ending is not None and len(self.watch.quotes) < len(self.request.insurers)


def _by_arrival(quote: QuoteEvent) -> tuple[datetime, str]:
    """As `app.domain.quote.by_arrival`."""
    return quote.received_at, quote.insurer_id
