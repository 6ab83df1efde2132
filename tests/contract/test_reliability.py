"""docs/reliability.md: every promise names a test that is there, and every test of faults holds a promise."""

import ast
import re
from pathlib import Path

import pytest
from support.processes import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/\S+\.py)::(\w+)`", PAGE)


OF_FAULTS = sorted(file for folder in ("chaos", "failover") for file in (ROOT / "tests" / folder).glob("test_*.py"))
FAULTS = PAGE.partition("## What a fault costs")[2].partition("\n## ")[0]
ROWS = [line.strip("|").split("|") for line in FAULTS.splitlines() if line.startswith("| ")][1:]


def _tests_in(file: Path) -> set[str]:
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_promise_has_its_test(file: str, name: str) -> None:
    """A test that was renamed or dropped takes its promise along."""
    assert name in _tests_in(ROOT / file)


@pytest.mark.parametrize("file", OF_FAULTS, ids=lambda file: file.stem)
def test_every_test_of_faults_is_a_promise(file: Path) -> None:
    """docs/reliability.md is the one list of what the system survives."""
    named = {name for path, name in NAMED if path == f"tests/{file.parent.name}/{file.name}"}
    assert _tests_in(file) <= named


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1].strip())
def test_each_fault_has_what_is_lost_how_long_it_takes_and_its_test(row: list[str]) -> None:
    """RPO, RTO, and the proof; the topology stands in the first row of each."""
    topology, fault, lost, until, proof = (cell.strip() for cell in row)
    assert all((fault, lost, until))
    assert re.fullmatch(r"(`tests/\S+\.py::\w+`(, )?)+", proof)
    assert topology == "" or topology.startswith("**")
