"""Queries: one request, and the insurers."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import strawberry
from graphql import GraphQLError
from strawberry import ID

from app.api.context import READ, Context
from app.api.schema.types import ContextInfo, InsurerType, QuoteRequestType
from app.domain.intake.formats import Broken
from app.domain.intake.problems import MESSAGES
from app.domain.quote import QuoteRequest
from app.intake.new_request import CUSTOMER_ID
from app.postgres.database import reading
from app.postgres.request_rows import read_requests


@strawberry.type
class Query:
    @strawberry.field(
        description="One quote request with what is known of it now; "
        "null if there is none, or none that the caller may see."
    )
    async def quote_request(self, info: ContextInfo, id: ID) -> QuoteRequestType | None:  # noqa: A002 - the schema's name
        context = info.context
        request_id = request_id_of(id)
        if request_id is None:
            return None
        request = (await visible_requests(context, [request_id])).get(request_id)
        return QuoteRequestType.of(request, context) if request else None

    @strawberry.field(description="Every configured insurer, with its availability as the workers see it now.")
    def insurers(self, info: ContextInfo) -> list[InsurerType]:
        info.context.service(READ)
        return [InsurerType.of(insurer) for insurer in info.context.services.availabilities.insurers]


async def visible_requests(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, QuoteRequest]:
    """The requests of these ids that the caller may see, by id, in one read.

    Raises:
        Unavailable: PostgreSQL is away, or it is not known whether what was read is safe.
    """
    async with reading(context.services.pool) as connection:
        found = await read_requests(connection, ids)
    visible = {request_id: request for request_id, request in found.items() if context.may_see(request)}
    if visible:
        await context.services.pool.confirm()
    return visible


def checked_customer_id(customer_id: str) -> str:
    """The id, if a customer can have it.

    Raises:
        GraphQLError: none can; it says what one looks like.
    """
    try:
        return CUSTOMER_ID(customer_id)
    except Broken as broken:
        raise GraphQLError(MESSAGES[broken.code]) from None


def request_id_of(text: str) -> UUID | None:
    """The id that a caller names; None if it is no UUID in its usual form, for then nothing goes by it."""
    try:
        request_id = UUID(text)
    except ValueError:
        return None
    return request_id if str(request_id) == text.lower() else None
