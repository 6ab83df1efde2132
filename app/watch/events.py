"""One subscriber's place in one request: what it has, what is new for it, and when there is nothing more to come."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TypeAlias
from uuid import UUID

from app.codecs.quote_codec import QuoteEvent
from app.domain.cursor import Cursor
from app.domain.errors import OsagoError
from app.domain.quote import Ending, Quote, QuoteRequest
from app.redis.event_streams import Position
from app.use_cases.caller_shares import CallerShare


@dataclass(slots=True)
class Received:
    """One answer. `is_live`: it came after the subscription began."""

    cursor: Cursor
    told: QuoteEvent
    is_live: bool

    @property
    def quote(self) -> Quote:
        return self.told.quote(self.cursor.request_id)


@dataclass(slots=True)
class Completed:
    """The end, after every answer; `request` holds all its quotes."""

    cursor: Cursor
    request: QuoteRequest
    ending: Ending
    told: Mapping[str, QuoteEvent]
    """The quotes as they were published, by insurer."""


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
    """What is known of one request, shared by its subscriptions; `position` is the last event read."""

    position: Position
    told: dict[str, QuoteEvent] = field(default_factory=dict[str, QuoteEvent])
    """The quotes by insurer, in the order in which they were learnt."""
    ending: Ending | None = None
    listeners: set[Listener] = field(default_factory=set[Listener])
    """Called when there is news."""

    payload: tuple[object, bytes] | None = None
    """The last encoded event and its cache key, reused when several subscribers run the same document from the same position."""
    _quotes: Mapping[str, Quote] = field(default_factory=dict[str, Quote])

    def learn(self, quotes: Iterable[QuoteEvent], ending: Ending | None) -> None:
        """Takes in new events, and calls the listeners if there are any."""
        known = len(self.told), self.ending
        for told in quotes:
            self.told.setdefault(told.insurer_id, told)
        self.ending = self.ending or ending
        if known != (len(self.told), self.ending):
            for listener in tuple(self.listeners):
                listener()

    def quotes(self, request_id: UUID) -> Mapping[str, Quote]:
        """What is known as the domain has it; made once, for the end."""
        if len(self._quotes) < len(self.told):
            self._quotes = {insurer_id: told.quote(request_id) for insurer_id, told in self.told.items()}
        return self._quotes


@dataclass(slots=True)
class Follower:
    """Holds nothing but a cursor, so that what waits for a slow subscriber is never more than one request's answers."""

    request: QuoteRequest
    watch: Watch
    cursor: Cursor
    entered_at: datetime
    share: CallerShare | None = None
    """Where the place is counted."""
    looked_at: int = 0
    """So many of the quotes that the watch knows are in the cursor."""

    def news(self) -> Iterator[Event]:
        """What the subscriber lacks, each once; the end only after every answer. A subscriber that stops half-way has missed nothing."""
        news = tuple(islice(self.watch.told.values(), self.looked_at, None))
        for told in news if len(news) == 1 else sorted(news, key=_by_arrival):
            cursor = self.cursor.having(told.insurer_id)
            if cursor.bits != self.cursor.bits:
                self.cursor = cursor
                yield Received(cursor, told, told.received_at > self.entered_at)
        self.looked_at += len(news)
        watch = self.watch
        if watch.ending and not self.lacks_answers and not self.cursor.ended:
            self.cursor = self.cursor.having_end()
            request = replace(self.request, quotes=watch.quotes(self.request.id), ending=watch.ending)
            yield Completed(self.cursor, request, watch.ending, watch.told)

    @property
    def is_over(self) -> bool:
        """Nothing is ever to come."""
        return self.cursor.ended and not self.lacks_answers

    @property
    def lacks_answers(self) -> bool:
        return self.cursor.answered < len(self.request.insurers)

    @property
    def is_in_doubt(self) -> bool:
        """Redis published the end and lost a quote."""
        return self.watch.ending is not None and self.lacks_answers


def _by_arrival(told: QuoteEvent) -> tuple[datetime, str]:
    """As `app.domain.quote.by_arrival`."""
    return told.received_at, told.insurer_id
