"""One subscriber's place in one request: what it has, what is new for it, and when there is nothing more to come."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
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
    ending: Ending | None = None
    followers: set[asyncio.Event] = field(default_factory=set[asyncio.Event])

    def learn(self, quotes: Sequence[Quote], ending: Ending | None) -> bool:
        """Takes in what is new; tells whether anything was."""
        news = [quote for quote in quotes if quote.insurer_id not in self.quotes]
        self.quotes |= {quote.insurer_id: quote for quote in news}
        ended = self.ending is None and ending is not None
        self.ending = self.ending or ending
        if news or ended:
            for follower in self.followers:
                follower.set()
        return bool(news or ended)


@dataclass(slots=True)
class Follower:
    """Holds nothing but a cursor, so that what waits for a slow subscriber is never more than one request's answers."""

    request: QuoteRequest
    watch: Watch
    cursor: Cursor
    entered_at: datetime

    def news(self) -> Iterator[Event]:
        """What the subscriber lacks, each once; the end only after every answer."""
        for quote in by_arrival(self.watch.quotes.values()):
            if not self.cursor.has(quote.insurer_id):
                self.cursor = self.cursor.having(quote.insurer_id)
                yield Received(self.cursor, quote, is_live=quote.received_at > self.entered_at)
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
