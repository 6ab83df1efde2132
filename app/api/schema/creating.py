"""Asking for quotes, whichever door the wish comes through."""

from collections.abc import Mapping

from msgspec import Struct

from app.api.context import WRITE, Context
from app.domain.quote import QuoteRequest
from app.intake.fast_reader import read_wish


async def create(context: Context, raw: Mapping[str, object] | Struct) -> QuoteRequest:
    """The request as it is stored: a new one, or the first that its client reference named.

    Raises:
        NotAllowed: the caller is no service that may ask.
        InvalidApplication, RateLimitExceeded: the caller can mend it.
        Overloaded, Unavailable: nothing is stored, or nobody knows; it is safe to ask again with a client reference.
    """
    services = context.services
    wish = read_wish(
        raw,
        tenant=context.service(WRITE).tenant,
        now=services.clock.now(),
        configured=services.availabilities.ids,
    )
    return await services.accepting.accept(wish)
