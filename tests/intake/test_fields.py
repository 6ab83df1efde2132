"""The tables of fields: rules find what their tables declare, the examples are valid, and the other descriptions agree."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.rest.json_schema import SCALARS, schemas_of
from app.api.schema.typescript import typescript
from app.domain.intake.careful_reader import read_carefully
from app.domain.intake.field_table import CountryCode, Field, Identifier, ListTable, ObjectTable
from app.domain.intake.formats import Broken
from app.domain.intake.problems import MESSAGES, WARNING_CODES
from app.domain.intake.table_walk import EACH, codes_at, example_of, fields_of, item_kind
from app.intake.new_request import IntakeRules, moscow_day, new_request_table, read_new_request, read_plain

NOW: Final = datetime(2026, 5, 1, 12, tzinfo=UTC)
TABLE: Final = new_request_table(moscow_day(NOW), IntakeRules(("sever", "volga"), requires_consent=True))
FIELDS: Final = list(fields_of(TABLE))
BY_PATH: Final = {path: field for path, _, field in FIELDS}
SCALAR_NAMES: Final[Any] = {
    str: "String",
    Identifier: "ID",
    CountryCode: "CountryCode",
    datetime: "DateTime",
    int: "Int",
    bool: "Boolean",
    Decimal: "Decimal",
    date: "Date",
}
MARKS: Final = " -№'`\u00ad\u200b\x00,;абвABC1203"

texts = st.text(st.characters(exclude_categories=())) | st.text(MARKS)
VALUES: Final[Any] = {
    str: texts,
    Identifier: texts,
    CountryCode: texts | st.sampled_from(["RU", "by", "ZZ"]),
    datetime: st.datetimes(timezones=st.just(UTC)),
    int: st.integers(),
    bool: st.booleans(),
    Decimal: st.decimals(),
    date: st.dates() | st.integers(-200, 400).map(lambda days: date.fromordinal(moscow_day(NOW).toordinal() + days)),
}
json_values = st.none() | st.booleans() | st.integers() | texts | st.dates().map(str) | st.just([]) | st.just({})


def named(entry: tuple[tuple[str, ...], ObjectTable, Field]) -> str:
    return ".".join(entry[0])


@cache
def json_schema() -> dict[str, Any]:
    return schemas_of(TABLE.name)


def close_to(example: object) -> st.SearchStrategy[str]:
    """Texts of which one part differs from an example."""
    text = str(example or "")
    return st.builds(lambda at, put: text[:at] + put + text[at + 1 :], st.integers(0, len(text)), texts)


@pytest.mark.parametrize("entry", FIELDS, ids=named)
def test_rest_describes_each_field_as_its_table_does(entry: tuple[tuple[str, ...], ObjectTable, Field]) -> None:
    """Name, kind, whether it is required, default and text; nothing more stands there."""
    _, table, field = entry
    described = json_schema()[table.name]
    assert list(described["properties"]) == [each.key for each in table.fields]
    assert (field.key in described.get("required", [])) is field.is_required
    assert ("maxProperties" in described) is table.is_one_of
    schema = described["properties"][field.key]
    assert schema.get("description") == field.about
    assert schema.get("default") == field.default
    kind = schema if field.is_required or field.default is not None else schema["anyOf"][0]
    if isinstance(field.kind, ListTable):
        assert kind["type"] == "array"
        kind = kind["items"]
    name = name_of(item_kind(field))
    assert kind.items() >= (SCALARS.get(name) or {"$ref": f"#/components/schemas/{name}"}).items()


@pytest.mark.parametrize("entry", FIELDS, ids=named)
def test_typescript_describes_each_field_as_its_table_does(entry: tuple[tuple[str, ...], ObjectTable, Field]) -> None:
    """Name, kind, whether it may be left out or null, and the text before it."""
    _, table, field = entry
    found = re.search(rf"^export type {table.name} = ?(.*?);\n(?:\n|\Z)", typescript(), re.DOTALL | re.MULTILINE)
    assert found is not None
    name = name_of(item_kind(field))
    kind = {"Int": "number", "Boolean": "boolean"}.get(name, "string" if name in SCALARS else name)
    kind = f"readonly {kind}[]" if isinstance(field.kind, ListTable) else kind
    if table.is_one_of:
        assert f"{{ readonly {field.key}: {kind}; " in found[1]
        return
    line = f"  readonly {field.key}{'' if field.is_required else '?'}: {kind}"
    line += ";\n" if field.is_required or field.default is not None else " | null;\n"
    assert (f"  /** {field.about} */\n{line}" if field.about else line) in found[1]


def name_of(kind: Any) -> str:
    return kind.name if isinstance(kind, ObjectTable) else SCALAR_NAMES.get(kind) or kind.__name__


def test_the_example_of_the_tables_is_valid() -> None:
    """Both readers accept it; REST's description shows it."""
    example = example_of(TABLE)
    quick = read_plain(example, now=NOW, rules=IntakeRules.of())
    assert read_new_request(example, now=NOW, rules=IntakeRules.of()) == quick
    assert read_carefully(new_request_table(moscow_day(NOW), IntakeRules.of()), example) == (quick, [])


