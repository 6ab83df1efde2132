"""Subscriptions: every answer as it arrives, then the end."""

from collections.abc import AsyncGenerator

import strawberry
from strawberry import ID

from app.api.queries import request_id_of
from app.api.types import ContextInfo, QuoteEvent, QuoteReceived, QuotesCompleted
from app.domain.errors import NotFound
from app.live import Received
from app.observability import metrics


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
            if isinstance(event, Received):
                yield QuoteReceived.of(event, context)
                if event.is_live:
                    metrics.PUSHED.observe(-services.clock.seconds_until(event.quote.received_at))
            else:
                yield QuotesCompleted.of(event, context)
            context.place.cursor = event.cursor.encode()  # asked for more: that one is sent
