"""Mutations: asking for quotes, and calling it off."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import cast

import strawberry
from strawberry import ID

from app.api.context import READ, WRITE, Context
from app.api.schema.inputs import CreateQuoteRequestInput
from app.api.schema.queries import checked_customer_id, request_id_of
from app.api.schema.types import (
    ContextInfo,
    CreateQuoteRequestResult,
    CustomerToken,
    InvalidApplicationType,
    QuoteRequestAccepted,
    QuoteRequestType,
    RateLimited,
)
from app.domain import errors
from app.domain import quote as domain
from app.domain.intake.plausibility import warnings_of
from app.intake.new_request import NewRequestInput, read_new_request
from app.postgres.database import reading
from app.postgres.request_rows import read_requests


def read_input(context: Context, raw: Mapping[str, object]) -> NewRequestInput:
    """The `CreateQuoteRequestInput` of a caller that may create requests.

    Raises:
        NotAllowed: the caller is no service with this scope.
        InvalidApplication: with every problem of the input.
    """
    context.service(WRITE)
    services = context.services
    return read_new_request(raw, now=services.clock.now(), rules=services.intake_rules)


def create_request(context: Context, wanted: NewRequestInput) -> Awaitable[domain.QuoteRequest]:
    """The request as it is stored: a new one, or the first that its client reference named.

    Raises:
        NotAllowed: the caller is no service with this scope.
        InvalidApplication, RateLimitExceeded: the caller can mend it.
        Overloaded, Unavailable: nothing is stored, or it is not known; repeating it with a client reference is safe.
    """
    return context.services.accepting.accept(context.service(WRITE).tenant, wanted)


async def created(
    context: Context, read: Callable[[], NewRequestInput]
) -> QuoteRequestAccepted | InvalidApplicationType | RateLimited:
    """Creates the request, or returns the reason why it was not created.

    Raises:
        OsagoError: as `create`, but for what the caller can mend.
    """
    try:
        wanted = read()
        warnings = warnings_of(wanted.application)
        request = await create_request(context, wanted)
    except errors.InvalidApplication as error:
        return InvalidApplicationType.of(error)
    except errors.RateLimitExceeded as error:
        return RateLimited(retry_after_seconds=error.retry_after_s)
    return QuoteRequestAccepted.of(request, warnings, context)


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="""\
Stores the application and queues one job per insurer, in one transaction. Returns at once: the offers
come by `quotes`. A repeated `clientReference` of the same caller returns the first request unchanged; with another
content it is the problem CLIENT_REFERENCE_REUSED. Without one, a retry after a lost answer may create a second request."""
    )
    async def create_quote_request(
        self,
        info: ContextInfo,
        input: CreateQuoteRequestInput,  # pyright: ignore[reportInvalidTypeForm] # noqa: A002 - the schema's name
    ) -> CreateQuoteRequestResult:
        context, raw = info.context, cast("Mapping[str, object]", input)  # `app.api.schema.inputs` makes no class of it
        known = context.created
        if known is not None:
            return cast("CreateQuoteRequestResult", known)
        return await created(context, partial(read_input, context, raw))

    @strawberry.mutation(
        description="Stops asking the insurers that have not answered; what has been answered stays. "
        "Repeating it changes nothing."
    )
    async def cancel_quote_request(self, info: ContextInfo, id: ID) -> QuoteRequestType | None:  # noqa: A002
        context = info.context
        caller = context.service(WRITE)
        request_id = request_id_of(id)
        if request_id is None:
            return None
        async with reading(context.services.pool) as connection:
            found = (await read_requests(connection, [request_id])).get(request_id)
        if found is None or not caller.may_see(found):
            return None
        ended = await context.services.ending.cancel(request_id)
        return QuoteRequestType.of(ended, context) if ended else None

    @strawberry.mutation(
        description="A token that lets a browser watch all requests of one customer, for `customerQuotes`."
    )
    def create_customer_token(self, info: ContextInfo, customer_id: ID) -> CustomerToken:
        context = info.context
        caller = context.service(READ)
        checked_customer_id(customer_id)
        token, expires_at = context.services.tokens.customer_token(caller.tenant, customer_id)
        return CustomerToken(token=token, expires_at=expires_at)
