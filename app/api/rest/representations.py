"""Domain values as the JSON documents of the REST face: the types of the GraphQL schema, field by field."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from app.api.context import Services
from app.api.schema.scalars import iso, plain
from app.domain.coefficients import Coefficients
from app.domain.quote import NoOffer, Offer, Quote, QuoteRequest, best_quote, by_arrival
from app.domain.stub import stub_for
from app.watch.events import Completed, Event, Received

Document = dict[str, Any]


def accepted_document(request: QuoteRequest, services: Services) -> Document:
    """A `QuoteRequestAccepted`."""
    document = request_document(request, services)
    return {"quoteRequest": document, "watchToken": services.tokens.watch_token(request.id)}


def request_document(request: QuoteRequest, services: Services) -> Document:
    """A `QuoteRequest`, its quotes in the order of arrival."""
    settled = [quote_document(quote, services) for quote in by_arrival(request.quotes.values())]
    missing = [insurer_id for insurer_id in request.insurers if insurer_id not in request.quotes]
    return {
        "id": str(request.id),
        "clientReference": request.client_reference,
        "customerId": request.customer_id,
        "status": request.status,
        "createdAt": iso(request.created_at),
        "expiresAt": iso(request.expires_at),
        "remainingSeconds": request.remaining_s(services.clock.now()),
        "completedAt": _moment(request.ending.completed_at if request.ending else None),
        "progress": {"answered": len(request.quotes), "total": len(request.insurers)},
        "quotes": settled + [_pending(request, insurer_id, services) for insurer_id in missing],
        "bestQuote": _best(request.quotes.values(), services),
    }


def event_document(event: Event, services: Services) -> Document:
    """A `QuoteReceived` or a `QuotesCompleted`, as its `type` says."""
    cursor = event.cursor
    document: Document = {"type": type_of(event), "cursor": cursor.encode(), "requestId": str(cursor.request_id)}
    document["progress"] = {"answered": cursor.answered, "total": len(cursor.insurers)}
    match event:
        case Received():
            return {**document, "quote": quote_document(event.quote, services)}
        case Completed():
            quotes = event.request.quotes.values()
            stub = stub_for(quotes)
            shown = (
                {"title": stub.title, "message": stub.message, "retryAfterSeconds": stub.retry_after_s}
                if stub
                else None
            )
            return {**document, "outcome": event.ending.outcome, "bestQuote": _best(quotes, services), "stub": shown}


def type_of(event: Event) -> str:
    """The name of its type in the schema."""
    return "QuoteReceived" if isinstance(event, Received) else "QuotesCompleted"


def quote_document(quote: Quote, services: Services) -> Document:
    """A `Quote` that is settled."""
    offer, reason = None, None
    match quote.answer:
        case Offer() as answer:
            offer = _offer(services.links.opened(quote.request_id, answer))
        case NoOffer(reason=why):
            reason = {"code": why.code, "message": why.message, "insurerCode": why.insurer_code}
    return {
        **_slot(f"{quote.request_id}:{quote.insurer_id}", quote.insurer_id, services),
        "status": quote.status,
        "offer": offer,
        "reason": reason,
        "receivedAt": iso(quote.received_at),
    }


def _pending(request: QuoteRequest, insurer_id: str, services: Services) -> Document:
    slot = _slot(f"{request.id}:{insurer_id}", insurer_id, services)
    return {**slot, "status": "PENDING", "offer": None, "reason": None, "receivedAt": None}


def _slot(quote_id: str, insurer_id: str, services: Services) -> Document:
    insurer = services.availabilities.insurer(insurer_id)
    return {"id": quote_id, "insurer": {"id": insurer.id, "name": insurer.name}}


def _offer(offer: Offer) -> Document:
    return {
        "number": offer.number,
        "premium": {"amount": plain(offer.premium.amount), "currency": offer.premium.currency},
        "coefficients": _coefficients(offer.coefficients) if offer.coefficients else None,
        "validUntil": _moment(offer.valid_until),
        "purchaseUrl": offer.purchase_url,
    }


def _coefficients(coefficients: Coefficients) -> Document:
    return {_camel(name): plain(factor) for name, factor in asdict(coefficients).items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _best(quotes: Iterable[Quote], services: Services) -> Document | None:
    best = best_quote(quotes, now=services.clock.now())
    return quote_document(best, services) if best else None


def _moment(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
