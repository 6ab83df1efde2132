"""Personal data that an insurer repeats: every answer passes here before it is settled, every id before it is remembered.

A refusal loses a code that holds a value of the application, an offer gets another number. A purchase link stays as it is:
insurers put personal data there on purpose, and it is stored sealed.
"""

from dataclasses import replace

import structlog
from msgspec.structs import replace as with_changes

from app.domain.offers.extras import Extra
from app.domain.personal_values import holds_personal_value
from app.domain.quote import Answer, Offer, Reason
from app.observability import metrics
from workers.job import Job

log = structlog.get_logger(__name__)


def without_echo(answer: Answer, job: Job) -> Answer:
    """The answer without what holds a personal value: codes are dropped, the name of an extra is its code then, and the number of
    an offer the request's id.

    The insurer received that id with the application, in its idempotency key, and finds the offer by it.
    """
    if isinstance(answer, Offer):
        if is_echo(answer.number, job, "number"):
            answer = replace(answer, number=str(job.request_id))
        if any(_is_echoed(extra, job) for extra in answer.extras):
            answer = replace(
                answer, extras=tuple(_without_name(extra, number, job) for number, extra in enumerate(answer.extras, 1))
            )
        return answer
    reason = answer.reason
    problems = tuple(one for one in reason.problems if not is_echo(one.code, job, "code"))
    if is_echo(reason.insurer_code, job, "code"):
        return replace(answer, reason=Reason(reason.code, problems=problems))
    return (
        answer
        if problems == reason.problems
        else replace(answer, reason=Reason(reason.code, reason.insurer_code, problems))
    )


def _is_echoed(extra: Extra, job: Job) -> bool:
    return is_echo(extra.name, job, "extra") or is_echo(extra.code, job, "extra")


def _without_name(extra: Extra, number: int, job: Job) -> Extra:
    """Its price counts, under any name."""
    if holds_personal_value(extra.code, job.application):
        return with_changes(extra, code=f"extra-{number}", name=f"extra-{number}")
    return with_changes(extra, name=extra.code) if holds_personal_value(extra.name, job.application) else extra


def is_echo(text: str | None, job: Job, field: str) -> bool:
    """Whether the text holds a personal value of the job's application; `field` names the text in log and metrics."""
    if text is None or not holds_personal_value(text, job.application):
        return False
    metrics.ECHOES.labels(job.insurer_id, field).inc()
    log.info("insurer.echo", request_id=str(job.request_id), insurer=job.insurer_id, field=field)
    return True
