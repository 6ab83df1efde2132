"""Insurers that call back: once, twice, too early, never, or forged."""

import pytest

from osago_adapter_suite.harness import Asked, Harness
from osago_adapters import Offer
from sandbox.insurers.script.behaviours import CallBack, Hang, Processing


def offered(asked: Asked) -> bool:
    return isinstance(asked.answer, Offer)


@pytest.mark.parametrize("calls", [1, 2])
def test_a_call_is_the_answer(harness: Harness, calls: int) -> None:
    """And a second one changes nothing."""
    assert offered(harness.ask(CallBack(calls=calls), Processing(times="forever")))


def test_a_call_before_the_create_is_answered(harness: Harness) -> None:
    """It is no stranger's."""
    assert offered(harness.ask(CallBack(early=True), Processing(times="forever")))


def test_a_call_though_the_create_is_never_answered(harness: Harness) -> None:
    """A call ends the wait for the create, which would have been given up."""
    asked = harness.ask(CallBack(early=True), Hang(step="create", times="forever"))
    assert offered(asked)


@pytest.mark.parametrize(
    "behaviour",
    [
        CallBack(calls=0),
        CallBack(signature="bad"),
        CallBack(signature="none"),
        CallBack(body={"status": "what"}),
        CallBack(body="nonsense"),
        CallBack(body={"status": "processing"}),
    ],
    ids=["never", "forged", "unsigned", "wrong shape", "nonsense", "still at it"],
)
def test_without_a_call_that_can_be_trusted_it_is_polled(harness: Harness, behaviour: CallBack) -> None:
    """What cannot be read, or is not the insurer's, is as if it had not come."""
    asked = harness.ask(behaviour, Processing(times=2), within_s=30.0 if harness.abilities.polls else 1.0)
    assert offered(asked) == harness.abilities.polls
    assert asked.seen is not None
    assert (asked.seen.polls > 0) == harness.abilities.polls
