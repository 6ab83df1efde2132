"""What the insurers saw: counted right, and bounded."""

from datetime import UTC, datetime, timedelta
from typing import Final

from sandbox.insurers.model.application_store import Applications, TakenIn, application_id
from sandbox.insurers.model.call_log import SECONDS_KEPT, InsurerRecord, Keys
from sandbox.insurers.model.outcome import Refusal

START: Final = datetime(2026, 5, 1, 12, tzinfo=UTC)


def taken_in(number: int) -> TakenIn:
    return TakenIn(
        id=str(number), insurer_id="sever", key=str(number), answer=Refusal("NO", ""), ready_at=0.0, fault=None
    )


def test_a_key_makes_one_id_with_each_insurer() -> None:
    """Always the same id, and another one for each insurer and key."""
    ids = [application_id(insurer, key) for insurer in ("sever", "volga") for key in ("a", "b")]
    assert len(set(ids)) == 4
    assert application_id("sever", "a") == ids[0]


def test_the_oldest_applications_are_dropped() -> None:
    """There are never more than the limit."""
    applications = Applications(count_max=3)
    for number in range(5):
        applications.add(taken_in(number))
    assert len(applications) == 3
    assert [bool(applications.get("sever", str(number))) for number in range(5)] == [False, False, True, True, True]


def test_an_application_is_with_one_insurer_only() -> None:
    """Another one does not know it."""
    applications = Applications(count_max=3)
    applications.add(taken_in(1))
    assert applications.get("volga", "1") is None


def test_the_oldest_keys_are_dropped() -> None:
    """The age of a key is that of its first use."""
    keys = Keys(count_max=2)
    for key in ("a", "b", "a", "c"):
        keys.touch(key, START)
    assert [bool(keys.get(key)) for key in "abc"] == [False, True, True]


def test_moments_of_a_key() -> None:
    """The moments of the first and of the last call are kept."""
    keys = Keys(count_max=2)
    for seconds in (0, 3, 7):
        keys.touch("a", START + timedelta(seconds=seconds))
    seen = keys.touch("a", START + timedelta(seconds=9)).view()
    assert (seen.first_at, seen.last_at) == (START, START + timedelta(seconds=9))


def test_keys_are_found_by_their_beginning() -> None:
    """No more of them than asked for, the oldest first."""
    keys = Keys(count_max=10)
    for key in ("r1:a", "r2:a", "r1:b", "r1:c"):
        keys.touch(key, START)
    assert [record.key for record in keys.beginning_with("r1:", 2)] == ["r1:a", "r1:b"]


def test_calls_at_once() -> None:
    """The peak stays, the present does not."""
    record = InsurerRecord("sever")
    for _ in range(3):
        record.enter("poll", START)
    record.leave()
    record.enter("create", START)
    seen = record.view()
    assert (seen.calls_now, seen.calls_at_once_most, seen.polls, seen.creates) == (3, 3, 3, 1)


def test_calls_per_second() -> None:
    """Creates and polls apart, in whole seconds; those before the last ten minutes' worth are dropped."""
    record = InsurerRecord("sever")
    for half_seconds in range(4):
        record.enter("create", START + timedelta(seconds=half_seconds / 2))
        record.enter("poll", START + timedelta(seconds=half_seconds / 2))
    first, second = record.view().seconds
    assert (first.begins_at, first.creates, first.polls) == (START, 2, 2)
    assert second.begins_at == START + timedelta(seconds=1)
    for seconds in range(SECONDS_KEPT):
        record.enter("poll", START + timedelta(seconds=10 + seconds))
    kept = record.view().seconds
    assert (len(kept), kept[0].begins_at) == (SECONDS_KEPT, START + timedelta(seconds=10))
