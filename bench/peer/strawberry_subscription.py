"""A subscription through stock Strawberry, on FastAPI, with broadcaster.

Settings: Strawberry's own router with `graphql-transport-ws` alone and its caches of parsed and validated documents, broadcaster
over Redis Pub/Sub, a channel per request; uvicorn with uvloop, httptools and websockets, frames not compressed, no access
log. It serves the fields that the bench asks for of ours, without a token, a cursor that resumes, or a store behind it.
"""

import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import strawberry
import uvicorn
from broadcaster import Broadcast
from fastapi import FastAPI
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.fastapi import GraphQLRouter
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

broadcast = Broadcast(os.environ["PEER_REDIS_URL"])


@strawberry.enum
class QuoteStatus(Enum):
    OFFERED = "OFFERED"
    DECLINED = "DECLINED"
    FAILED = "FAILED"


@strawberry.type
@dataclass(slots=True)
class Insurer:
    id: strawberry.ID
    name: str


@strawberry.type
@dataclass(slots=True)
class Money:
    amount: Decimal
    currency: str


@strawberry.type
@dataclass(slots=True)
class Offer:
    number: str
    premium: Money
    valid_until: datetime | None
    purchase_url: str | None


@strawberry.type
@dataclass(slots=True)
class Reason:
    code: str
    message: str


@strawberry.type
@dataclass(slots=True)
class Quote:
    insurer: Insurer
    status: QuoteStatus
    received_at: datetime | None
    offer: Offer | None
    reason: Reason | None


@strawberry.type
@dataclass(slots=True)
class Progress:
    answered: int
    total: int


@strawberry.type
@dataclass(slots=True)
class QuoteReceived:
    cursor: str
    quote: Quote
    progress: Progress


@strawberry.type
@dataclass(slots=True)
class QuotesCompleted:
    cursor: str
    outcome: str
    progress: Progress
    best_quote: Quote | None


QuoteEvent = Annotated[QuoteReceived | QuotesCompleted, strawberry.union("QuoteEvent")]


def event(message: str) -> QuoteReceived:
    """Out of what was published: JSON with the fields' names."""
    published: dict[str, Any] = json.loads(message)
    quote, offer = published["quote"], published["quote"]["offer"]
    return QuoteReceived(
        cursor=published["cursor"],
        quote=Quote(
            insurer=Insurer(**quote["insurer"]),
            status=QuoteStatus(quote["status"]),
            received_at=datetime.fromisoformat(quote["receivedAt"]),
            offer=Offer(
                number=offer["number"],
                premium=Money(Decimal(offer["premium"]["amount"]), offer["premium"]["currency"]),
                valid_until=None,
                purchase_url=offer["purchaseUrl"],
            ),
            reason=None,
        ),
        progress=Progress(**published["progress"]),
    )


@strawberry.type
class Query:
    is_alive: bool = True


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def quotes(
        self,
        request_id: strawberry.ID,
        after: str | None = None,  # noqa: ARG002 - our document has it; there is nothing here to resume from
    ) -> AsyncGenerator[QuoteEvent, None]:
        async with broadcast.subscribe(f"quotes:{request_id}") as subscriber:
            async for published in subscriber:
                yield event(published.message)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncGenerator[None, None]:
    async with broadcast:
        yield


schema = strawberry.Schema(Query, subscription=Subscription, extensions=[ParserCache, ValidationCache])
app = FastAPI(lifespan=lifespan)
app.include_router(GraphQLRouter(schema, subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL]), prefix="/graphql")

if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(os.environ["PEER_PORT"]),
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        access_log=False,
        log_level="warning",
    )