def test_a_changed_example_leaves_the_tables_as_they_are() -> None:
    """REST's description is made from the tables, in the same process."""
    before, changed = json.dumps(example_of(TABLE)), example_of(TABLE)
    for path in reversed(LEAVES):
        put(changed, path, None)
    assert json.dumps(example_of(TABLE)) == before


def test_every_code_of_a_problem_is_declared_by_a_field() -> None:
    """A message that no field can have would be dead, a code without a message a fault."""
    assert {code for _, _, field in FIELDS for code in codes_at(field)} == set(MESSAGES) - WARNING_CODES
    assert set(TABLE.codes) <= set(MESSAGES)


RULED: Final = [entry for entry in FIELDS if not isinstance(entry[2].kind, ObjectTable | ListTable)]


@given(st.data(), st.sampled_from(RULED))
def test_a_rule_finds_no_code_that_its_field_does_not_declare(data: st.DataObject, entry: Any) -> None:
    """Documentation lists the declared codes, and programs rely on it."""
    _, table, field = entry
    values = close_to(field.example) | VALUES[field.kind] if field.kind is str else of_kind(field.kind)
    given_fields = {each.attribute: each for each in table.fields if each.attribute in field.given}
    chosen = [data.draw(of_kind(given_fields[name].kind)) for name in field.given]
    rule = field.rule(*chosen) if field.given else field.rule
    assert code_of(rule, data.draw(values)) in {None, *field.codes}


def code_of(rule: Callable[[Any], object], value: object) -> str | None:
    """What the rule finds in the value."""
    try:
        rule(value)
    except Broken as broken:
        return broken.code
    return None


def of_kind(kind: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(kind) if isinstance(kind, type) and issubclass(kind, Enum) else VALUES[kind]


LEAVES: Final = [path for path, _, _ in FIELDS]


@given(st.lists(st.tuples(st.sampled_from(LEAVES), json_values), max_size=4))
def test_a_table_finds_no_code_that_it_does_not_declare(changes: list[tuple[tuple[str, ...], object]]) -> None:
    """The rule holds for fields, and for rules between fields, anywhere below the object that has the rule."""
    example: Any = example_of(TABLE) | {"insurerIds": ["sever"]}
    for path, value in changes:
        put(example, path, value)
    _, problems = read_carefully(TABLE, example)
    for problem in problems:
        *above, last = [EACH if key.isdigit() else key for key in problem.path]
        own = set() if last == EACH else set(codes_at(BY_PATH[(*above, last)]))
        objects = [BY_PATH[tuple(above[:depth])] for depth in range(1, len(above) + 1) if above[depth - 1] != EACH]
        declared = own.union(TABLE.codes, *(codes_at(field) for field in objects))
        assert problem.code in declared, problem


def put(raw: Any, path: tuple[str, ...], value: object) -> None:
    """Sets the value at the path where what is above it is still there."""
    *above, last = path
    for key in above:
        raw = raw[0] if key == EACH and type(raw) is list and raw else raw.get(key) if type(raw) is dict else None
    if type(raw) is dict:
        raw[last] = value


def test_the_tables_stand_in_the_documents() -> None:
    """Each field once in either language; `make docs` writes them."""
    docs = Path(__file__).parents[2] / "docs"
    for document in ("integration.md", "integration.ru.md"):
        text = (docs / document).read_text(encoding="utf-8")
        listed = re.findall(r"^\| `([a-z][\w.*]*)` \| `[\w\[\]!]+` \| (?:yes|no|да|нет)", text, re.MULTILINE)
        assert listed == [".".join(path) for path in LEAVES]
