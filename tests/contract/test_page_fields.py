"""The form of the customer's page beside the tables of fields, without a browser: tests/browser fills it in."""

import re
from pathlib import Path
from typing import Final

from app.domain.intake.application_table import application_table
from app.domain.intake.field_table import ListTable, ObjectTable
from app.domain.intake.table_walk import EACH, fields_of
from cli.form_fields import ANY_DAY, form_fields

FORM: Final = Path(__file__).parents[2] / "frontend/customer/src/form"
SOURCES: Final = {path.name: path.read_text(encoding="utf-8") for path in sorted(FORM.iterdir())}
PAGE: Final = "".join(text for name, text in SOURCES.items() if name.endswith(".tsx"))
FIELDS: Final = {
    ".".join(path): field
    for path, _, field in fields_of(application_table(ANY_DAY, bool))
    if not isinstance(field.kind, ObjectTable | ListTable)
}
OBJECTS: Final = [".".join(path) for path, _, _ in fields_of(application_table(ANY_DAY, bool))]
PARTIES: Final = [f"{party}.{kind}" for party in ("policyholder", "owner") for kind in ("person", "organisation")]
ROOTS: Final = (*PARTIES, f"drivers.listed.{EACH}")
"""The paths below which the page has the fields of one component."""
ELSEWHERE: Final = {"drivers.unlimited": "are drivers unlimited", "vehicle.licensePlate": "plate series"}
"""Fields that a control of the page's own stands for."""


NOT_ASKED: Final = re.compile(r"makeId|modelId|consent\.|address\.(?!kladr|text)")
"""Ids of a dictionary that the page has not, parts of the address that stand in its text, and the consent, which is asked for in words."""


def shown(path: str) -> bool:
    """Whether a component of the page has the path, as a whole or below a person."""
    below = [path.removeprefix(f"{root}.") for root in ROOTS if path.startswith(f"{root}.")]
    wanted = [f'path="{path}"', *(f"path={{`${{path}}.{each}`}}" for each in below), ELSEWHERE.get(path, "\0")]
    return any(each in PAGE for each in wanted)


def test_the_page_s_table_of_fields_is_the_one_of_the_code() -> None:
    """`make schema` prints it anew; drift is a failure."""
    assert SOURCES["table.ts"] == form_fields()


def test_every_field_is_on_the_page() -> None:
    """Required or not: nothing of an application can be sent by other callers alone."""
    assert [path for path in FIELDS if not shown(path) and not NOT_ASKED.search(path)] == []


def test_every_path_on_the_page_is_a_field() -> None:
    """A field that is taken out of the tables leaves no dead one on the page."""
    known = [*FIELDS, *ROOTS, *OBJECTS]
    written = {
        path
        for text in SOURCES.values()
        for path in re.findall(r"['\"`]((?:vehicle|policyholder|owner)\.[\w.]+)", text)
    }
    whole = set(re.findall(r'path="([\w.]+)"', PAGE))
    assert {path.removesuffix(".") for path in written | whole} - set(known) == set()
    below = set(re.findall(r"path=\{`\$\{path\}\.([\w.]+)`\}", PAGE))
    assert [each for each in below if not any(f"{root}.{each}" in FIELDS for root in ROOTS)] == []


def test_every_choice_is_offered_on_the_page() -> None:
    """Each value of an enum by its name, in the order of the page."""
    members = {name for field in FIELDS.values() for name in getattr(field.kind, "__members__", ())}
    assert {name for name in members if not re.search(rf"\b{name}\b", PAGE)} == set()


def test_the_page_has_no_message_of_the_api_in_its_own_words() -> None:
    """Problems come from the API or its table; the page's own are of what cannot be sent."""
    own = {name: re.findall(r"'(Пожалуйста[^']*)'", text) for name, text in SOURCES.items() if name != "table.ts"}
    assert {name: texts for name, texts in own.items() if texts} == {}
