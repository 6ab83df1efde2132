"""Quotes that cannot be written are replaced by FAILED / INTERNAL, so that the others, and the end, still come.

The bounds of an offer make this rare: a bug, or a field to come. Events that this process writes itself are replaced when
writing them has failed; what graphql-core writes leaf by leaf is tried before.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TypeVar, cast

import msgspec

from app.api.context import UseCases
from app.api.schema.scalars import iso, plain
from app.codecs.quote_codec import QuoteEvent, to_event
from app.codecs.substitutes import SUBSTITUTE, substitute_for
from app.domain.quote import NoOffer, Quote, QuoteRequest, best_quote
from app.watch.events import Event, Received

Result = TypeVar("Result")


def written(write: Callable[[Event, UseCases], Result], event: Event, services: UseCases) -> Result:
    """The event as `write` makes it, with substitutes for the offers that it cannot write.

    Raises as `write`, if what it cannot write is no offer.
    """
    try:
        return write(event, services)
    except Exception:
        replaced: list[str] = []
        while (shown := _offer_shown(event, services)) is not None:
            replaced.append(shown.insurer_id)
            event = _without(event, shown)
            with suppress(Exception):
                result = write(event, services)
                for insurer_id in replaced:
                    substitute_for(event.cursor.request_id, insurer_id)
                return result
        raise


def writable_event(event: Event, services: UseCases) -> Event:
    """The event, with substitutes for the offers that it shows and that cannot be written."""
    return written(_try_event, event, services)


def writable_request(request: QuoteRequest, services: UseCases) -> QuoteRequest:
    """The request, with substitutes for the quotes that cannot be written."""
    if not request.quotes:
        return request
    quotes = {insurer_id: _writable_quote(quote, services) for insurer_id, quote in request.quotes.items()}
    is_whole = all(quotes[insurer_id] is quote for insurer_id, quote in request.quotes.items())
    return request if is_whole else msgspec.structs.replace(request, quotes=quotes)


def _writable_quote(quote: Quote, services: UseCases) -> Quote:
    if isinstance(quote.answer, NoOffer):
        return quote
    try:
        _try(services.links.opened(quote.request_id, quote.answer))
    except Exception:  # noqa: BLE001 - one quote is isolated from the others of its request
        return replace(quote, answer=substitute_for(quote.request_id, quote.insurer_id))
    return quote


def _try_event(event: Event, services: UseCases) -> Event:
    shown = _offer_shown(event, services)
    if shown and shown.offer:
        _try(shown.offer)
        _try(shown.offer.coefficients)
    return event


def _try(value: object) -> None:
    """Raises where the schema's scalars would."""
    match value:
        case Decimal():
            plain(value)
        case datetime():
            iso(value)
        case tuple():
            for part in cast("tuple[object, ...]", value):
                _try(part)
        case msgspec.Struct():
            for name in value.__struct_fields__:
                _try(getattr(value, name))
        case _ if is_dataclass(value):
            for field in fields(value):
                _try(getattr(value, field.name))
        case _:
            pass


def _offer_shown(event: Event, services: UseCases) -> QuoteEvent | None:
    """The quote of the one offer that the event shows; None if it shows none."""
    if isinstance(event, Received):
        return event.quote if event.quote.offer else None
    return best_quote(event.quotes.values(), now=services.clock.now())


def _without(event: Event, shown: QuoteEvent) -> Event:
    substitute = to_event(Quote(event.cursor.request_id, shown.insurer_id, SUBSTITUTE, shown.received_at))
    if isinstance(event, Received):
        return msgspec.structs.replace(event, quote=substitute)
    return msgspec.structs.replace(event, quotes={**event.quotes, shown.insurer_id: substitute})
