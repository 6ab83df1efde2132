"""The types of the schema: what a domain value looks like from outside."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Self, TypeAlias

import strawberry
from strawberry import ID, Info

from app.api.context import Context
from app.api.schema.enums import Availability, Outcome, QuoteOrder, QuoteRequestStatus, QuoteStatus
from app.api.schema.offer_types import OfferType, ProblemType, ReasonType
from app.api.schema.unwritable_quotes import writable_request
from app.domain import errors, insurer, quote
from app.domain.ids import text_of

ContextInfo: TypeAlias = Info[Context, None]


@strawberry.type(name="Insurer")
class InsurerType:
    id: ID
    name: str

    @classmethod
    def of(cls, value: insurer.Insurer) -> Self:
        return cls(id=ID(value.id), name=value.name)

    @strawberry.field
    async def availability(self, info: ContextInfo) -> Availability:
        return await info.context.services.availabilities.of(self.id)


@strawberry.type(name="Quote")
class QuoteType:
    id: ID
    insurer: InsurerType
    status: QuoteStatus
    offer: OfferType | None = strawberry.field(description="Set when the status is OFFERED.")
    reason: ReasonType | None = strawberry.field(description="Set when the status is neither PENDING nor OFFERED.")
    received_at: datetime | None

    @classmethod
    def of(cls, value: quote.Quote, context: Context) -> Self:
        offer, reason = None, None
        match value.answer:
            case quote.Offer() as answer:
                offer = OfferType.of(context.services.links.opened(value.request_id, answer))
            case quote.NoOffer() as answer:
                reason = ReasonType.of(answer.reason)
        return cls(
            id=ID(f"{value.request_id}:{value.insurer_id}"),
            insurer=InsurerType.of(context.services.availabilities.insurer(value.insurer_id)),
            status=value.status,
            offer=offer,
            reason=reason,
            received_at=value.received_at,
        )

    @classmethod
    def pending(cls, request: quote.QuoteRequest, insurer_id: str, context: Context) -> Self:
        return cls(
            id=ID(f"{request.id}:{insurer_id}"),
            insurer=InsurerType.of(context.services.availabilities.insurer(insurer_id)),
            status=QuoteStatus.PENDING,
            offer=None,
            reason=None,
            received_at=None,
        )


@strawberry.type
class Progress:
    answered: int = strawberry.field(description="Quotes that are no longer PENDING.")
    total: int


@strawberry.type(name="QuoteRequest")
class QuoteRequestType:
    request: strawberry.Private[quote.QuoteRequest]
    id: ID
    client_reference: str | None
    customer_id: ID
    status: QuoteRequestStatus
    created_at: datetime
    expires_at: datetime = strawberry.field(description="No answer is waited for after this moment.")
    remaining_seconds: float = strawberry.field(
        description="The same as seconds from now, for clients whose clock is wrong; 0 when it has ended."
    )
    completed_at: datetime | None
    progress: Progress

    @classmethod
    def of(cls, value: quote.QuoteRequest, context: Context) -> Self:
        value = writable_request(value, context.services)
        return cls(
            request=value,
            id=ID(text_of(value.id)),
            client_reference=value.client_reference,
            customer_id=ID(value.customer_id),
            status=value.status,
            created_at=value.created_at,
            expires_at=value.expires_at,
            remaining_seconds=value.remaining_s(context.services.clock.now()),
            completed_at=value.ending.completed_at if value.ending else None,
            progress=Progress(answered=len(value.quotes), total=len(value.insurers)),
        )

    @strawberry.field(
        description="One per asked insurer, also those still PENDING; by default in the order of arrival."
    )
    def quotes(self, info: ContextInfo, order_by: QuoteOrder = QuoteOrder.RECEIVED_AT) -> list[QuoteType]:
        request, context = self.request, info.context
        answered, now = request.quotes.values(), context.services.clock.now()
        match order_by:
            case QuoteOrder.PREMIUM:
                in_order = quote.by_premium(answered, now=now)
            case QuoteOrder.TOTAL:
                in_order = quote.by_total(answered, now=now)
            case QuoteOrder.RECEIVED_AT:
                in_order = quote.by_arrival(answered)
        settled = [QuoteType.of(value, context) for value in in_order]
        missing = [insurer_id for insurer_id in request.insurers if insurer_id not in request.quotes]
        return settled + [QuoteType.pending(request, insurer_id, context) for insurer_id in missing]

    @strawberry.field(description="The lowest total so far.")
    def best_quote(self, info: ContextInfo) -> QuoteType | None:
        return _best(self.request.quotes.values(), info.context)


@strawberry.type
class QuoteRequestAccepted:
    quote_request: QuoteRequestType
    warnings: list[ProblemType] = strawberry.field(
        description="What is unusual and may be a typing error; nothing was refused for it."
    )
    watch_token: str = strawberry.field(
        description="Lets a browser watch this one request, until it expires: "
        'pass it in connection_init as `{ "token": … }`.'
    )

    @classmethod
    def of(cls, value: quote.QuoteRequest, warnings: Sequence[errors.Problem], context: Context) -> Self:
        token = context.services.tokens.watch_token(value.id)
        request = QuoteRequestType.of(value, context)
        return cls(quote_request=request, warnings=[ProblemType.of(each) for each in warnings], watch_token=token)


@strawberry.type
class CustomerToken:
    token: str
    expires_at: datetime


@strawberry.type(name="InvalidApplication")
class InvalidApplicationType:
    problems: list[ProblemType]

    @classmethod
    def of(cls, error: errors.InvalidApplication) -> Self:
        return cls(problems=[ProblemType.of(each) for each in error.problems])


@strawberry.type
class RateLimited:
    retry_after_seconds: float


@strawberry.type(name="Stub")
class StubType:
    title: str
    message: str
    retry_after_seconds: int | None = strawberry.field(description="When it makes sense to ask again.")


# `app.api.schema.event_resolvers` reads the fields of the events.


@strawberry.type
class QuoteReceived:
    cursor: str
    request_id: ID
    quote: QuoteType
    progress: Progress


@strawberry.type
class QuotesCompleted:
    cursor: str
    request_id: ID
    outcome: Outcome
    progress: Progress
    best_quote: QuoteType | None
    stub: StubType | None = strawberry.field(description="Shown when there is no offer.")


QuoteEventUnion = Annotated[QuoteReceived | QuotesCompleted, strawberry.union("QuoteEvent")]
CreateQuoteRequestResult = Annotated[
    QuoteRequestAccepted | InvalidApplicationType | RateLimited, strawberry.union("CreateQuoteRequestResult")
]


def _best(quotes: Iterable[quote.Quote], context: Context) -> QuoteType | None:
    best = quote.best_quote(quotes, now=context.services.clock.now())
    return QuoteType.of(best, context) if best else None
