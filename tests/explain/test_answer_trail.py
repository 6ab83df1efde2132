"""A trail stays short, and says what it leaves out."""

from uuid import UUID

import pytest

from app.redis.job_streams import Delivery
from app.story.answer_trail import (
    CALL,
    NO_CALL,
    RATE_WAIT,
    STEPS_MAX,
    TRAIL_BYTES_MAX,
    AnswerTrail,
    StoredTrail,
    decode_trail,
)
from app.story.request_story import WaitKind

DELIVERY = Delivery(0, "1795320171366-0", UUID(int=1), 3, via="relay", taken_from="w" * 73)


def stored(trail: AnswerTrail) -> StoredTrail:
    encoded = trail.encode("v" * 73, DELIVERY, 1_795_320_000.0)
    assert len(encoded.encode()) <= TRAIL_BYTES_MAX
    found = decode_trail(encoded)
    assert found
    return found


def test_a_trail_is_read_as_it_was_kept() -> None:
    """Moments as milliseconds, with the entry's own."""
    trail = AnswerTrail(100.0)
    trail.waited(RATE_WAIT, "create", 100.0, 100.25)
    trail.waited(RATE_WAIT, "create", 100.25, 100.251)
    trail.called("create", 100.25, 0.5, "ok")
    found = stored(trail)
    assert (found.read_ms, found.enqueued_ms, found.via) == (1_795_320_100_000, 1_795_320_171_366, "relay")
    assert [(step.code, step.offset_ms, step.ms) for step in found.steps] == [(RATE_WAIT, 0, 250), (CALL, 250, 500)]


@pytest.mark.parametrize("calls", [STEPS_MAX, STEPS_MAX + 1, 5000])
def test_a_long_trail_keeps_its_beginning_and_its_end_within_its_bytes(calls: int) -> None:
    """The number of steps that are left out is kept."""
    trail = AnswerTrail(0.0)
    for number in range(calls):
        trail.called("create" if number == 0 else "poll", number, 0.1, "timeout_connect")
    found = stored(trail)
    assert found.steps[0].step == "create"
    assert found.steps[-1].offset_ms == (calls - 1) * 1000
    assert found.omitted + len(found.steps) == calls


def test_calls_that_are_refused_in_a_row_are_one_step() -> None:
    """The step has the time from the first refusal to the last."""
    trail = AnswerTrail(0.0)
    for second in range(10):
        trail.not_called("poll", float(second), "circuit_open")
    assert [(step.code, step.ms) for step in stored(trail).steps] == [(NO_CALL, 9000)]


def test_what_is_under_way_when_asking_stops_is_the_last_step() -> None:
    """A call is unfinished; a wait has lasted so long."""
    trail = AnswerTrail(0.0)
    trail.wait(WaitKind.INSURER, 1.0, step="poll")
    trail.interrupt(3.0)
    (step,) = stored(trail).steps
    assert (step.code, step.step, step.ms, step.result) == (CALL, "poll", 2000, "unfinished")


@pytest.mark.parametrize("encoded", [None, "", "[]", '[2,"later"]', "nonsense"])
def test_a_trail_of_another_form_is_none(encoded: str | None) -> None:
    """Another release may have written it: releases run side by side."""
    assert decode_trail(encoded) is None
