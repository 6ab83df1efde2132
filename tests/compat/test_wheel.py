"""The wheel, in an environment of its own, far from this repository: commands, demo, the tutorial's adapter and its suite.

Dependencies come from uv's cache as the lock has them, else from PyPI; without either these tests are skipped.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import zipfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from sandbox.demo.servers import free_port

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/adapters.md").read_text(encoding="utf-8")
UV: Final = os.environ.get("UV") or shutil.which("uv") or str(ROOT / ".osago/uv/bin/uv")

pytestmark = [
    pytest.mark.compat,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("wheel"),
    pytest.mark.skipif(not Path(UV).exists(), reason="uv is not installed"),
]


def uv(*arguments: str) -> None:
    """Runs uv without the network, and with it where the cache lacks a part."""
    for more in (["--offline"], []):
        done = subprocess.run([UV, *arguments, *more], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode == 0:
            return
    pytest.skip(f"needs PyPI: uv {' '.join(arguments[:2])}: {done.stderr.strip()[-300:]}")


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment with the wheel, and an empty folder to work in."""

    environment: Path
    folder: Path

    def add(self, *selection: str) -> None:
        """Adds what the lock has for these groups and extras."""
        requirements = self.environment.parent / "requirements.txt"
        export = ["export", "--quiet", "--frozen", "--no-emit-project", "--no-default-groups"]
        uv(*export, *selection, "--output-file", str(requirements))
        uv("pip", "install", "--python", str(self.environment), "--no-deps", "--requirement", str(requirements))

    def command(self, *arguments: str) -> list[str]:
        return [str(self.environment / "bin" / arguments[0]), *arguments[1:]]

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603
            self.command(*arguments),
            cwd=self.folder,
            env=outside(),
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )


def outside() -> dict[str, str]:
    """An environment that names nothing of this repository."""
    return {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/"), "PYTHONWARNINGS": "ignore"}


@pytest.fixture(scope="module")
def wheel() -> Generator[Path, None, None]:
    with tempfile.TemporaryDirectory(prefix="osago-wheel-") as folder:
        uv("build", "--quiet", "--wheel", "--out-dir", folder)
        (built,) = Path(folder).glob("*.whl")
        yield built


@pytest.fixture
def installed(wheel: Path) -> Generator[Installed, None, None]:
    """An environment of each test's own: what one adds is missing in the other.

    Below no folder of pytest's, which is closed to the user that runs PostgreSQL where this one is root.
    """
    with tempfile.TemporaryDirectory(prefix="osago-wheel-", ignore_cleanup_errors=True) as folder:
        base = Path(folder)
        base.chmod(0o755)
        uv("venv", "--quiet", str(base / "venv"))
        (base / "elsewhere").mkdir()
        found = Installed(base / "venv", base / "elsewhere")
        found.add()
        uv("pip", "install", "--python", str(found.environment), "--no-deps", str(wheel))
        yield found


def test_the_wheel_has_every_file_that_runs(wheel: Path) -> None:
    """Migrations, scripts, pages and the demo's insurers; nothing of the tests."""
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        f"app/postgres/migrations/{file.relative_to(ROOT / 'alembic')}" for file in (ROOT / "alembic").glob("**/*.py")
    }
    for pattern in ("app/**/*.lua", "app/**/static/**/*.*", "sandbox/**/static/**/*.*", "osago_adapter*/**/*.py"):
        expected |= {str(file.relative_to(ROOT)) for file in ROOT.glob(pattern)}
    assert expected | {"sandbox/insurers.toml"} <= names
    assert not {name for name in names if name.startswith(("tests/", "tools/", "bench/", "frontend/"))}


@pytest.mark.parametrize("arguments", [["--help"], ["schema"], ["schema", "--of", "openapi"]], ids=" ".join)
def test_a_command_runs(installed: Installed, arguments: Sequence[str]) -> None:
    """It needs neither a server nor a file of the repository."""
    done = installed.run("osago", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_the_demo_names_the_part_that_is_missing(installed: Installed) -> None:
    """The embedded servers are no dependency of the wheel: one line, and no traceback."""
    done = installed.run("osago", "demo", "--port", str(free_port()))
    assert done.returncode == 2
    assert "PostgreSQL is not installed" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_tutorials_adapter_passes_the_suite(installed: Installed) -> None:
    """Both as an author has them: the adapter a package beside the wheel, the suite out of it."""
    installed.add("--extra", "suite")
    package = installed.folder / "osago-acme"
    for name, text in re.findall(r"^```\w+ file=(\S+)\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text, encoding="utf-8")
    (package / "osago_acme/__init__.py").touch()
    uv("pip", "install", "--python", str(installed.environment), "--no-deps", str(package))
    done = installed.run(
        "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "osago_adapter_suite", "--adapter", "acme"
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_demo_answers_an_application(installed: Installed) -> None:
    """The embedded servers run: migrations, workers and insurers, from the application to the end."""
    installed.add("--group", "embedded")
    shutil.copy(ROOT / "examples/application.json", installed.folder)
    demo = subprocess.Popen(  # noqa: S603
        installed.command("osago", "demo", "--port", str(free_port()), "--time-scale", "0.05"),
        cwd=installed.folder,
        env=outside(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert demo.stdout
    try:
        lines: list[str] = []
        for line in demo.stdout:
            lines.append(line)
            if line.startswith("ready"):
                break
        else:
            pytest.fail("".join(lines))
        done = installed.run("osago", "quote", "application.json", "--json")
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)
    assert done.returncode == 0, done.stderr
    *quotes, end = [json.loads(line) for line in done.stdout.splitlines()]
    assert end["__typename"] == "QuotesCompleted"
    assert any(quote.get("offer") or quote.get("quote", {}).get("offer") for quote in quotes)
