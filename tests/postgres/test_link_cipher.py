"""Links to buy: sealed where an offer is stored, opened for its customer."""

import pytest
from prometheus_client import REGISTRY
from support.quotes import a_quote, a_refusal, a_request, an_offer

from app.codecs.quote_codec import decode_answer, decode_event, decode_quote
from app.domain.quote import Offer
from app.postgres.cipher import CALLBACKS, Cipher, Sealed, Undecryptable
from app.postgres.link_cipher import LinkCipher

CIPHER = Cipher({"k1": bytes(32)})
LINKS = LinkCipher(CIPHER)
URL = "https://ins.example/buy?phone=79031112233&passport=4511654321"


def test_a_link_is_sealed_and_comes_back() -> None:
    """The other fields of the offer stay; an event is opened in its place."""
    request = a_request()
    quote = a_quote(request, "sever", an_offer(purchase_url=URL))
    [sealed] = LINKS.encoded([quote])
    for written in (sealed.event, sealed.feed_event, (sealed.offer or "").encode()):
        assert b"4511654321" not in written
    answer = decode_answer(sealed.status.value, sealed.offer, sealed.reason)
    assert isinstance(answer, Offer)
    assert LINKS.opened(request.id, answer) == quote.answer
    event = decode_event(sealed.event)
    LINKS.open_event(request.id, event.offer)
    assert event.quote(request.id) == quote


def test_what_an_adapter_calls_sealed_is_dropped() -> None:
    """It would be stored as it is."""
    quote = a_quote(a_request(), "sever", an_offer(purchase_url=None, sealed_url="4511654321"))
    [sealed] = LINKS.encoded([quote])
    assert decode_quote(quote.request_id, sealed.event).answer == an_offer(purchase_url=None)
    assert b"4511654321" not in sealed.event


def test_each_quote_of_a_batch_gets_its_own_link() -> None:
    """Refusals and offers without a link between them; no two seals have a nonce in common."""
    request = a_request("sever", "volga", "zarya", "yug")
    links = {"sever": None, "volga": URL, "zarya": "", "yug": f"{URL}&n=2"}
    answers = {id_: a_refusal() if url == "" else an_offer(purchase_url=url) for id_, url in links.items()}
    quotes = [a_quote(request, id_, answer) for id_, answer in answers.items()]
    events = [decode_event(written.event) for written in LINKS.encoded(quotes)]
    sealed = [event.offer.sealed_url for event in events if event.offer and event.offer.sealed_url]
    assert len({Sealed.from_text(one).box[:12] for one in sealed}) == len(sealed) == 2
    for event in events:
        LINKS.open_event(request.id, event.offer)
    assert [event.quote(request.id) for event in events] == quotes


@pytest.mark.parametrize("sealed", ["", "k1.", "k1.AAAA", "k2.AAAA", "é.é", "4511654321"])
def test_a_link_that_cannot_be_opened_is_none(sealed: str) -> None:
    """The offer is shown without it."""
    request = a_request()
    offer = an_offer(purchase_url=None, sealed_url=sealed)
    assert LINKS.opened(request.id, offer) == an_offer(purchase_url=None)


def test_a_link_of_another_request_or_purpose_does_not_open() -> None:
    """Nor does a text that is no link, although it was sealed for this request."""
    first, second = a_request(), a_request()
    assert LINKS.open(second.id, LINKS.seal(first.id, URL)) is None
    assert LINKS.open(first.id, str(CIPHER.seal(first.id, URL.encode()))) is None
    assert LINKS.open(first.id, LINKS.seal(first.id, "javascript:alert(1)")) is None
    with pytest.raises(Undecryptable):
        CIPHER.derived(CALLBACKS).open(first.id, Sealed.from_text(LINKS.seal(first.id, URL)))


def test_seals_are_counted_by_purpose_and_key() -> None:
    """A key has to be rotated before its nonces repeat."""

    def counted() -> float:
        names = {"purpose": "links", "key": "k1"}
        return REGISTRY.get_sample_value("osago_seals_total", names) or 0.0

    before = counted()
    for _ in range(3):
        LINKS.seal(a_request().id, URL)
    assert counted() == before + 3
