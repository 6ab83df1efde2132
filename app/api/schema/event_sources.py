"""The sources of a subscription's events, before the first event is asked for."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from app.api.context import Context
from app.api.schema.queries import checked_customer_id, request_id_of
from app.api.schema.unwritable_quotes import writable_event
from app.domain.errors import NotFound
from app.story.frame_book import socket_label
from app.watch.events import Event
from app.watch.news_waiter import watch_events


class EventSource(ABC):
    """An iterable of events for graphql-core; `events` are for code that writes them itself."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @abstractmethod
    def events(self) -> AsyncGenerator[Event, None]:
        """Each event is asked for when the one before has been sent."""

    async def __aiter__(self) -> AsyncGenerator[Event, None]:
        async with aclosing(self.events()) as events:
            async for event in events:
                yield writable_event(event, self._context.services)


class RequestEvents(EventSource):
    """The events of one request."""

    def __init__(self, context: Context, request_id: str, after: str | None) -> None:
        super().__init__(context)
        self._request_id = request_id
        self.after = context.place.resumed or after

    @property
    def request_id(self) -> UUID:
        """Which request is meant.

        Raises:
            NotFound: no request has such an id.
        """
        wanted = request_id_of(self._request_id)
        if wanted is None:
            raise NotFound
        return wanted

    async def events(self) -> AsyncGenerator[Event, None]:
        context, place = self._context, self._context.place
        request_id, label = self.request_id, socket_label("operation")
        place.cursor = self.after
        async with aclosing(
            watch_events(context.services.live, request_id, context.may_see, self.after, context.share)
        ) as events:
            async for event in events:
                place.sending = event.cursor.encode()
                yield event
                context.services.pushed.measure(event)
                context.services.frames.sent(request_id, label, event)
                place.cursor = place.sending  # asked for more: that one is sent


class CustomerEvents(EventSource):
    """The events of every open request of a customer.

    Raises:
        GraphQLError: no customer can have such an id.
    """

    def __init__(self, context: Context, customer_id: str) -> None:
        super().__init__(context)
        self._customer_id = checked_customer_id(customer_id)

    async def events(self) -> AsyncGenerator[Event, None]:
        context = self._context
        customer, label = context.customer(self._customer_id), socket_label("customer")
        async with aclosing(context.services.customers.follow(customer, context.share)) as events:
            async for event in events:
                yield event
                context.services.pushed.measure(event)
                context.services.frames.sent(event.cursor.request_id, label, event)
