"""The stub (заглушка): what the customer is shown when no insurer offers anything."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from app.domain.plurals import counted
from app.domain.quote import QuoteStatus, RankedQuote

RETRY_SOON_S: Final = 60
"""At least half of the insurers broke down or were slow: their troubles usually pass within a minute or so."""
RETRY_LATER_S: Final = 300
"""Most refused and would again; worth asking anew are the few that broke down."""


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
    refused = statuses.count(QuoteStatus.DECLINED)
    silent = len(statuses) - refused
    if silent == 0:
        return Stub(
            "Предложений нет",
            "Все страховые компании ответили отказом. Проверьте данные заявления: "
            "если в них нет ошибки, обратитесь в любую из компаний лично — отказать в полисе ОСАГО она не вправе.",
            None,
        )
    if refused == 0:
        return Stub(
            "Пока предложений нет",
            "Страховые компании не ответили вовремя. Ваше заявление сохранено: попробуйте ещё раз чуть позже.",
            RETRY_SOON_S,
        )
    return Stub(
        "Предложений нет" if refused > silent else "Пока предложений нет",
        f"Отказ: {counted(refused, 'компания', 'компании', 'компаний')}, без ответа: {silent}. "
        "Отказ повторится, пока данные те же: проверьте заявление. Тех, кто не ответил, можно спросить ещё раз.",
        RETRY_LATER_S if refused > silent else RETRY_SOON_S,
    )
