"""Every word that a story may have is written out for people, in the command; a code alone is for programs."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import pytest

from app.domain.quote import QuoteStatus
from app.story.request_story import (
    AskedProcess,
    Gap,
    GapCode,
    InsurerStory,
    OpenSlot,
    ProcessKind,
    RequestStory,
    StepKind,
    StoryStep,
    WaitKind,
)
from cli.explain import story_text

AT = datetime(2026, 11, 29, 4, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "kinds"), [(story_text._STEPS, StepKind), (story_text._WAITS, WaitKind), (story_text._GAPS, GapCode)]
)
def test_each_kind_has_its_words(words: Mapping[StrEnum, str], kinds: type[StrEnum]) -> None:
    """No step, wait or gap breaks the command off."""
    assert set(words) == set(kinds)


def test_an_open_slot_is_one_line_with_all_that_holds_it_up() -> None:
    """Since when, until when, at which worker, and what goes for every job of the insurer."""
    slot = OpenSlot(
        waits_for=WaitKind.RATE_LIMIT,
        worker="alpha-1",
        since=AT + timedelta(seconds=1),
        next_at=AT + timedelta(seconds=3),
        step="create",
        deliveries=2,
        is_circuit_open=True,
        paused_s=1.5,
        operator_pause="hold",
    )
    story = RequestStory(
        request_id=UUID(int=1),
        service="core-app",
        accepted_at=AT,
        expires_at=AT + timedelta(seconds=60),
        ended_at=None,
        outcome=None,
        is_application_purged=False,
        insurers=(InsurerStory(insurer_id="volga", status=QuoteStatus.PENDING, waiting=slot),),
        steps=(StoryStep(at=AT, kind=StepKind.ACCEPTED, by="core-app"),),
        processes=(AskedProcess(name="alpha-1", kind=ProcessKind.WORKER, has_answered=False, silent_s=2.5),),
        not_known=(Gap(code=GapCode.PROCESS_SILENT, what="alpha-1"),),
        asked_at=AT,
    )
    lines = list(story_text.story_lines(story))
    assert (
        "volga  waits for its rate limit (create), since +1.000 s, until +3.000 s, at alpha-1, delivery 2, "
        "its circuit is open, it wants no call for 1.5 s, paused by an operator (hold)"
    ) in lines
    assert "worker  alpha-1  did not answer, last beat 2.5 s ago" in lines
    assert "- alpha-1 did not answer: what it has in memory is missing here" in lines
