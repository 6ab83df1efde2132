"""Subscriptions: every answer as it arrives, then the end."""

from collections.abc import AsyncGenerator
from typing import Any, cast

import strawberry
from strawberry import ID

from app.api.schema.event_sources import CustomerEvents, RequestEvents
from app.api.schema.types import ContextInfo, QuoteEventUnion


@strawberry.type
class Subscription:
    @strawberry.subscription(
        description="""\
Every answer for one request, each insurer's exactly once (TIMED_OUT and CANCELLED included): first those that are already
there, then each as it arrives. The last event is always QuotesCompleted, no later than `expiresAt`, and then the stream completes.
After a lost connection pass the last `cursor` seen as `after` to go on from there."""
    )
    def quotes(
        self, info: ContextInfo, request_id: ID, after: str | None = strawberry.UNSET
    ) -> AsyncGenerator[QuoteEventUnion, None]:
        return cast("Any", RequestEvents(info.context, request_id, None if after is strawberry.UNSET else after))

    @strawberry.subscription(
        description="The same events for every open request of one customer; it stays open across requests. "
        "After a reconnect open requests are sent again: drop what you have by quote id."
    )
    def customer_quotes(self, info: ContextInfo, customer_id: ID) -> AsyncGenerator[QuoteEventUnion, None]:
        return cast("Any", CustomerEvents(info.context, customer_id))
