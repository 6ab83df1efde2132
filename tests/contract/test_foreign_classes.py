"""What classes here take from inside of uvicorn, websockets, Strawberry, graphql-core, PyJWT and prometheus-client stands in an ADR, and is still there."""

import ast
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import app
from tools.house import foreign_bases, overridden_by

ROOT: Final = Path(__file__).parents[2]
(ADR,) = (ROOT / "docs/adr").glob("*-methods-of-other-libraries.md")
ROW: Final = re.compile(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)


def derived() -> Iterator[type]:
    """Classes of the application that derive from one of these libraries."""
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if ".migrations" in module.name:
            continue
        for found in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(found) and found.__module__ == module.name and foreign_bases(found):
                yield found


def is_upstream(cls: type, name: str) -> bool:
    """Whether a library's class has an attribute of this name, or sets one on itself."""
    return any(
        name in vars(base) or re.search(rf"\bself\.{name}\b", inspect.getsource(base)) for base in foreign_bases(cls)
    )


def reached(cls: type) -> set[str]:
    """Attributes of a library's class that a class here reads, sets or calls."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    return {name for name in used if is_upstream(cls, name)} - overridden_by(cls)


DERIVED: Final = {cls.__name__: cls for cls in derived() if overridden_by(cls) or reached(cls)}
ROWS: Final = {name: columns for name, *columns in ROW.findall(ADR.read_text(encoding="utf-8"))}


def names_in(column: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", column))


@pytest.mark.parametrize("name", DERIVED)
def test_what_a_class_takes_from_inside_is_listed(name: str) -> None:
    """Methods that it overrides, and attributes that it reaches into: the more there are, the dearer is an upgrade."""
    methods, _why, attributes, _tests = ROWS[name]
    assert overridden_by(DERIVED[name]) <= names_in(methods)
    assert reached(DERIVED[name]) <= names_in(attributes)


@pytest.mark.parametrize("name", sorted(ROWS.keys() & DERIVED.keys()))
def test_it_is_still_there_upstream(name: str) -> None:
    """An override that is never called any more fails here, at the upgrade, and not in production."""
    methods, _why, attributes, _tests = ROWS[name]
    gone = [one for one in names_in(methods) | names_in(attributes) if not is_upstream(DERIVED[name], one)]
    assert gone == []


@pytest.mark.parametrize("name", ROWS)
def test_each_has_a_test(name: str) -> None:
    """The test covers what the override is for, over a real connection or document."""
    tests = names_in(ROWS[name][3])
    known = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }
    assert tests
    assert tests <= known
