"""An insurer's code is passed on, unless it is what the insurer was told."""

from datetime import UTC, datetime

import pytest
from support.applications import an_application

from app.domain.quote import declined
from workers.insurer_calls.redaction import without_echo

APPLICATION = an_application(datetime.now(UTC).date())


@pytest.mark.parametrize("code", ["4511654321", "XTAGFL110MY654321", "xtagfl110my654321", "9923456781", "1965-03-08"])
def test_a_code_that_is_personal_is_dropped(code: str) -> None:
    """A passport, a VIN in either case, a licence, a birth date."""
    assert without_echo(declined(code), APPLICATION) == declined()


def test_any_other_code_stays() -> None:
    """And so does having none."""
    for answer in (declined("NOT_IN_MY_REGION"), declined("42"), declined()):
        assert without_echo(answer, APPLICATION) == answer
