"""The script of an insurer: which call gets which behaviour."""

import pytest
from pydantic import ValidationError

from sandbox.insurers.script.behaviours import Decline, Delay, Garbage, Hang, Offer, Processing, Status
from sandbox.insurers.script.script import BEHAVIOURS_MAX, Script, ScriptTooLong

BUSY = Status(status=429)
DOWN = Status(status=503)


def script(*behaviours: Garbage | Hang | Offer | Processing | Status) -> Script:
    made = Script()
    made.append(*behaviours)
    return made


def test_behaviours_are_used_up_in_order() -> None:
    """Each once, and then the insurer is back to normal."""
    two = script(BUSY, DOWN)
    assert [two.next("create", "k"), two.next("poll", "k"), two.next("poll", "k")] == [BUSY, DOWN, None]


def test_a_behaviour_can_hold_several_times() -> None:
    """The number of uses left is shown."""
    thrice = script(Status(status=503, times=3))
    assert thrice.next("poll", "k")
    assert list(thrice) == [Status(status=503, times=2)]
    assert [bool(thrice.next("poll", "k")) for _ in range(3)] == [True, True, False]


def test_a_behaviour_can_hold_for_ever() -> None:
    """What stands behind it in the script never has its turn, unless it is meant for other calls."""
    ever = script(Hang(times="forever", step="poll"), DOWN)
    assert all(ever.next("poll", "k") == Hang(times="forever", step="poll") for _ in range(100))
    assert ever.next("create", "k") == DOWN


def test_a_call_is_passed_by_what_is_meant_for_others() -> None:
    """Behaviours are matched by the step, and by the beginning of the idempotency key."""
    mixed = script(Hang(step="poll"), Garbage(key_prefix="b:"), BUSY)
    assert mixed.next("create", "a:sever") == BUSY
    assert mixed.next("create", "a:sever") is None
    assert mixed.next("create", "b:sever") == Garbage(key_prefix="b:")
    assert mixed.next("poll", "a:sever") == Hang(step="poll")


def test_answers_to_an_application_are_for_polls() -> None:
    """There is no offer while the application is being created; a refusal is possible then, if the script says so."""
    answers = script(Offer(premium="1.00"), Processing())
    assert answers.next("create", "k") is None
    assert Decline(code="X").step == "poll"
    assert Decline(code="X", step="create").step == "create"
    with pytest.raises(ValidationError):
        Processing.model_validate({"step": "create"})


def test_the_mode_is_for_calls_that_the_script_has_nothing_for() -> None:
    """A mode is never used up."""
    both = script(BUSY)
    both.mode = DOWN
    assert [both.next("poll", "k") for _ in range(4)] == [BUSY, DOWN, DOWN, DOWN]
    both.mode = Hang(step="create")
    assert both.next("poll", "k") is None


def test_a_script_has_a_limit() -> None:
    """What would make it longer is refused as a whole, and what was there stays."""
    full = script(*[BUSY] * BEHAVIOURS_MAX)
    with pytest.raises(ScriptTooLong):
        full.append(DOWN)
    with pytest.raises(ScriptTooLong):
        full.replace(*[DOWN] * (BEHAVIOURS_MAX + 1))
    assert list(full) == [BUSY] * BEHAVIOURS_MAX


@pytest.mark.parametrize(
    "wrong", [{"status": 200}, {"status": 600}, {"status": 503, "times": 0}, {"status": 503, "x": 1}]
)
def test_a_behaviour_that_makes_no_sense_cannot_be_written(wrong: dict[str, int]) -> None:
    """An answer of success is no fault, and a typing error is not passed over."""
    with pytest.raises(ValidationError):
        Status.model_validate(wrong)


def test_waiting_has_a_limit() -> None:
    """No call is held up for longer than ten minutes."""
    with pytest.raises(ValidationError):
        Delay(seconds=601)
