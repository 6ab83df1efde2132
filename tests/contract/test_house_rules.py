"""Rules of the house that no linter knows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "workers", "sandbox", "cli", "osago_adapter_suite")
FUNCTION_LINES_MAX = 50
FILE_LINES_MAX = 300


def sources(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", sources(*PACKAGES), ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_fit_a_screen_and_files_one_sitting(path: Path) -> None:
    """The worker loop that grew to 200 lines is how every queue became unreadable."""
    long = [node.name for node in functions(path) if (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX]
    assert long == []
    assert path.read_text(encoding="utf-8").count("\n") <= FILE_LINES_MAX


@pytest.mark.parametrize("path", sources(*PACKAGES), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    """In its first lines."""
    assert path.read_text(encoding="utf-8").startswith('"""')


def test_the_map_in_the_architecture_matches_the_folders() -> None:
    """Every folder and every module stands in ARCHITECTURE.md, and nothing stands there that is not."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_/]+)/` \|[^|]*\| ([^|]*) \|$", text, flags=re.MULTILINE)
    drawn = {folder: set() if modules == "–" else set(modules.split(" · ")) for folder, modules in rows}
    there: dict[str, set[str]] = {path.parent.relative_to(ROOT).as_posix(): set() for path in sources(*PACKAGES)}
    for path in sources(*PACKAGES):
        if path.name != "__init__.py":
            there[path.parent.relative_to(ROOT).as_posix()].add(path.stem)
    assert drawn == there
