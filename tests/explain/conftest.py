"""Stories name what is wrong, and a busy machine is none of it."""

from typing import Final

import pytest

LOOK_S_MAX: Final = 60.0


@pytest.fixture(autouse=True)
def patient_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL and Redis share this machine with all tests: no look at them is slow here, except where a test says so."""
    monkeypatch.setattr("app.redis.fleet.process_health.LOOK_S_MAX", LOOK_S_MAX)
