"""`osago documents check`: what is wrong with trusted documents, what the next schema breaks, which are unused or missing."""

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
from graphql import OperationDefinitionNode
from rich.console import Console
from rich.table import Table

from app.api.execution.document_files import DocumentFiles, FaultKind, TrustedDocument, read_files
from app.api.execution.document_reading import errors_against, parse_document
from app.api.graphql_errors import BadDocument, TooComplex
from app.api.schema.build import GRAPHQL
from app.config.quantities import parse_duration
from app.domain.errors import RedisAway, WrongSetting
from app.redis.fleet.document_use_log import DocumentUseLog, DocumentUseReport
from app.redis.topology import connect, parse_address
from cli.demo_settings import load_settings
from cli.documents.next_schema import NextSchema, read_next_schema
from cli.server_access import cause_of

_DAY_S: Final = 86_400
_ID_SHOWN: Final = 12
LEFT_OUT: Final = "–"


class DocumentProblemKind(StrEnum):
    """What is wrong with a document, or with a file."""

    FILE = "file"
    DUPLICATE = "duplicate"
    MISMATCH = "mismatch"
    INVALID = "invalid"
    DEAR = "dear"
    BROKEN = "broken"
    UNUSED = "unused"
    UNKNOWN = "unknown"


_NOTES: Final = frozenset({DocumentProblemKind.UNUSED, DocumentProblemKind.UNKNOWN})
"""They fail a check with `--strict` alone: new documents are unused at first, and unknown ids are what any caller sends."""
_OF_FAULTS: Final[Mapping[FaultKind, DocumentProblemKind]] = {
    FaultKind.FILE: DocumentProblemKind.FILE,
    FaultKind.DUPLICATE: DocumentProblemKind.DUPLICATE,
    FaultKind.MISMATCH: DocumentProblemKind.MISMATCH,
}
_MEND: Final[Mapping[DocumentProblemKind, str]] = {
    DocumentProblemKind.INVALID: "mend the operation in the app, and have its tool write the file anew",
    DocumentProblemKind.DEAR: "ask for less, or in several operations",
    DocumentProblemKind.BROKEN: "have the app ask otherwise, and wait for its old releases, or leave this out of the schema",
    DocumentProblemKind.UNUSED: "drop it, if no app that is in use has it",
    DocumentProblemKind.UNKNOWN: "add the file of the app that asks for it",
}


class DocumentProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing to mend. `id` and `name` are left out where it is the file's, `file` where no file has the document."""

    kind: DocumentProblemKind
    why: str
    file: str = ""
    id: str = ""
    name: str = ""

    def line(self) -> str:
        """For people."""
        which = f"{self.name} ({_short(self.id)})" if self.name else _short(self.id)
        place = ": ".join(part for part in (self.file, which) if part)
        mend = f"; {_MEND[self.kind]}" if self.kind in _MEND else ""
        return f"{self.kind.upper():<9} {place}: {self.why}{mend}"


