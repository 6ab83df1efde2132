"""Purchase links, sealed in PostgreSQL and Redis: insurers write a customer's passport and telephone into them."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from app.codecs.quote_codec import EncodedQuote, OfferEvent, encoded_with_link
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

    def encoded(self, quotes: Sequence[Quote]) -> list[EncodedQuote]:
        """Insurers' quotes as they are stored and published, their links sealed; an adapter has no say in what is sealed."""
        urls = [quote.answer.purchase_url if isinstance(quote.answer, Offer) else None for quote in quotes]
        links = [(quote.request_id, url.encode()) for quote, url in zip(quotes, urls, strict=True) if url is not None]
        sealed = iter(self._cipher.seal_all(links))
        return [
            encoded_with_link(quote, None if url is None else str(next(sealed)))
            for quote, url in zip(quotes, urls, strict=True)
        ]

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
        """The link; None, and a line in the log, where no known key opens it."""
        try:
            return https_url(self._cipher.open(request_id, Sealed.from_text(sealed)).decode())
        except (Undecryptable, ValueError) as error:
            log.warning("link.unreadable", request_id=str(request_id), error=type(error).__name__)
            return None
