"""Another release beside this one: the tree of a commit, unpacked, run with this environment's Python."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.processes import ROOT

BASE = "b655c25ec9822014b220085dba59af43cbfb75e1"
"""The last commit before primaries and standbys: what upgrades to this release begin from."""
_STARTS_IN = timedelta(days=10)


@dataclass(frozen=True, slots=True)
class Release:
    """The tree of a release."""

    root: Path

    def migrate(self, folder: Path, environment: Mapping[str, str]) -> None:
        """`osago migrate`, by this release."""
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", "migrate"],
            env={**environment, "PYTHONPATH": str(self.root)},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def example(self) -> dict[str, Any]:
        """Its example of a CreateQuoteRequestInput, in the form that it takes."""
        application = json.loads((self.root / "examples/application.json").read_text(encoding="utf-8"))
        starts_on = (datetime.now(UTC) + _STARTS_IN).date().isoformat()
        return {"customerId": "customer-1", "application": {**application, "startsOn": starts_on}}


THIS = Release(ROOT)


def unpacked(commit: str, folder: Path) -> Release:
    """The release of a commit; the test is skipped where this clone does not have it."""
    git = ["git", "-C", str(ROOT)]
    known = subprocess.run([*git, "cat-file", "-e", f"{commit}^{{tree}}"], capture_output=True, check=False)  # noqa: S603
    if known.returncode:
        pytest.skip(f"this clone is too shallow for commit {commit}: git fetch --unshallow brings it")
    packed = subprocess.run([*git, "archive", commit], capture_output=True, check=True)  # noqa: S603
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)  # noqa: S603, S607
    return Release(folder)
