"""Insurance days are Moscow's, wherever the machine thinks that it is."""

import os
import time
from collections.abc import Generator
from datetime import UTC, date, datetime, timedelta

import pytest
from support.applications import valid_application

from app.domain.errors import InvalidApplication
from app.intake.new_request import IntakeRules, read_new_request

BEFORE_MIDNIGHT = datetime(2026, 11, 22, 20, 59, 59, tzinfo=UTC)
AFTER_MIDNIGHT = datetime(2026, 11, 22, 21, 0, 0, tzinfo=UTC)


@pytest.fixture(params=["UTC", "Europe/Moscow", "Asia/Kamchatka", "America/New_York"], autouse=True)
def zone(request: pytest.FixtureRequest) -> Generator[str, None, None]:
    """The machine's own time zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def problems(starts_on: date, now: datetime) -> list[str]:
    application = {**valid_application(starts_on), "startsOn": starts_on, "consent": None}
    raw = {"customerId": "customer-1", "application": application}
    try:
        read_new_request(raw, now=now, rules=IntakeRules.of("sever"))
    except InvalidApplication as error:
        return [one.code for one in error.problems]
    return []


@pytest.mark.parametrize(
    ("now", "today"), [(BEFORE_MIDNIGHT, date(2026, 11, 22)), (AFTER_MIDNIGHT, date(2026, 11, 23))]
)
def test_a_policy_starts_from_moscows_tomorrow(now: datetime, today: date) -> None:
    """The machine's tomorrow and that of UTC do not count: in the evening the three are different days."""
    days = {0: ["STARTS_ON_OUT_OF_RANGE"], 1: [], 60: [], 61: ["STARTS_ON_OUT_OF_RANGE"]}
    assert {ahead: problems(today + timedelta(days=ahead), now) for ahead in days} == days
