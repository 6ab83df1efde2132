"""Subscriptions: every answer as it arrives, then the end."""

from collections.abc import AsyncGenerator

import strawberry
from strawberry import ID

from app.api.context import Context
from app.api.pushed import measure
from app.api.queries import request_id_of
from app.api.types import ContextInfo, QuoteEvent, QuoteReceived, QuotesCompleted
from app.domain.errors import NotFound
from app.following import Event, Received


@strawberry.type
class Subscription:
    @strawberry.subscription(
        description="""\
Every answer for one request, each insurer's exactly once (TIMED_OUT and CANCELLED included): first those that are already
there, then each as it arrives. The last event is always QuotesCompleted, no later than `expiresAt`, and then the stream completes.
After a lost connection pass the last `cursor` seen as `after` to go on from there."""
    )
    async def quotes(
        self, info: ContextInfo, request_id: ID, after: str | None = strawberry.UNSET
    ) -> AsyncGenerator[QuoteEvent, None]:
        context = info.context
        services = context.services
        wanted = request_id_of(request_id)
        if wanted is None:
            raise NotFound
        context.place.cursor = None if after is strawberry.UNSET else after
        async for event in services.live.follow(wanted, context.may_see, context.place.cursor):
            yield _shown(event, context)
            measure(event, services.clock)
            context.place.cursor = event.cursor.encode()  # asked for more: that one is sent

    @strawberry.subscription(
        description="The same events for every open request of one customer; it stays open across requests. "
        "After a reconnect open requests are sent again: drop what you have by quote id."
    )
    async def customer_quotes(self, info: ContextInfo, customer_id: ID) -> AsyncGenerator[QuoteEvent, None]:
        context = info.context
        customer = context.customer(customer_id)
        async for event in context.services.customers.follow(customer):
            yield _shown(event, context)
            measure(event, context.services.clock)


def _shown(event: Event, context: Context) -> QuoteReceived | QuotesCompleted:
    return QuoteReceived.of(event, context) if isinstance(event, Received) else QuotesCompleted.of(event, context)
