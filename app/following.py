"""One subscriber's place in one request: what it has, what is new for it, and when there is nothing more to come."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TypeAlias

from app.domain.cursor import Cursor
from app.domain.errors import OsagoError
from app.domain.quote import Ending, Quote, QuoteRequest, by_arrival


@dataclass(frozen=True, slots=True)
class Received:
    """One answer. `is_live` tells it from what was there before the subscriber came."""

    cursor: Cursor
    quote: Quote
    is_live: bool


@dataclass(frozen=True, slots=True)
class Completed:
    """The end, after every answer; `request` holds all its quotes."""

    cursor: Cursor
    request: QuoteRequest
    ending: Ending


Event: TypeAlias = Received | Completed


class InterruptedWatch(OsagoError):
    """The watch cannot go on; `cursor` tells where to resume."""

    def __init__(self, cursor: Cursor, retry_after_s: float) -> None:
        super().__init__("the watch is interrupted")
        self.cursor = cursor
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class Watch:
    """What is known of one request, shared by those who follow it; `position` is the last event read."""

    position: str = "0"
    quotes: dict[str, Quote] = field(default_factory=dict[str, Quote])
    """By insurer, in the order in which they were learnt."""
    ending: Ending | None = None
    listeners: set[Callable[[], None]] = field(default_factory=set[Callable[[], None]])
    """Called when there is news."""

    payload: tuple[object, bytes] | None = None
    """What was written out last for one of several, and what tells whether the next one wants the same."""

    def learn(self, quotes: Sequence[Quote], ending: Ending | None) -> bool:
        """Takes in what is new; tells whether anything was."""
        news = [quote for quote in quotes if quote.insurer_id not in self.quotes]
        for quote in news:
            self.quotes[quote.insurer_id] = quote
        ended = self.ending is None and ending is not None
        self.ending = self.ending or ending
        if news or ended:
            for listener in list(self.listeners):
                listener()
        return bool(news or ended)


@dataclass(slots=True)
class Follower:
    """Holds nothing but a cursor, so that what waits for a slow subscriber is never more than one request's answers."""

    request: QuoteRequest
    watch: Watch
    cursor: Cursor
    entered_at: datetime
    looked_at: int = 0
    """So many of the quotes that the watch knows are in the cursor."""

    def news(self) -> Iterator[Event]:
        """What the subscriber lacks, each once; the end only after every answer. Who stops half-way has missed nothing."""
        quotes = list(islice(self.watch.quotes.values(), self.looked_at, None))
        for quote in quotes if len(quotes) < 2 else by_arrival(quotes):  # noqa: PLR2004 - one is in order
            if not self.cursor.has(quote.insurer_id):
                self.cursor = self.cursor.having(quote.insurer_id)
                yield Received(self.cursor, quote, is_live=quote.received_at > self.entered_at)
        self.looked_at += len(quotes)
        ending = self.watch.ending
        if ending and not self.lacks_answers and not self.cursor.ended:
            self.cursor = self.cursor.having_end()
            yield Completed(self.cursor, replace(self.request, quotes=self.watch.quotes, ending=ending), ending)

    @property
    def is_over(self) -> bool:
        """Nothing is ever to come."""
        return self.cursor.ended and not self.lacks_answers

    @property
    def lacks_answers(self) -> bool:
        return self.cursor.answered < len(self.request.insurers)

    @property
    def is_in_doubt(self) -> bool:
        """Redis told of the end and lost a quote."""
        return self.watch.ending is not None and self.lacks_answers
