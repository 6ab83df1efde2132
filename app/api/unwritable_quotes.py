"""Quotes that cannot be written are replaced by FAILED / INTERNAL, so that the others, and the end, still come.

The bounds of an offer make this rare: a fault of ours, or of a field to come. Events that we write ourselves are replaced when
writing them has failed; what graphql-core writes leaf by leaf is tried before.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from app.api.context import UseCases
from app.api.rest.representations import quote_document
from app.codecs.quote_codec import to_event
from app.codecs.substitutes import SUBSTITUTE, substitute_for
from app.domain.quote import NoOffer, Quote, QuoteRequest, best_quote
from app.watch.events import Event, Received

Result = TypeVar("Result")


def written(write: Callable[[Event, UseCases], Result], event: Event, services: UseCases) -> Result:
    """What `write` makes of the event, or of the event with substitutes for the offers that it cannot write.

    Raises as `write`, if what it cannot write is no offer.
    """
    try:
        return write(event, services)
    except Exception:
        replaced: list[Quote] = []
        while (shown := _offer_shown(event, services)) is not None:
            replaced.append(shown)
            event = _without(event, shown)
            with suppress(Exception):
                result = write(event, services)
                for quote in replaced:
                    substitute_for(quote.request_id, quote.insurer_id)
                return result
        raise


def writable_request(request: QuoteRequest, services: UseCases) -> QuoteRequest:
    """The request, with substitutes for the quotes that cannot be written."""
    quotes = {insurer_id: writable_quote(quote, services) for insurer_id, quote in request.quotes.items()}
    is_whole = all(quotes[insurer_id] is quote for insurer_id, quote in request.quotes.items())
    return request if is_whole else replace(request, quotes=quotes)


def writable_quote(quote: Quote, services: UseCases) -> Quote:
    """The quote, or its substitute if it cannot be written."""
    if isinstance(quote.answer, NoOffer):
        return quote
    try:
        quote_document(quote, services)
    except Exception:  # noqa: BLE001 - one quote is isolated from the others of its request
        return replace(quote, answer=substitute_for(quote.request_id, quote.insurer_id))
    return quote


def _offer_shown(event: Event, services: UseCases) -> Quote | None:
    """The substitute of the one offer that the event shows; None if it shows none."""
    if isinstance(event, Received):
        told = event.told
        return Quote(event.cursor.request_id, told.insurer_id, SUBSTITUTE, told.received_at) if told.offer else None
    best = best_quote(event.request.quotes.values(), now=services.clock.now())
    return replace(best, answer=SUBSTITUTE) if best else None


def _without(event: Event, substitute: Quote) -> Event:
    told = to_event(substitute)
    if isinstance(event, Received):
        return replace(event, told=told)
    quotes = {**event.request.quotes, substitute.insurer_id: substitute}
    request = replace(event.request, quotes=quotes)
    return replace(event, request=request, told={**event.told, substitute.insurer_id: told})
