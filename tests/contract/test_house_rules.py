"""Rules of the house that no linter knows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "workers", "sandbox", "cli")
FUNCTION_LINES_MOST = 50
FILE_LINES_MOST = 300


def sources(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", sources(*PACKAGES), ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_fit_a_screen_and_files_one_sitting(path: Path) -> None:
    """The worker loop that grew to 200 lines is how every queue became unreadable."""
    long = [node.name for node in functions(path) if (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MOST]
    assert long == []
    assert path.read_text(encoding="utf-8").count("\n") <= FILE_LINES_MOST


@pytest.mark.parametrize("path", sources(*PACKAGES), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    """In its first lines."""
    assert path.read_text(encoding="utf-8").startswith('"""')


def test_the_map_in_the_architecture_matches_the_folders() -> None:
    """Every module stands in ARCHITECTURE.md, and nothing stands there that is no module."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"^(?:│|├|└|─| )*([a-z_]+(?:/[a-z_0-9]+)*\.(?:py|lua))", text, flags=re.MULTILINE))
    assert drawn
    folders = {path.parent.relative_to(ROOT).as_posix() for path in sources(*PACKAGES)}
    told = set(re.findall(r"`((?:app|workers|sandbox|cli)[a-z_/]*)/`", text))
    assert folders - told == set(), "these folders are not on the map"
    assert told - folders - {"app/api/static", "app/streams/scripts"} == set(), "these are on the map and nowhere else"
    modules = {path.relative_to(ROOT).as_posix() for path in sources(*PACKAGES) if path.name != "__init__.py"}
    assert {name for name in drawn if name.endswith(".py")} <= {Path(module).name for module in modules}
