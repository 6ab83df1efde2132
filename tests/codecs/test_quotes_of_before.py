"""Quotes as releases before totals, extras and problems have written them: rows and events, byte for byte."""

from decimal import Decimal
from typing import Final
from uuid import UUID

from app.codecs.quote_codec import decode_answer, decode_event, decode_quote, encode_answer
from app.domain.quote import NoOffer, Offer, ReasonCode, best_quote, declined

ID: Final = UUID("01936d2f-6a5e-7c3b-9d41-2f8e5b7a9c10")
OFFER: Final = (
    '{"number":"N-1","premium":"5432.10","currency":"RUB","validUntil":"2099-12-02T01:01:56Z","sealedUrl":"k1:abc",'
    '"coefficients":{"baseRate":"8665","territory":"1.80","bonusMalus":"0.46","ageExperience":"0.93",'
    '"driverRestriction":"1","power":"1.4","season":"1"}}'
)
OFFERED: Final = f'{{"insurer":"sever","status":"OFFERED","receivedAt":"2026-11-22T09:30:05.123456Z","offer":{OFFER}}}'
DECLINED: Final = (
    '{"insurer":"volga","status":"DECLINED","receivedAt":"2026-11-22T09:30:07.5Z",'
    '"reason":{"code":"INSURER_DECLINED","insurerCode":"KBM_TOO_HIGH"}}'
)


def test_an_offer_of_before_costs_its_premium() -> None:
    """Its total is the premium, a trailer's factor is 1, it has no extras and starts as asked."""
    row, event = decode_answer("OFFERED", OFFER, None), decode_quote(ID, OFFERED)
    assert row == event.answer
    assert isinstance(row, Offer)
    assert (row.total, row.extras, row.starts_on) == (row.premium, (), None)
    assert row.coefficients is not None
    assert (row.coefficients.trailer, row.coefficients.drivers) == (Decimal(1), None)
    assert decode_event(OFFERED).total == Decimal("5432.10")
    status, written, reason = encode_answer(event)
    assert decode_answer(status, written, reason) == row
    assert written is not None
    assert '"total":"5432.10"' in written


def test_a_refusal_of_before_has_nothing_to_mend() -> None:
    """Its code stays what it was."""
    found = decode_quote(ID, DECLINED).answer
    assert found == declined("KBM_TOO_HIGH")
    assert isinstance(found, NoOffer)
    assert (found.reason.code, found.reason.problems) == (ReasonCode.INSURER_DECLINED, ())


def test_what_is_paid_ranks_an_offer_of_before_too() -> None:
    """The one with a mandatory extra has the lower premium, and is dearer."""
    event = decode_event(OFFERED)
    extra = '"extras":[{"code":"A","name":"Защита","price":"990.00","mandatory":true}],'
    dearer = OFFERED.replace('"premium":"5432.10",', f'"premium":"5000.00",{extra}').replace("sever", "volga")
    assert decode_event(dearer).total == Decimal("5990.00")
    assert best_quote([decode_event(dearer), event], now=event.received_at) is event
