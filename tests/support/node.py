"""Node.js and Chromium, for what is tested with them; a test says clearly when one is missing."""

import shutil
import subprocess
from pathlib import Path

import pytest


def with_npm(folder: Path, made: Path) -> Path:
    """A copy of the folder, away from the checkout, with what it needs from npm."""
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    shutil.copytree(folder, made, ignore=shutil.ignore_patterns("node_modules", "*.py", "__pycache__"))
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=made, check=True, capture_output=True)  # noqa: S607
    return made


def a_chromium() -> str:
    """A Chromium of this machine."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("Chromium is not installed: apt-get install chromium")
