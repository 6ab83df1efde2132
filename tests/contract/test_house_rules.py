"""Rules of the house that no linter knows."""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import house, prose, walks

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "workers", "bridge", "sandbox", "cli", "osago_adapters", "osago_adapter_suite")
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
    """A module begins with a docstring."""
    assert path.read_text(encoding="utf-8").startswith('"""')


def test_the_map_in_the_architecture_matches_the_folders() -> None:
    """Every folder stands in ARCHITECTURE.md with a clause that says what is there, and nothing stands there that is not."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    drawn = dict(re.findall(r"^\| `([a-z0-9_/]+)/` \| ([^|]+) \|$", text, flags=re.MULTILINE))
    assert drawn.keys() == {path.parent.relative_to(ROOT).as_posix() for path in sources(*PACKAGES)}
    assert all(len(clause) > len("the commands") - 1 for clause in drawn.values())


def test_names_and_folders_keep_their_limits() -> None:
    """A name stands for one thing, a folder is read at one glance, and imports have a direction."""
    assert house.shared_module_names() == {}
    assert house.shared_class_names() == {}
    assert house.full_folders() == {}
    graph = house.imports()
    assert house.cycles(graph) == []
    assert house.cycles(house.packages_of(graph, 2)) == []
    packages = house.cycles(house.packages_of(graph, 3))
    # Those of the sandbox's insurers are still to be cut.
    assert [group for group in packages if not group[0].startswith("sandbox.insurers.")] == []


def test_tests_lie_by_the_part_that_they_test() -> None:
    """A folder has at most as many modules as a folder of the product may have; no module is loose."""
    folders = Counter(path.parent for path in (ROOT / "tests").rglob("test_*.py"))
    assert {folder: count for folder, count in folders.items() if count > house.MODULES_IN_A_FOLDER_MAX} == {}
    assert ROOT / "tests" not in folders


def test_every_module_has_its_layer() -> None:
    """One that no contract of import-linter has may import anything."""
    assert house.modules_without_layer() == []


FILLED = " ".join(["A worker reads its jobs."] * 199)
"""995 words."""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tests/test_a.py", '"""{}"""\n'),
        ("bench/a.py", "ONE = 1  # {}\n"),
        ("frontend/a.ts", "/** {} */\n"),
        ("README.md", "{}\n"),
        ("docs/a.md", "{}\n"),
    ],
)
def test_more_than_four_counted_words_in_a_thousand_are_over_the_bound(tmp_path: Path, name: str, text: str) -> None:
    """Comments, docstrings and documents count, for each top-level folder by itself."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.format(f"{FILLED} Somebody tells nobody: whatever, now."), encoding="utf-8")
    assert prose.over_the_bound(tmp_path) == {}
    path.write_text(text.format(f"{FILLED} Somebody tells nobody: whatever, likewise."), encoding="utf-8")
    assert prose.over_the_bound(tmp_path) == {name.partition("/")[0]: (5, 1000)}


def test_the_check_fails_above_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `make check` runs it, with an exit code."""
    (tmp_path / "README.md").write_text("who", encoding="utf-8")
    monkeypatch.setattr(house, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["house", "--check"])
    with pytest.raises(SystemExit, match="More than 4"):
        house.main()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app/a.py", 'who = "whose"\nif who:\n    told = who\n'),
        ("frontend/a.ts", "const told = 'https://nobody.example';\n"),
        ("docs/a.md", "One.\n\n```sh\nwho\n```\n"),
        ("docs/a.ru.md", "who\n"),
        ("frontend/node_modules/a.ts", "// who\n"),
    ],
)
def test_names_texts_and_code_blocks_are_not_counted(tmp_path: Path, name: str, text: str) -> None:
    """Russian documents and packages of npm are not counted, either."""
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    assert prose.over_the_bound(tmp_path) == {}


@pytest.mark.parametrize("steps", [walks.SOCKET_TO_POST, walks.ANSWER_TO_FRAME])
def test_the_walks_are_those_of_the_code(steps: tuple[str, ...]) -> None:
    """Every step is there, and a step before it leads to it: the figures of `make house` are of this code."""
    assert walks.walk(steps).broken == ()
