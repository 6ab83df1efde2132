"""Every way in which an insurer fails has a reason of its own, and leaves one application at most."""

from collections.abc import Sequence

import pytest

from osago_adapter_suite.harness import Harness
from osago_adapter_suite.test_answers import SILENT
from osago_adapters import NoOffer, Offer, ReasonCode
from osago_adapters.testing import failed
from sandbox.insurers.script.behaviours import (
    Behaviour,
    BrokenConnection,
    Delay,
    Garbage,
    Hang,
    HugeBody,
    SlowBody,
    Status,
    WrongShape,
)
from sandbox.insurers.script.behaviours import Offer as Offered


def named(value: Sequence[Behaviour] | str) -> str:
    """A short id for a list of behaviours."""
    if isinstance(value, str):
        return value
    return ", ".join(" ".join([one.kind, str(getattr(one, "status", "")), one.step]) for one in value)


@pytest.mark.parametrize(
    ("behaviours", "reason"),
    [
        ([Status(status=401, times="forever")], "INSURER_CREDENTIALS"),
        ([Status(status=403, step="poll", times="forever")], "INSURER_CREDENTIALS"),
        ([Status(status=400)], "INSURER_REJECTED"),
        ([Status(status=404, step="poll")], "INSURER_REJECTED"),
        ([Garbage()], "INSURER_PROTOCOL"),
        ([Garbage(step="poll")], "INSURER_PROTOCOL"),
        ([Garbage(step="poll", text="")], "INSURER_PROTOCOL"),
        ([Garbage(step="poll", text="\x00\ud7ff")], "INSURER_PROTOCOL"),
        ([Garbage(step="poll", text='{"x":' + "[" * 100_000)], "INSURER_PROTOCOL"),
        ([Garbage(step="poll", text="<a>" * 100_000)], "INSURER_PROTOCOL"),
        ([WrongShape(body={"applicationId": ""})], "INSURER_PROTOCOL"),
        ([WrongShape(step="poll")], "INSURER_PROTOCOL"),
        ([WrongShape(step="poll", body=[])], "INSURER_PROTOCOL"),
        ([HugeBody(step="poll")], "INSURER_PROTOCOL"),
        ([Offered(premium="-5.00")], "INSURER_PROTOCOL"),
        ([Offered(premium="NaN")], "INSURER_PROTOCOL"),
        ([Offered(premium="Infinity")], "INSURER_PROTOCOL"),
        ([Offered(premium="1.005")], "INSURER_PROTOCOL"),
        ([Offered(premium="1e999999")], "INSURER_PROTOCOL"),
        ([Offered(premium="дорого")], "INSURER_PROTOCOL"),
        ([Offered(premium="99999999999.00")], "INSURER_PROTOCOL"),
        ([Offered(premium="5.00", number="")], "INSURER_PROTOCOL"),
        ([Offered(premium="5.00", number="1" * 1000)], "INSURER_PROTOCOL"),
        ([Status(status=503, times=99)], "INSURER_UNREACHABLE"),
        ([BrokenConnection(times=99)], "INSURER_UNREACHABLE"),
        ([BrokenConnection(step="poll", when="middle", times=99)], "INSURER_UNREACHABLE"),
        ([Hang(times=99)], "INSURER_UNREACHABLE"),
        ([SlowBody(seconds=30, times=99)], "INSURER_UNREACHABLE"),
        ([Status(status=429, retry_after=3000)], "INSURER_UNREACHABLE"),
    ],
    ids=named,
)
def test_each_way_to_fail_has_its_reason(harness: Harness, behaviours: Sequence[Behaviour], reason: str) -> None:
    """What cannot be mended is not tried again; the rest no more than three times. Nothing escapes as a bug."""
    asked = harness.ask(SILENT, *behaviours)
    assert asked.answer == failed(ReasonCode(reason))
    assert asked.seen is not None
    assert asked.seen.creates <= 3
    assert asked.insurer.applications <= 1


@pytest.mark.parametrize(
    "behaviours",
    [
        [Status(status=500), Status(status=503, step="poll")],
        [Status(status=408), Status(status=425, step="poll")],
        [Hang(step="create")],
        [Hang(step="poll")],
        [BrokenConnection(), BrokenConnection(step="poll", when="middle")],
        [BrokenConnection(step="create", when="middle")],
        [Delay(seconds=0.1, step="create"), Delay(seconds=0.1, step="poll")],
        [SlowBody(seconds=0.1, step="create"), SlowBody(seconds=0.1, step="poll")],
    ],
    ids=named,
)
def test_what_passes_is_waited_for(harness: Harness, behaviours: Sequence[Behaviour]) -> None:
    """With one key, and so one application, however often an answer was lost; never twice without a key."""
    asked = harness.ask(SILENT, *behaviours)
    assert asked.insurer.applications == 1
    if harness.abilities.is_idempotent or all(
        one.step == "poll" or one.kind in ("delay", "slow-body") for one in behaviours
    ):
        assert isinstance(asked.answer, Offer), asked.answer
    else:
        assert isinstance(asked.answer, NoOffer)
        assert asked.seen is not None
        assert asked.seen.creates == 1


@pytest.mark.parametrize("step", ["create", "poll"])
def test_a_busy_insurer_is_asked_again_however_often(harness: Harness, step: str) -> None:
    """A 429 delays a quote; it does not fail it."""
    asked = harness.ask(SILENT, Status.model_validate({"status": 429, "step": step, "times": 9}))
    assert isinstance(asked.answer, Offer), asked.answer


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(harness: Harness, status: int) -> None:
    """The insurer said a second; no call comes before."""
    step = "create" if harness.abilities.is_idempotent or status == 429 else "poll"
    asked = harness.ask(SILENT, Status(status=status, retry_after=1, step=step))
    assert isinstance(asked.answer, Offer), asked.answer
    assert asked.seconds >= 1


@pytest.mark.parametrize(
    "retry_after", ["0", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 +99999999999999999999", "9" * 60]
)
def test_a_retry_after_that_cannot_be_meant_is_as_if_missing(harness: Harness, retry_after: str) -> None:
    """Times that have passed, numbers that overflow: the backoff is kept, and nothing escapes as a bug."""
    asked = harness.ask(SILENT, Status(status=429, step="create", retry_after=retry_after, times=2))
    assert isinstance(asked.answer, Offer), asked.answer


@pytest.mark.parametrize("step", ["create", "poll"])
@pytest.mark.parametrize("sent_as", [400, 500, 503])
def test_an_error_in_a_body_is_read_whatever_its_status(harness: Harness, step: str, sent_as: int) -> None:
    """Credentials that are not accepted are no breakdown: no retry. `send` has `reads` for that, `Reply.expect` the rest.

    A dialect that has its errors in the status alone sends its 403.
    """
    wire = {"status": 403, "sent_as": sent_as, "step": step, "times": "forever"}
    asked = harness.ask(SILENT, Status.model_validate(wire))
    assert asked.answer == failed(ReasonCode.INSURER_CREDENTIALS)
    assert asked.seen is None or asked.seen.creates <= 2  # once more with a new token, where there are tokens
