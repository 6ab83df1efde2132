"""The suite that adapters are tried with: ours pass it, a bad one does not, and the tutorial's is built from its page."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from support.forked_processes import run_forked
from support.packages import install

import osago_adapters
import osago_adapters.ready_made
import osago_adapters.testing
from osago_adapter_suite.applications import APPLICATIONS
from workers.adapters.registry import GROUP

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = (ROOT / "docs/adapters.md").read_text(encoding="utf-8")
OURS: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
TRIALS: Final[Sequence[tuple[str, ...]]] = [
    *((name,) for name in OURS[GROUP]),
    ("rest-oauth2", "--adapter-option", "desired_timeout_s=0"),
]
MISSING: Final[Sequence[tuple[tuple[str, ...], str]]] = [
    (("nowhere",), "there is none; known are"),
    (("soap", "--dialect", "x"), "has no dialect x"),
]
A_BLIND_RETRY: Final = ("blind", "--dialect", "rest-poll", "-k", "test_what_passes_is_waited_for")
THE_PAGE: Final = ("acme",)
AT_ONCE: Final = 5
WITHOUT: Final = ("-p", "no:cacheprovider", "-p", "no:schemathesis")
"""Plugins of this environment that an author's has not, or that write into its folder."""
Trials = Mapping[tuple[str, ...], "Future[subprocess.CompletedProcess[str]]"]

BLIND: Final = """
import uuid
from osago_adapters.ready_made import RestPoll

class Blind(RestPoll):
    async def create(self, application, idempotency_key):
        return await super().create(application, str(uuid.uuid4()))
"""


pytestmark = [pytest.mark.xdist_group("adapters"), pytest.mark.timeout(900)]  # one process has all trials at hand


def tried(folder: Path, adapter: str, *options: str, path: str = "") -> subprocess.CompletedProcess[str]:
    """The suite as an author of an adapter runs it: in a folder of its own, without our settings of pytest."""
    arguments = ["-q", *WITHOUT, "--pyargs", "osago_adapter_suite", "--adapter", adapter, *options]
    environment = {"PYTHONPATH": path, "PATH": ""}
    return run_forked(arguments, environment, folder, timeout_s=600, program="pytest")


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Generator[Trials, None, None]:
    """All that is to be tried, some at a time: mostly they wait for insurers that hang."""
    site = tmp_path_factory.mktemp("site")
    paths: dict[tuple[str, ...], str] = {
        A_BLIND_RETRY: install(site / "blind", "blind", BLIND, {"blind": "blind:Blind"}),
        THE_PAGE: installed_from_the_page(site / "page"),
    }
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            trial: pool.submit(tried, tmp_path_factory.mktemp(trial[0]), *trial, path=paths.get(trial, ""))
            for trial in (*TRIALS, *paths, *(trial for trial, _ in MISSING))
        }


def test_the_suites_applications_start_in_time() -> None:
    """On a day of the present, far enough ahead for every insurer: one that is written down would pass."""
    assert all(one.starts_on >= datetime.now(UTC).date() + timedelta(days=20) for one in APPLICATIONS.values())


@pytest.mark.parametrize("trial", TRIALS, ids=" ".join)
def test_an_adapter_of_ours_passes(trials: Trials, trial: tuple[str, ...]) -> None:
    """OAuth2 in both of its ways: answered at once, and polled."""
    done = trials[trial].result()
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 60
    assert "skipped" not in done.stdout


def test_a_blind_retry_does_not_pass(trials: Trials) -> None:
    """A key of its own for each call makes a second application of every lost answer."""
    done = trials[A_BLIND_RETRY].result()
    assert done.returncode == 1
    assert "test_what_passes_is_waited_for" in done.stdout


@pytest.mark.parametrize(("trial", "said"), MISSING)
def test_what_is_not_there_is_said(trials: Trials, trial: tuple[str, ...], said: str) -> None:
    """The suite reports it before it makes any call."""
    done = trials[trial].result()
    assert done.returncode != 0
    assert said in done.stdout + done.stderr


def installed_from_the_page(site: Path) -> str:
    """The tutorial's files are cut out of the page as they stand there, and installed."""
    files = dict(re.findall(r"^```\w+ file=(\S+)\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL))
    assert set(files) == {"pyproject.toml", "osago_acme/adapter.py", "osago_acme/sandbox.py"}
    offered = tomllib.loads(files.pop("pyproject.toml"))["project"]["entry-points"]
    groups = {group: dict(entries) for group, entries in offered.items()}
    install(site, "osago_acme_of_the_page", "", groups.pop(GROUP), more=groups)
    for name, text in files.items():
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_text(text, encoding="utf-8")
    (site / "osago_acme/__init__.py").touch()
    return str(site)


def test_the_tutorials_adapter_passes(trials: Trials) -> None:
    """A reader of the page builds it the same way."""
    done = trials[THE_PAGE].result()
    assert done.returncode == 0, done.stdout[-3000:]


def test_it_is_about_forty_lines() -> None:
    """The page promises forty; blank lines and imports are not counted."""
    (source,) = re.findall(r"^```python file=osago_acme/adapter.py\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    body = re.sub(r"^from \w+ import \(.*?^\)$", "", source, flags=re.MULTILINE | re.DOTALL)
    lines = [line for line in body.splitlines() if line.strip() and not re.match(r"from |import ", line)]
    assert len(lines) <= 45


def test_the_page_imports_the_facade_alone() -> None:
    """Besides the standard library, msgspec and, for the other side, the sandbox; other packages are private."""
    code = "\n".join(re.findall(r"^```python.*?\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL))
    imported = {name.partition(".")[0] for name in re.findall(r"^(?:from|import) (\S+)", code, flags=re.MULTILINE)}
    assert imported <= {*sys.stdlib_module_names, "msgspec", "osago_adapters", "sandbox"}
    named = re.findall(r"`(?:app|workers)\.[a-z]\S*`", PAGE)
    assert not named


def test_the_facade_names_what_it_has() -> None:
    """Sorted, and nothing but these: what is not named there is private."""
    for module in (osago_adapters, osago_adapters.ready_made, osago_adapters.testing):
        assert all(hasattr(module, name) for name in module.__all__)
        assert len(set(module.__all__)) == len(module.__all__)
