"""Holds each offer of one insurer against the tariff, counts what is found and logs it once a minute."""

from typing import Final

import structlog
from prometheus_client import Counter

from app.domain.ids import made_at
from app.domain.intake.moscow_calendar import moscow_day
from app.domain.quote import Answer, Offer
from app.domain.tariff.edition import Editions
from app.domain.tariff.lawfulness import examine
from app.domain.tariff.risk_of_application import risk_of
from app.observability import metrics
from app.runtime.clock import Clock
from app.runtime.periodic import LogThrottle
from workers.job import Job

log: Final = structlog.get_logger(__name__)


class OfferExaminer:
    """Its findings are counted and logged; the offer goes on to the customer as it is."""

    def __init__(self, insurer_id: str, editions: Editions, clock: Clock) -> None:
        self._insurer_id = insurer_id
        self._editions = editions
        self._unlawful, self._inconsistent = LogThrottle(clock), LogThrottle(clock)

    def examine(self, answer: Answer, job: Job) -> None:
        """Counts what is wrong with an offer, by the edition of the day on which its request was made."""
        if not isinstance(answer, Offer):
            return
        edition = self._editions.on(moscow_day(made_at(job.request_id)))
        try:
            found = examine(answer, risk_of(job.application, starts_on=answer.starts_on), edition)
        except Exception:  # a bug here must not cost the customer the offer
            log.exception("offer.not_examined", request_id=str(job.request_id), insurer=self._insurer_id)
            return
        if found.unlawful:
            self._count(metrics.UNLAWFUL, found.unlawful)
            if self._unlawful.is_due:
                log.warning("offer.unlawful", **self._names(job), kind=found.unlawful.value)
        for kind in found.inconsistent:
            self._count(metrics.INCONSISTENT, kind)
        if found.inconsistent and self._inconsistent.is_due:
            log.warning("offer.inconsistent", **self._names(job), kinds=sorted(found.inconsistent))

    def _count(self, counter: Counter, kind: str) -> None:
        counter.labels(self._insurer_id, kind).inc()

    def _names(self, job: Job) -> dict[str, str]:
        return {"request_id": str(job.request_id), "insurer": self._insurer_id}
