"""A new quote request: read from what a caller sent, valid, or refused with every problem found at once."""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple, Self

import msgspec
from email_validator import EmailNotValidError, validate_email

from app.domain.application import Application
from app.domain.errors import InvalidApplication, Problem
from app.domain.intake.application_table import application_table
from app.domain.intake.careful_reader import read_carefully
from app.domain.intake.fast_reader import read_fast
from app.domain.intake.field_table import Field, Found, Identifier, ListTable, ObjectTable, optional
from app.domain.intake.formats import Broken, finds
from app.domain.intake.moscow_calendar import moscow_day
from app.domain.intake.problems import problem

_PLAIN_MAILBOX: Final = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.ASCII | re.IGNORECASE)
_MAILBOX_MAX: Final = 64
_EMAIL_MAX: Final = 254
_REFERENCE: Final = re.compile(r"[!-~]{1,128}")


CLOCK_SKEW_MAX: Final = timedelta(minutes=5)
"""A customer's clock may be ahead by so much when the consent is given."""


class IntakeRules(NamedTuple):
    """Rules for new requests that depend on the configuration."""

    insurers: tuple[str, ...]
    requires_consent: bool = False
    starts_ahead_days: tuple[int, ...] = ()
    """The least number of days until the start, by insurer; one, where the file says nothing."""

    @classmethod
    def of(cls, *insurers: str) -> Self:
        """For these insurers, and no more than that."""
        return cls(insurers)


class NewRequestInput(msgspec.Struct, frozen=True):
    """A valid request of a caller. `insurers` is None where all are meant."""

    client_reference: str | None
    customer_id: str
    application: Application
    insurers: tuple[str, ...] | None

    def __repr__(self) -> str:
        return f"NewRequestInput(customer_id={self.customer_id!r})"  # nothing that is personal


def read_new_request(raw: Mapping[str, object], *, now: datetime, rules: IntakeRules) -> NewRequestInput:
    """Reads a `CreateQuoteRequestInput`: JSON, or with GraphQL's scalars parsed already.

    Raises:
        InvalidApplication: with everything that is wrong.
    """
    with contextlib.suppress(Broken):
        return read_plain(raw, now=now, rules=rules)
    read, problems = read_carefully(new_request_table(moscow_day(now), rules), raw)
    problems += _moment_checks(read, now, rules)
    if problems:
        raise InvalidApplication(problems)
    return read


def read_plain(raw: Any, *, now: datetime, rules: IntakeRules) -> NewRequestInput:
    """Reads a `CreateQuoteRequestInput` of plain JSON that is valid by GraphQL's rules, too.

    Raises:
        Broken: it is wrong, or merely rare: read it with care.
    """
    read = read_fast(new_request_table(moscow_day(now), rules), raw)
    for found in _moment_checks(read, now, rules):
        raise Broken(found.code)
    return read


def _moment_checks(read: Any, now: datetime, rules: IntakeRules) -> Iterator[Problem]:
    """Checks that depend on the moment, not on the day alone: of a consent, and of the starts that insurers accept."""
    application = read and read.application
    if not application:
        return
    consent, starts_on = application.consent, application.starts_on
    if consent and consent.given_at and consent.given_at > now + CLOCK_SKEW_MAX:
        yield problem(("application", "consent", "givenAt"), "CONSENT_IN_FUTURE")
    if rules.starts_ahead_days and starts_on:
        first = moscow_day(now) + timedelta(days=_least_ahead(read.insurers, rules))
        if moscow_day(now) < starts_on < first:
            yield problem(("application", "startsOn"), "STARTS_TOO_SOON", day=f"{first:%d.%m.%Y}")


def _least_ahead(chosen: Sequence[Any] | None, rules: IntakeRules) -> int:
    """Days until the first start that one of the chosen insurers takes."""
    ahead = zip(rules.insurers, rules.starts_ahead_days, strict=True)
    return min((days for id_, days in ahead if not chosen or id_ in chosen), default=1)


@lru_cache(maxsize=8)
def new_request_table(today: date, rules: IntakeRules) -> ObjectTable:
    """The table of a request that is sent on this day in Moscow."""
    insurer_codes = ("INSURERS_EMPTY", "INSURER_UNKNOWN", "INSURER_REPEATED")
    fields = [
        optional(
            "client_reference",
            str,
            CLIENT_REFERENCE,
            codes=("CLIENT_REFERENCE_INVALID", "CLIENT_REFERENCE_REUSED"),
            about="The caller's own number of the application; makes a retry safe.",
            example="order-2024-0001",
        ),
        Field("customer_id", Identifier, CUSTOMER_ID, example="customer-42"),
        Field("application", application_table(today, is_email, requires_consent=rules.requires_consent)),
        optional(
            "insurers",
            ListTable(Identifier),
            about="Ask only these; all if left out; an empty list is a problem.",
            key="insurerIds",
            codes=insurer_codes,
        ),
    ]

    def checks(request: NewRequestInput) -> Found:
        return _insurer_checks(request.insurers, rules.insurers)

    return ObjectTable("CreateQuoteRequestInput", NewRequestInput, fields, checks, codes=insurer_codes)


def reference(code: str) -> Callable[[str], str]:
    """The rule of an id that a caller chooses."""

    @finds(code)
    def rule(text: str) -> str:
        if _REFERENCE.fullmatch(text):
            return text
        raise Broken(code)

    return rule


CUSTOMER_ID: Final = reference("CUSTOMER_ID_INVALID")
CLIENT_REFERENCE: Final = reference("CLIENT_REFERENCE_INVALID")


def _insurer_checks(chosen: Sequence[Any] | None, configured: Sequence[str]) -> Found:
    if chosen is None:
        return
    if not chosen and chosen == ():
        yield ("insurerIds",), "INSURERS_EMPTY"
    # An honest list is no longer than this; of another one the first part says enough.
    for place, insurer_id in enumerate((chosen or ())[: len(configured) + 1]):
        if insurer_id not in configured:
            yield ("insurerIds", str(place)), "INSURER_UNKNOWN"
        elif insurer_id in (chosen or ())[:place]:
            yield ("insurerIds", str(place)), "INSURER_REPEATED"


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
