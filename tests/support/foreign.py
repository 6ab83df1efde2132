"""Programs of others that tests run: Node.js, Chromium, Java, nginx. A test is skipped where its program is missing, and says so."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

_UNREACHABLE: Final = re.compile(r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH)\b")


def program(*names: str, package: str) -> str:
    """Path of the first of these programs on this machine; without any the test is skipped, naming Debian's package."""
    for name in names:
        if found := shutil.which(name):
            return found
    pytest.skip(f"{names[0]} is not installed: apt-get install {package}")


def with_npm(folder: Path, made: Path) -> Path:
    """A copy of the folder, away from the checkout, with what its lock names from npm; skips as `npm_ci` does."""
    shutil.copytree(folder, made, ignore=shutil.ignore_patterns("node_modules", "*.py", "__pycache__"))
    npm_ci(made)
    return made


def npm_ci(folder: Path) -> None:
    """Installs what the folder's lock names; without Node.js, or without a way to npm's registry, the test is skipped."""
    program("node", package="nodejs")
    command = [program("npm", package="npm"), "ci", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - found above
    if done.returncode and (error := _UNREACHABLE.search(done.stderr)):
        pytest.skip(f"npm's registry cannot be reached: {error[0]}")
    assert done.returncode == 0, done.stderr


def a_chromium() -> str:
    """A Chromium of this machine; the headless shell is the same engine without the browser around it, for two thirds of the CPU."""
    return program("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", package="chromium")
