"""The fixtures of the suite: one sandbox for all tests, forgotten after each."""

from collections.abc import Generator
from pathlib import Path

import pytest

from app.domain.errors import WrongSetting
from osago_adapter_suite.harness import Desk
from workers.adapters.registry import find_adapter


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What is asked of those that call back is asked of them alone."""
    return True if collection_path.name == "test_callbacks.py" and not _calls_back(config) else None


def _calls_back(config: pytest.Config) -> bool:
    try:
        return find_adapter(config.getoption("--adapter") or "").abilities.calls_back
    except WrongSetting as error:
        pytest.exit(f"--adapter: {error}", returncode=4)


@pytest.fixture(scope="session")
def open_desk(pytestconfig: pytest.Config) -> Generator[Desk, None, None]:
    """The insurer that is asked, and the adapter that asks it."""
    chosen = pytestconfig.option
    options = dict(option.split("=", 1) for option in chosen.adapter_option)
    try:
        desk = Desk(chosen.adapter, chosen.dialect or chosen.adapter, options)
    except WrongSetting as error:
        pytest.exit(str(error), returncode=4)
    yield desk
    desk.close()


@pytest.fixture
def desk(open_desk: Desk) -> Desk:
    """As if nobody had ever asked."""
    open_desk.reset()
    return open_desk
