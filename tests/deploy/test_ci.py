"""The scripts of `.ci`, run with a `uv` and a `docker` that answer as the test has it: neither database nor registry is in reach."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
CLEAN: Final = "No known vulnerabilities found"
FOUND: Final = "Found 1 known vulnerability in 1 package\nName  Version ID             Fix Versions\nflask 0.5     PYSEC-2019-179 1.0"
OFFLINE: Final = "requests.exceptions.ConnectionError: Max retries exceeded"
DIGEST: Final = "sha256:" + 64 * "a"


def executable(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)


def run(script: str, *arguments: str, path: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own
        [ROOT / ".ci" / script, *arguments],
        env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("report", "unknown", "code"),
    [
        (CLEAN, 0, 0),
        (CLEAN, 10, 0),
        (CLEAN, 11, 3),
        (CLEAN, 98, 3),
        (FOUND, 0, 1),
        (FOUND, 98, 1),
        (OFFLINE, 0, 3),
        ("", 0, 3),
    ],
)
def test_an_audit_of_too_few_packages_is_none(tmp_path: Path, report: str, unknown: int, code: int) -> None:
    """Fewer than 90 of 100 packages looked up have an exit code of their own, unless a vulnerability was found."""
    (tmp_path / "report").write_text(report + "\nx could not be audited" * unknown, encoding="utf-8")
    ending = "0" if report == CLEAN else "1"
    executable(
        tmp_path,
        "uv",
        f"""[ "$1" = tool ] && {{ cat {tmp_path}/report; exit {ending}; }}
        while [ "$1" != --output-file ]; do shift; done
        for number in $(seq 100); do echo "package$number==1.0"; done > "$2" """,
    )
    ended = run("audit", path=tmp_path)
    assert ended.returncode == code, ended.stdout + ended.stderr


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A copy of the files that name images."""
    for name in ("docker-compose.yml", "Dockerfile"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_images_are_pinned_by_the_digest_that_the_registry_names(files: Path) -> None:
    """Every one, again after an update, and nothing else changes."""
    executable(files, "docker", f"echo {DIGEST}")
    assert run("images", "--check", path=files, IMAGES_FOLDER=str(files)).returncode == 3
    assert run("images", path=files, IMAGES_FOLDER=str(files)).returncode == 0
    assert run("images", "--check", path=files, IMAGES_FOLDER=str(files)).returncode == 0
    for name in ("docker-compose.yml", "Dockerfile"):
        pinned, before = ((folder / name).read_text(encoding="utf-8") for folder in (files, ROOT))
        assert f"@{DIGEST}" in pinned
        if "@sha256" not in before:
            assert pinned.replace(f"@{DIGEST}", "") == before
    newer = "sha256:" + 64 * "b"
    executable(files, "docker", f"echo {newer}")
    assert run("images", path=files, IMAGES_FOLDER=str(files)).returncode == 0
    assert DIGEST not in (files / "docker-compose.yml").read_text(encoding="utf-8")
    dockerfile = (files / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(rf"^FROM python:[\w.-]+@{newer} AS build$", dockerfile, flags=re.MULTILINE)


@pytest.mark.parametrize("answer", ["exit 1", "echo no such tag", "echo sha256:abc"])
def test_no_digest_is_made_up(files: Path, answer: str) -> None:
    """One tag that cannot be resolved leaves all as it is."""
    executable(files, "docker", answer)
    assert run("images", path=files, IMAGES_FOLDER=str(files)).returncode == 2
    for name in ("docker-compose.yml", "Dockerfile"):
        assert (files / name).read_bytes() == (ROOT / name).read_bytes()
