"""The rules of retries."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config.insurers_file import Retry
from app.domain.errors import (
    CircuitOpen,
    InsurerBusy,
    InsurerCredentials,
    InsurerError,
    InsurerProtocol,
    InsurerRejected,
    InsurerUnavailable,
)
from app.domain.quote import UNAVAILABLE, ReasonCode, failed
from workers.insurer_calls.verdict import AskAgain, GiveUp, verdict

RETRY = Retry.model_validate({"attempts": 3, "first": "200ms", "most": "2s"})


def decided(
    error: InsurerError, *, failures: int = 1, is_created: bool = False, left_s: float = 50
) -> AskAgain | GiveUp:
    return verdict(error, failures=failures, is_created=is_created, retry=RETRY, left_s=left_s)


@given(st.integers(1, 2))
def test_a_breakdown_is_tried_again_with_full_jitter(failures: int) -> None:
    """Somewhere between at once and twice as long as the time before."""
    decision = decided(InsurerUnavailable("status 503"), failures=failures)
    assert isinstance(decision, AskAgain)
    assert 0 <= decision.after_s <= 0.2 * 2 ** (failures - 1)


def test_backoff_has_a_most() -> None:
    """The wait is bounded after any number of failures."""
    retry = RETRY.model_copy(update={"attempts": 1000})
    for _ in range(200):
        decision = verdict(InsurerUnavailable("x"), failures=900, is_created=True, retry=retry, left_s=50)
        assert isinstance(decision, AskAgain)
        assert decision.after_s <= 2


def test_attempts_are_counted() -> None:
    """The third failure in a row is the last."""
    assert decided(InsurerUnavailable("x"), failures=3) == GiveUp(failed(ReasonCode.INSURER_UNREACHABLE))


def test_a_busy_insurer_is_asked_again_when_it_says_however_often() -> None:
    """A 429 delays a quote; it does not fail it."""
    assert decided(InsurerBusy("status 429", 5.0), failures=99) == AskAgain(5.0)
    silent = decided(InsurerBusy("status 429"), failures=99)
    assert isinstance(silent, AskAgain)
    assert silent.after_s >= 0.2


@pytest.mark.parametrize("asked_s", [None, 0, 0.0, 0.05, -1.0, float("nan"), float("inf"), 1e300, 10**400, "7", True])
def test_no_wait_after_a_429_is_shorter_than_the_backoff(asked_s: Any) -> None:
    """Also if the header reads as "at once" or as no time at all: adapters pass on what they read."""
    for failures in (1, 2, 99):
        decision = decided(InsurerBusy("status 429", asked_s), failures=failures)
        assert isinstance(decision, AskAgain)
        assert 0.2 <= decision.after_s <= 2


@pytest.mark.parametrize("asked_s", [float("nan"), float("inf"), -1.0, 86_401])
def test_a_wait_that_no_insurer_can_mean_is_as_if_missing(asked_s: float) -> None:
    """It neither ends a job that has time left, nor pauses an insurer for ever."""
    error = InsurerUnavailable("status 503", asked_s)
    assert error.retry_after_s is None
    assert isinstance(decided(error), AskAgain)


class OwnProtocolError(InsurerProtocol):
    """An adapter's own."""


class OwnError(InsurerError):
    """An adapter's own, of no known kind."""


def test_a_breakdown_that_names_its_end_is_not_disturbed_before() -> None:
    """A 503 with Retry-After is not retried before that time."""
    assert decided(InsurerUnavailable("status 503", 4.0)) == AskAgain(4.0)


@pytest.mark.parametrize("error", [InsurerBusy("x", 60.0), InsurerUnavailable("x", 60.0)])
def test_a_retry_that_cannot_be_in_time_is_given_up(error: InsurerError) -> None:
    """A retry that could only start after the end is given up at once."""
    assert decided(error, left_s=50) == GiveUp(failed(ReasonCode.INSURER_UNREACHABLE))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InsurerCredentials("x"), ReasonCode.INSURER_CREDENTIALS),
        (InsurerRejected("x"), ReasonCode.INSURER_REJECTED),
        (InsurerProtocol("x"), ReasonCode.INSURER_PROTOCOL),
        (OwnProtocolError("x"), ReasonCode.INSURER_PROTOCOL),
        (OwnError("x"), ReasonCode.INSURER_PROTOCOL),
    ],
)
def test_some_faults_are_final(error: InsurerError, code: ReasonCode) -> None:
    """A retry would change nothing."""
    assert decided(error) == GiveUp(failed(code))


def test_an_open_circuit_ends_what_has_not_begun_and_delays_what_has() -> None:
    """An application that is there already may be answered yet: also in the last second, when others ran out of time."""
    assert decided(CircuitOpen("open")) == GiveUp(UNAVAILABLE)
    for left_s in (50, 0.5, 0):
        assert isinstance(decided(CircuitOpen("open"), is_created=True, left_s=left_s), AskAgain)
