"""The status, the best quote and the stub of a request follow from its quotes."""

from datetime import UTC, timedelta

import pytest
from msgspec.structs import replace
from support.quotes import NOW, a_quote, a_refusal, a_request, an_end, an_offer

from app.domain.ids import uuid7
from app.domain.quote import (
    CANCELLED,
    TIMED_OUT,
    UNAVAILABLE,
    NoOffer,
    Outcome,
    QuoteRequestStatus,
    Reason,
    ReasonCode,
    best_quote,
    by_premium,
    failed,
)
from app.domain.stub import RETRY_LATER_S, RETRY_SOON_S, stub_for


def test_the_status_is_derived_from_the_end_and_the_offers() -> None:
    """Collecting until it ends; then completed with an offer, no offers without one, or cancelled."""
    request = a_request("sever")
    offered = {"sever": a_quote(request, "sever")}
    refused = {"sever": a_quote(request, "sever", a_refusal())}
    assert replace(request, quotes=offered).status is QuoteRequestStatus.COLLECTING
    for outcome in (Outcome.ALL_ANSWERED, Outcome.DEADLINE):
        ended = replace(request, ending=an_end(outcome))
        assert replace(ended, quotes=offered).status is QuoteRequestStatus.COMPLETED
        assert replace(ended, quotes=refused).status is QuoteRequestStatus.NO_OFFERS
    assert replace(request, ending=an_end(Outcome.CANCELLED)).status is QuoteRequestStatus.CANCELLED


def test_the_best_quote_is_the_cheapest_that_still_holds() -> None:
    """An expired offer is never best; of equals the earlier one is."""
    request = a_request("a", "b", "c", "d")
    expired = a_quote(request, "a", an_offer("1.00", valid_until=NOW - timedelta(seconds=1)))
    later = a_quote(request, "b", an_offer("5.00"), after_s=9)
    earlier = a_quote(request, "c", an_offer("5.00"), after_s=3)
    refused = a_quote(request, "d", a_refusal())
    assert best_quote([expired, later, refused, earlier], now=NOW) == earlier
    assert best_quote([refused], now=NOW) is None


def test_by_premium_puts_offers_first_and_the_rest_by_arrival() -> None:
    """The cheapest valid offer, the other valid offers by price, the expired ones, then the rest by arrival."""
    request = a_request("a", "b", "c", "d", "e")
    quotes = [
        a_quote(request, "e", an_offer("1.00", valid_until=NOW - timedelta(seconds=1))),
        a_quote(request, "a", a_refusal(), after_s=5),
        a_quote(request, "b", an_offer("9.00")),
        a_quote(request, "c", a_refusal(), after_s=2),
        a_quote(request, "d", an_offer("7.00")),
    ]
    assert [quote.insurer_id for quote in by_premium(quotes, now=NOW)] == ["d", "b", "e", "c", "a"]


def test_remaining_seconds_end_with_the_request() -> None:
    """Never negative, and 0 once it has ended, however early."""
    request = a_request("sever")
    assert request.remaining_s(NOW) == (request.expires_at - NOW).total_seconds() > 0
    assert request.remaining_s(request.expires_at + timedelta(seconds=30)) == 0
    assert replace(request, ending=an_end(Outcome.ALL_ANSWERED)).remaining_s(NOW) == 0


@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_has_a_sentence_of_ours(code: ReasonCode) -> None:
    """Customers read Russian sentences of this project, and never an insurer's free text."""
    assert Reason(code, "KBM_TOO_HIGH").message.endswith(".")


@pytest.mark.parametrize(
    ("answers", "retry_after_s"),
    [
        ([a_refusal(), a_refusal()], None),
        ([failed(ReasonCode.INSURER_UNREACHABLE), TIMED_OUT], RETRY_SOON_S),
        ([UNAVAILABLE, a_refusal(), a_refusal()], RETRY_LATER_S),
        ([CANCELLED, a_refusal()], None),
    ],
    ids=["all refused", "all broke down", "most refused", "cancelled"],
)
def test_the_stub_says_when_asking_again_makes_sense(answers: list[NoOffer], retry_after_s: int | None) -> None:
    """A refusal would come again; a breakdown may be over."""
    request = a_request("sever")
    stub = stub_for([a_quote(request, "sever", answer) for answer in answers])
    assert stub is not None
    assert stub.retry_after_s == retry_after_s


def test_the_stub_says_what_happened() -> None:
    """Refused, silent, or both with their numbers; its title goes by the majority."""
    request = a_request("sever")
    refused, silent = a_quote(request, "sever", a_refusal()), a_quote(request, "sever", TIMED_OUT)

    def said(refusals: int, silences: int) -> tuple[str, str]:
        stub = stub_for([refused] * refusals + [silent] * silences)
        assert stub is not None
        return stub.title, stub.message

    assert "Все страховые компании ответили отказом" in said(3, 0)[1]
    assert "не ответили вовремя" in said(0, 3)[1]
    assert said(10, 2)[0] == "Предложений нет"
    assert said(10, 2)[1].startswith("Отказ: 10 компаний, без ответа: 2.")
    assert said(1, 2)[0] == "Пока предложений нет"
    assert said(1, 2)[1].startswith("Отказ: 1 компания, без ответа: 2.")


def test_there_is_no_stub_beside_an_offer() -> None:
    request = a_request("sever")
    assert stub_for([a_quote(request, "sever"), a_quote(request, "volga", TIMED_OUT)]) is None


def test_ids_are_ordered_by_time_and_never_repeat() -> None:
    """UUIDv7: the version, the variant, and the milliseconds first."""
    ids = [uuid7(NOW + timedelta(milliseconds=n)) for n in range(100)]
    assert ids == sorted(ids)
    assert {id_.version for id_ in ids} == {7}
    assert ids[0].int >> 80 == int(NOW.astimezone(UTC).timestamp() * 1000)
    assert len({uuid7(NOW) for _ in range(1000)}) == 1000
