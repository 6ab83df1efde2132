"""Purchase links, sealed in PostgreSQL and Redis: insurers write a customer's passport and telephone into them."""

from uuid import UUID

import structlog

from app.codecs.quote_codec import OfferEvent
from app.domain.offers.links import https_url
from app.domain.quote import Offer, Quote
from app.postgres.cipher import LINKS, Cipher, Sealed, Undecryptable

log = structlog.get_logger(__name__)


class LinkCipher:
    """Seals the links of offers that are about to be stored, and opens them for the customer."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher.derived(LINKS)

    @property
    def key_id(self) -> str:
        """The id of the key that seals."""
        return self._cipher.key_id

    def sealed(self, quote: Quote) -> Quote:
        """An insurer's quote as it is stored and published; an adapter has no say in what is sealed."""
        offer = quote.answer
        if not isinstance(offer, Offer) or offer.purchase_url is offer.sealed_url is None:
            return quote
        sealed = self.seal(quote.request_id, offer.purchase_url) if offer.purchase_url else None
        return Quote(quote.request_id, quote.insurer_id, offer.with_links(sealed_url=sealed), quote.received_at)

    def opened(self, request_id: UUID, offer: Offer) -> Offer:
        """The offer as its customer sees it."""
        if offer.sealed_url is None:
            return offer
        return offer.with_links(purchase_url=self.open(request_id, offer.sealed_url))

    def open_event(self, request_id: UUID, offer: OfferEvent | None) -> None:
        """Opens the link of an event's offer in its place, for all that are shown this event."""
        if offer is not None and offer.sealed_url is not None:
            offer.purchase_url = self.open(request_id, offer.sealed_url)
            offer.sealed_url = None

    def seal(self, request_id: UUID, url: str) -> str:
        return str(self._cipher.seal(request_id, url.encode()))

    def open(self, request_id: UUID, sealed: str) -> str | None:
        """The link; None, and a line in the log, where no key of ours opens it."""
        try:
            return https_url(self._cipher.open(request_id, Sealed.from_text(sealed)).decode())
        except (Undecryptable, ValueError) as error:
            log.warning("link.unreadable", request_id=str(request_id), error=type(error).__name__)
            return None
