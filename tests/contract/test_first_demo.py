"""The first `make demo` takes a minute: each slow step says what it does before it begins."""

import shutil
import subprocess
from pathlib import Path

from support.commands import ROOT

SLOW = ("pip install", "sync --frozen", "npm --prefix frontend/customer ci", "osago demo")


def test_the_first_demo_announces_its_environment_and_its_page_before_it_makes_them(tmp_path: Path) -> None:
    """The checkout is fresh; the demo itself announces its servers and processes."""
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "frontend/customer/src", tmp_path / "frontend/customer/src")
    done = subprocess.run(
        ["make", "--dry-run", "demo", "UV=.osago/uv/bin/uv", "PAGE=.osago/page"],  # noqa: S607 - the system's make
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    steps = [line for line in done.stdout.splitlines() if line.startswith("echo ") or any(s in line for s in SLOW)]
    environment, page = (
        next(place for place, line in enumerate(steps) if line.startswith(f'echo "{text}'))
        for text in ("Making the environment", "Building the customer's page")
    )
    assert "sync --frozen" in steps[environment + 1]
    assert "npm --prefix frontend/customer ci" in steps[page + 1]
    assert "osago demo" in steps[-1]
