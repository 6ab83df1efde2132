"""The stub (заглушка): what the customer is shown when no insurer offers anything."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from app.domain.quote import QuoteStatus, RankedQuote

_TRANSIENT: Final = frozenset({QuoteStatus.FAILED, QuoteStatus.UNAVAILABLE, QuoteStatus.TIMED_OUT})
RETRY_SOON_S: Final = 60
"""Most insurers broke down or were slow: their troubles usually pass within a minute or so."""
RETRY_LATER_S: Final = 300
"""Most refused and would again; what is worth asking anew are the few that broke down."""


@dataclass(frozen=True, slots=True)
class Stub:
    """Shown when there is no offer. `retry_after_s` is None where asking again would change nothing."""

    title: str
    message: str
    retry_after_s: int | None


def stub_for(quotes: Iterable[RankedQuote]) -> Stub | None:
    """The stub for a request that has ended; None if there is an offer."""
    statuses = [quote.status for quote in quotes]
    if QuoteStatus.OFFERED in statuses:
        return None
    if QuoteStatus.CANCELLED in statuses:
        return Stub("Запрос отменён", "Вы остановили подбор раньше, чем пришло первое предложение.", None)
    transient = sum(status in _TRANSIENT for status in statuses)
    if transient == 0:
        return Stub(
            "Предложений нет",
            "Все страховые компании ответили отказом. Проверьте данные заявления: "
            "если в них нет ошибки, обратитесь в любую из компаний лично — отказать в полисе ОСАГО она не вправе.",
            None,
        )
    return Stub(
        "Пока предложений нет",
        "Страховые компании не ответили вовремя. Ваше заявление сохранено: попробуйте ещё раз чуть позже.",
        RETRY_SOON_S if transient * 2 >= len(statuses) else RETRY_LATER_S,
    )