class CheckedDocument(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One document, as far as it can be read. `used_at`: when it was asked for last, if that is known."""

    id: str
    name: str
    file: str
    type: str = ""
    complexity: int | None = None
    used_at: datetime | None = None


class CheckReport(msgspec.Struct, frozen=True, rename="camel"):
    """`usage` is None where it was not asked for, `known`, or why it is not known."""

    documents: Sequence[CheckedDocument]
    problems: Sequence[DocumentProblem]
    usage: str | None


def check_documents(
    places: Sequence[Path], schema: Path | None, *, usage: bool, unused_for: str, is_strict: bool, as_json: bool
) -> int:
    """Prints what is found, and returns the exit code.

    Raises:
        WrongSetting: there is nothing to check, or an option is wrong.
    """
    unused_s = _seconds(unused_for)
    settings = load_settings()
    places = places or settings.trusted_documents
    if not places:
        raise WrongSetting("documents check: name a file or a folder, or set OSAGO_TRUSTED_DOCUMENTS")
    next_schema = read_next_schema(GRAPHQL, schema) if schema else None
    files = read_files(places)
    uses = asyncio.run(_read_uses(settings.redis_url)) if usage else None
    report = _examine(files, next_schema, uses, unused_s)
    if as_json:
        print(msgspec.json.encode(report).decode())
    else:
        _print(report, files)
    failing = [problem for problem in report.problems if is_strict or problem.kind not in _NOTES]
    return int(bool(failing))


def _seconds(unused_for: str) -> float:
    try:
        return parse_duration(unused_for)
    except ValueError as error:
        raise WrongSetting(f"--unused-for: {error}") from None


async def _read_uses(redis_url: str) -> DocumentUseReport | str:
    """What is noted in Redis; why it is not known, where that cannot be read."""
    client = connect(parse_address(redis_url))
    try:
        report = await DocumentUseLog(client).read()
    except RedisAway as error:
        return f"Redis cannot be reached ({cause_of(error)})"
    finally:
        await client.aclose()
    return report if report.since else "no API with trusted documents has noted any use yet"


def _examine(
    files: DocumentFiles, next_schema: NextSchema | None, uses: DocumentUseReport | str | None, unused_s: float
) -> CheckReport:
    problems = [
        DocumentProblem(_OF_FAULTS[fault.kind], fault.why, str(fault.file), fault.id, fault.name)
        for fault in files.faults
    ]
    known = uses if isinstance(uses, DocumentUseReport) else None
    checked: list[CheckedDocument] = []
    for one in files.documents:
        document, found = _check(one, next_schema)
        problems += found
        if known and one.id in known.used:
            document = msgspec.structs.replace(document, used_at=_moment(known.used[one.id]))
        checked.append(document)
    if known:
        problems += _unused(files, known, unused_s)
        problems += _unknown(files, known, unused_s)
    return CheckReport(checked, problems, "known" if known else uses if isinstance(uses, str) else None)


def _check(one: TrustedDocument, next_schema: NextSchema | None) -> tuple[CheckedDocument, list[DocumentProblem]]:
    checked = CheckedDocument(one.id, one.name, str(one.file))

    def problem(kind: DocumentProblemKind, why: str) -> DocumentProblem:
        return DocumentProblem(kind, why, str(one.file), one.id, one.name)

    try:
        parsed = parse_document(one.text)
    except BadDocument as error:
        return checked, [problem(DocumentProblemKind.INVALID, str(error.errors[0].message))]
    except TooComplex as error:
        return checked, [problem(DocumentProblemKind.DEAR, error.in_english)]
    operations = [part for part in parsed.document.definitions if isinstance(part, OperationDefinitionNode)]
    types = "+".join(dict.fromkeys(part.operation.value for part in operations))
    checked = msgspec.structs.replace(checked, type=types, complexity=parsed.cost.complexity)
    if not operations:
        return checked, [problem(DocumentProblemKind.INVALID, "it has no operation")]
    if errors := errors_against(GRAPHQL, parsed.document):
        places = (f"line {error.locations[0].line}: " if error.locations else "" for error in errors)
        texts = (error.message.removesuffix(".") for error in errors)
        return checked, [
            problem(DocumentProblemKind.INVALID, place + text) for place, text in zip(places, texts, strict=True)
        ]
    broken = next_schema.breaks(parsed.document) if next_schema else ()
    return checked, [problem(DocumentProblemKind.BROKEN, f"by the next schema: {why}") for why in broken]


def _unused(files: DocumentFiles, uses: DocumentUseReport, unused_s: float) -> Iterator[DocumentProblem]:
    """Documents that a process has had for so long, and that were not asked for in this time."""
    for one in files.documents:
        since_s, used_s = uses.since.get(one.id, uses.now_s), uses.used.get(one.id)
        if uses.now_s - since_s < unused_s or (used_s is not None and uses.now_s - used_s < unused_s):
            continue
        last = f"not since {_moment(used_s):%Y-%m-%d}" if used_s else f"never since {_moment(since_s):%Y-%m-%d}"
        yield DocumentProblem(DocumentProblemKind.UNUSED, f"asked for {last}", str(one.file), one.id, one.name)


def _unknown(files: DocumentFiles, uses: DocumentUseReport, unused_s: float) -> Iterator[DocumentProblem]:
    """Ids that were asked for in this time, and that none of the documents has."""
    ids = {one.id for one in files.documents}
    for id_, at_s in uses.unknown.items():
        if id_ not in ids and uses.now_s - at_s < unused_s:
            yield DocumentProblem(
                DocumentProblemKind.UNKNOWN,
                f"asked for, last on {_moment(at_s):%Y-%m-%d}, and in none of the files",
                id=id_,
            )


def _print(report: CheckReport, files: DocumentFiles) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("operation", "id", "type", "complexity", "asked for", "file"):
        table.add_column(heading, no_wrap=True)
    for one in report.documents:
        used = f"{one.used_at:%Y-%m-%d}" if one.used_at else LEFT_OUT
        complexity = LEFT_OUT if one.complexity is None else str(one.complexity)
        table.add_row(one.name or LEFT_OUT, _short(one.id), one.type or LEFT_OUT, complexity, used, one.file)
    # Through a pipe the lines are whole.
    Console(width=None if sys.stdout.isatty() else 400, soft_wrap=True, markup=False).print(table)
    for problem in report.problems:
        print(problem.line())
    counts = (len(files.documents), "document"), (len(files.files), "file"), (len(report.problems), "problem")
    documents, read, problems = (f"{count} {noun}{'s' * (count != 1)}" for count, noun in counts)
    print(f"{documents} in {read}, {problems}")
    if report.usage not in {None, "known"}:
        print(f"which are unused, or missing, is not known: {report.usage}", file=sys.stderr)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _short(id_: str) -> str:
    """A hash by its beginning; any other id whole."""
    return id_ if len(id_) <= 2 * _ID_SHOWN else f"{id_[:_ID_SHOWN]}…"
