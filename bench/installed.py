"""Environments of peers, from PyPI: each program has its own, for they pin other versions than we do of what both need.

A program's versions stand in the list beside it (`arq_job.py`, `arq_job.txt`). An environment is made when it is asked for and
kept until its list changes.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

FOLDER: Final = Path(".osago/bench/peers").absolute()
INSTALL_S_MAX: Final = 120


class NotInstalled(Exception):
    """The environment could not be made; the text says what the installer said."""


def installed(program: Path) -> Path:
    """The Python that runs this program.

    Raises:
        NotInstalled: no index could be reached, or none has these versions.
    """
    versions = program.with_suffix(".txt")
    home = FOLDER / program.stem
    python, stamp = home / "bin/python", home / versions.name
    if stamp.is_file() and stamp.read_bytes() == versions.read_bytes():
        return python
    shutil.rmtree(home, ignore_errors=True)
    print(f"  installing {program.stem} …", flush=True)
    for command in _commands(home, python, versions):
        _run(command)
    shutil.copyfile(versions, stamp)
    return python


def _commands(home: Path, python: Path, versions: Path) -> Sequence[Sequence[str]]:
    """With uv, where it is; `uv run` names itself in the environment."""
    if uv := os.environ.get("UV") or shutil.which("uv"):
        return [
            [uv, "venv", "--quiet", "--python", sys.executable, str(home)],
            [uv, "pip", "install", "--quiet", "--python", str(python), "--requirement", str(versions)],
        ]
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return [[sys.executable, "-m", "venv", str(home)], [*pip, "--requirement", str(versions)]]


def _run(command: Sequence[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_S_MAX)  # noqa: S603 - ours
    except subprocess.CalledProcessError as error:
        message: str = error.stderr.strip() or "without a word"
        raise NotInstalled(message.splitlines()[-1].strip()) from None
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"no answer within {INSTALL_S_MAX} s") from None
