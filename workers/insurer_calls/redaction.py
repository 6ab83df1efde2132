"""Personal data that an insurer repeats: every answer passes here before it is settled, every id before it is remembered.

A refusal loses a code that holds a value of the application, an offer gets another number. A purchase link stays as it is:
insurers put personal data there on purpose, and it is stored sealed.
"""

from dataclasses import replace

import structlog

from app.domain.personal_values import holds_personal_value
from app.domain.quote import Answer, Offer, Reason
from app.observability import metrics
from workers.job import Job

log = structlog.get_logger(__name__)


def without_echo(answer: Answer, job: Job) -> Answer:
    """The answer, its code dropped, or its number replaced by the request's id, where that holds a personal value.

    The insurer received that id with the application, in its idempotency key, and finds the offer by it.
    """
    if isinstance(answer, Offer):
        return replace(answer, number=str(job.request_id)) if is_echo(answer.number, job, "number") else answer
    if is_echo(answer.reason.insurer_code, job, "code"):
        return replace(answer, reason=Reason(answer.reason.code))
    return answer


def is_echo(text: str | None, job: Job, field: str) -> bool:
    """Whether the text holds a personal value of the job's application; `field` names the text in log and metrics."""
    if text is None or not holds_personal_value(text, job.application):
        return False
    metrics.ECHOES.labels(job.insurer_id, field).inc()
    log.info("insurer.echo", request_id=str(job.request_id), insurer=job.insurer_id, field=field)
    return True
