"""The fixtures of the suite: one sandbox for all tests, forgotten after each."""

from collections.abc import Generator
from pathlib import Path

import pytest

from osago_adapter_suite.harness import Harness
from osago_adapters import WrongSetting
from osago_adapters.testing import find_adapter


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The tests of callbacks are for adapters of insurers that call back."""
    return True if collection_path.name == "test_callbacks.py" and not _calls_back(config) else None


def _calls_back(config: pytest.Config) -> bool:
    try:
        return find_adapter(config.getoption("--adapter") or "").abilities.calls_back
    except WrongSetting as error:
        pytest.exit(f"--adapter: {error}", returncode=4)


@pytest.fixture(scope="session")
def open_harness(pytestconfig: pytest.Config) -> Generator[Harness, None, None]:
    """A sandbox insurer, and the adapter on trial."""
    chosen = pytestconfig.option
    options = dict(option.split("=", 1) for option in chosen.adapter_option)
    try:
        harness = Harness(chosen.adapter, chosen.dialect or chosen.adapter, options)
    except WrongSetting as error:
        pytest.exit(str(error), returncode=4)
    yield harness
    harness.close()


@pytest.fixture
def harness(open_harness: Harness) -> Harness:
    """As if no application had ever come."""
    open_harness.reset()
    return open_harness
