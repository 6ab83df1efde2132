"""From what a caller sent to a valid wish, with every problem found at once. Every door goes through here."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email

from app.codecs.application_codec import encode_application
from app.domain.errors import InvalidApplication, Problem
from app.domain.intake.application_reader import application_from
from app.domain.intake.field_reader import Reader, same
from app.domain.intake.formats import Broken
from app.domain.intake.problems import problem
from app.use_cases.accept import NewQuoteRequest

MOSCOW: Final = ZoneInfo("Europe/Moscow")
"""Insurance days begin and end by this clock."""
_LIST: Final = cast("type[list[str]]", list)
_PLAIN_MAILBOX: Final = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.ASCII | re.IGNORECASE)
_MAILBOX_MAX: Final = 64
_EMAIL_MAX: Final = 254
_REFERENCE: Final = re.compile(r"[!-~]{1,128}")


def new_quote_request(
    raw: Mapping[str, Any], *, tenant: str, now: datetime, configured: Sequence[str]
) -> NewQuoteRequest:
    """Reads a `CreateQuoteRequestInput`, as camelCase mapping.

    Raises:
        InvalidApplication: with everything that is wrong.
    """
    reader = Reader(raw, (), [])
    customer_id = reader.required("customerId", str, CUSTOMER_ID)
    client_reference = reader.optional("clientReference", str, CLIENT_REFERENCE)
    chosen = reader.optional("insurerIds", _LIST, same)
    reader.problems += _insurer_problems(chosen, configured) if chosen is not None else []
    application = None
    if reader.inside("application"):
        try:
            application = application_from(raw["application"], today=moscow_day(now), is_email=is_email)
        except InvalidApplication as error:
            reader.problems += error.problems
    if reader.problems or application is None or customer_id is None:
        raise InvalidApplication(reader.problems)
    return NewQuoteRequest(
        tenant=tenant,
        customer_id=customer_id,
        client_reference=client_reference,
        document=encode_application(application),
        insurers=None if chosen is None else tuple(chosen),
    )


@lru_cache(maxsize=4)
def _moscow_day(hours: int) -> date:
    return datetime.fromtimestamp(hours * 3600, MOSCOW).date()


def moscow_day(now: datetime) -> date:
    """The date in Moscow, which is whole hours away from UTC: it changes with no hour but the first of a day."""
    return _moscow_day(int(now.timestamp()) // 3600)


def reference(code: str) -> Callable[[str], str]:
    """The rule of an id that a caller chooses."""

    def rule(text: str) -> str:
        if _REFERENCE.fullmatch(text):
            return text
        raise Broken(code)

    return rule


CUSTOMER_ID: Final = reference("CUSTOMER_ID_INVALID")
CLIENT_REFERENCE: Final = reference("CLIENT_REFERENCE_INVALID")


def _insurer_problems(chosen: Sequence[str], configured: Sequence[str]) -> list[Problem]:
    if not chosen:
        return [problem(("insurerIds",), "INSURERS_EMPTY")]
    problems: list[Problem] = []
    for place, insurer_id in enumerate(chosen[: len(configured) + 1]):
        if insurer_id not in configured:
            problems.append(problem(("insurerIds", str(place)), "INSURER_UNKNOWN"))
        elif insurer_id in chosen[:place]:
            problems.append(problem(("insurerIds", str(place)), "INSURER_REPEATED"))
    return problems


def is_email(text: str) -> bool:
    """As email-validator has it. Of a plain mailbox nothing but its domain can be wrong, and there are few of those."""
    mailbox, at, domain = text.partition("@")
    if at and len(mailbox) <= _MAILBOX_MAX and _PLAIN_MAILBOX.fullmatch(mailbox) and len(text) <= _EMAIL_MAX:
        return _is_domain(domain)
    return _is_valid(text)


@lru_cache(maxsize=512)
def _is_domain(domain: str) -> bool:
    return _is_valid(f"a@{domain}")


def _is_valid(email: str) -> bool:
    try:
        validate_email(email, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True
