"""Runs `osago subject-report`, `exposure` and `purges export`: each stands in the audit before anything is printed."""

import getpass
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Final, TextIO
from uuid import UUID

from app.config.settings import Settings
from app.domain.errors import WrongSetting
from app.domain.intake.moscow_calendar import MOSCOW
from app.domain.operators.control import AUTHOR_LENGTH_MAX
from app.domain.subjects.data_subject import identity_of
from app.domain.subjects.purge import Purge
from app.observability import logs
from app.postgres.database import reading
from app.postgres.personal.purge_rows import purges_between
from app.resources import Resources, open_resources
from app.use_cases.personal.exposure import ExposureCounter
from app.use_cases.personal.report_audit import ReportAudit
from app.use_cases.personal.stored_people import StoredPeople
from app.use_cases.personal.subject_identifiers import SubjectKeys
from app.use_cases.personal.subject_report import SubjectReporter
from cli.demo_settings import load_settings
from cli.personal.exposure_text import exposure_document, exposure_text
from cli.personal.purge_act import act_lines, journal_csv, journal_document
from cli.personal.subject_report_text import report_document, report_text
from cli.server_access import run_against_servers

_PAGE: Final = 50
_DAY: Final = timedelta(days=1)


def report_subject(customer_id: str, tenant: str, person: str, by: str, *, as_json: bool) -> None:
    """Prints what is known of a customer's people; without a customer, of the person that standard input names.

    Raises:
        WrongSetting: it names none.
    """
    identity = "" if customer_id else identity_in(sys.stdin)

    async def report(resources: Resources, settings: Settings) -> Iterable[str]:
        keys = SubjectKeys(resources.pool, resources.cipher)
        people = StoredPeople(resources.pool, resources.cipher)
        reporter = SubjectReporter(resources.pool, keys, people, resources.clock, resources.purging.retention)
        audit = ReportAudit(resources.pool, keys, resources.clock)
        if identity:
            found = await reporter.report_person(identity)
            await audit.of_person("subject-report", author(by), identity, found.found)
        else:
            found = await reporter.report(customer_id, tenant or None, person=person or None)
            await audit.of_customer("subject-report", author(by), customer_id, found.found)
        if as_json:
            return [_json(report_document(found, settings, customer_id))]
        return report_text(found, settings, customer_id)

    _print(_run(report), sys.stdout)


def count_exposure(begin: str, end: str, by: str, *, as_json: bool) -> None:
    """Prints how many subjects a leak in this time would touch."""
    first, last = moment_of("--from", begin), moment_of("--to", end, is_end=True)
    _check_order(first, last)

    async def count(resources: Resources, _: Settings) -> Iterable[str]:
        keys = SubjectKeys(resources.pool, resources.cipher)
        people = StoredPeople(resources.pool, resources.cipher)
        exposure = await ExposureCounter(resources.pool, keys, people, resources.clock).count(first, last)
        audit = ReportAudit(resources.pool, keys, resources.clock)
        await audit.of_time("exposure", author(by), f"{begin}..{end}", exposure.subjects)
        return [_json(exposure_document(exposure))] if as_json else exposure_text(exposure)

    _print(_run(count), sys.stdout)


def export_purges(begin: str, end: str, form: str, by: str) -> None:
    """Prints the records of a time: `text`, `csv` or `json`, a record a line."""
    first = moment_of("--from", begin) if begin else datetime(1970, 1, 1, tzinfo=UTC)

    async def export(resources: Resources, _: Settings) -> Iterable[str]:
        last = moment_of("--to", end, is_end=True) if end else resources.clock.now()
        _check_order(first, last)
        purges = await _purges(resources, first, last)
        audit = ReportAudit(resources.pool, SubjectKeys(resources.pool, resources.cipher), resources.clock)
        await audit.of_time("purges-export", author(by), f"{begin}..{end}", len(purges))
        if form == "text":
            return act_lines(purges, first if begin or not purges else purges[0].at, last, resources.clock.now())
        return journal_csv(purges) if form == "csv" else map(_json, map(journal_document, purges))

    _print(_run(export), sys.stdout)


def identity_in(lines: TextIO) -> str:
    """Surname, given name and day of birth, a line each: no name stands in the list of processes.

    Raises:
        WrongSetting: they do not stand there.
    """
    named = [line.strip() for line in islice(lines, 3)]
    try:
        last_name, first_name, born = named
        return identity_of(last_name, first_name, date.fromisoformat(born))
    except ValueError:
        raise WrongSetting(
            "subject-report: without --customer, standard input has surname, given name and day of birth, a line each"
        ) from None


def moment_of(option: str, text: str, *, is_end: bool = False) -> datetime:
    """A day in Moscow, or a moment with its offset. A day as an end is included.

    Raises:
        WrongSetting: it is neither.
    """
    try:
        at = datetime.combine(date.fromisoformat(text), time(), MOSCOW)
    except ValueError:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise WrongSetting(f"{option}: expected a day such as 2026-11-29, or 2026-11-29T10:00:00+03:00") from None
        return at if at.tzinfo else at.replace(tzinfo=MOSCOW)
    return at + _DAY if is_end else at


def author(by: str) -> str:
    """The operator's name for the audit: the user of the system where none is given.

    Raises:
        WrongSetting: it is no line of printable characters.
    """
    name = by or getpass.getuser()
    if not name.isprintable() or len(name) > AUTHOR_LENGTH_MAX:
        raise WrongSetting(f"--by: one line of at most {AUTHOR_LENGTH_MAX} printable characters")
    return name


def _check_order(begin: datetime, end: datetime) -> None:
    if begin >= end:
        raise WrongSetting("--to: must be later than --from")


async def _purges(resources: Resources, begin: datetime, end: datetime) -> list[Purge]:
    after, found = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0)), list[Purge]()
    while True:
        async with reading(resources.pool) as connection:
            page = await purges_between(connection, begin, end, after=after, most=_PAGE)
        found += page
        if len(page) < _PAGE:
            return found
        after = (page[-1].at, page[-1].id)


def _run(step: Callable[[Resources, Settings], Awaitable[Iterable[str]]]) -> Iterable[str]:
    settings = load_settings()
    logs.configure(log_format="console", level="error")  # the command prints its outcome itself

    async def main() -> Iterable[str]:
        async with open_resources(settings) as resources:
            return await step(resources, settings)

    return run_against_servers(main)


def _print(lines: Iterable[str] | Iterator[str], output: TextIO) -> None:
    for line in lines:
        print(line, file=output)


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False)
