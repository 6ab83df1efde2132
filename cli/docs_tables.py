"""Tables of the documents that are made from the code: `python -m cli.docs_tables` writes them anew (`make docs`)."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, cast

from graphql import build_schema

from app.api.error_codes import BAD_REQUEST, INTERNAL, MEANINGS
from app.api.graphql_errors import INTERNAL_MESSAGE, MESSAGES
from app.api.schema.build import sdl
from app.domain.intake import problems
from app.domain.intake.field_table import Field
from app.domain.intake.table_walk import codes_at, fields_of
from app.domain.tariff.edition_loader import load_editions
from app.intake.new_request import IntakeRules, new_request_table
from cli.tariff.tariff_listing import tables

DOCUMENTS: Final = (Path("docs/integration.md"), Path("docs/integration.ru.md"), Path("docs/tariff.md"))
FIELDS_ON: Final = date(2026, 1, 15)
"""The day of the examples, so that the documents stay the same from day to day."""
_PART: Final = re.compile(r"(<!-- (\w+): made from the code by `make docs` -->\n).*?(<!-- until here -->\n)", re.DOTALL)


def errors_table() -> str:
    """The codes of errors, with the messages for customers."""
    messages = {**MESSAGES, BAD_REQUEST: "–", INTERNAL: INTERNAL_MESSAGE}
    rows = [(f"`{code}`", it.what, it.remedy, messages[code]) for code, it in MEANINGS.items()]
    return _table(("code", "what it means", "what to do", "message"), rows)


def problems_table() -> str:
    """The codes of problems, with what is wrong."""
    return _table(("code", "what is wrong"), [(f"`{code}`", wrong) for code, wrong in problems.WHAT_IS_WRONG.items()])


def fields_table() -> str:
    """The fields of a new request, with the codes of their problems."""
    rows = [
        (path, type_, _required(field, "yes", "no"), field.about or "", _codes(field), example)
        for path, type_, field, example in _fields()
    ]
    return _table(("field", "type", "required", "about", "problems", "example"), rows)


def russian_fields_table() -> str:
    """The same, with the messages in place of the codes."""
    rows = [
        (path, type_, _required(field, "да", "нет"), _messages(field), example)
        for path, type_, field, example in _fields()
    ]
    return _table(("поле", "тип", "обязательно", "замечания", "пример"), rows)


def editions_tables() -> str:
    """Every figure of every edition; of one that amends another, what it changes."""
    known = {edition.name: edition for edition in load_editions().known}
    written: list[str] = []
    for edition in known.values():
        amends = f", amends {edition.amends}: all that is not below stays" if edition.amends else ""
        written.append(f"## {edition.name}, in force from {edition.in_force_from}{amends}\n\n")
        found = tables(edition, known.get(edition.amends or ""))
        written += (f"### {table.title}\n\n{_table(table.head, list(table.rows))}\n" for table in found)
    return "".join(written)


TABLES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "errors": errors_table,
        "problems": problems_table,
        "fields": fields_table,
        "поля": russian_fields_table,
        "editions": editions_tables,
    }
)


def renewed(text: str) -> str:
    """The document with its tables as the code has them."""
    return _PART.sub(lambda part: part[1] + TABLES[part[2]]() + part[3], text)


def _fields() -> list[tuple[str, str, Field, str]]:
    """Each field with its path, its GraphQL type and its example."""
    types = cast("Mapping[str, Any]", build_schema(sdl()).type_map)
    return [
        (
            f"`{'.'.join(path)}`",
            f"`{types[table.name].fields[field.key].type}`",
            field,
            "" if field.example is None else f"`{_json(field.example)}`",
        )
        for path, table, field in fields_of(new_request_table(FIELDS_ON, IntakeRules.of()))
    ]


def _required(field: Field, yes: str, no: str) -> str:
    return yes if field.is_required else no if field.default is None else f"{no}: `{_json(field.default)}`"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _own_codes(field: Field) -> list[str]:
    return [code for code in codes_at(field) if code not in problems.OF_ANY_FIELD]


def _codes(field: Field) -> str:
    return " ".join(f"`{code}`" for code in _own_codes(field))


def _messages(field: Field) -> str:
    return "<br>".join(problems.MESSAGES[code] for code in _own_codes(field))


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    written = [f"| {' | '.join(cells)} |\n" for cells in (head, *rows)]
    return "".join([written[0], "|---" * len(head) + "|\n", *written[1:]])


if __name__ == "__main__":
    for document in DOCUMENTS:
        document.write_text(renewed(document.read_text(encoding="utf-8")), encoding="utf-8")
