"""The counts of the last minutes: what is in the window, and how windows of several processes add up."""

import pytest

from app.observability.recent_activity import SLOTS, WINDOW_S, RecentActivity, merged, quantile, share_within


class Wall:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.unix_s = 1_000_000.0

    def __call__(self) -> float:
        return self.unix_s


def test_what_is_older_than_the_window_is_forgotten() -> None:
    """The counts leave slot by slot, until nothing is left."""
    wall = Wall()
    recent = RecentActivity(wall)
    recent.accepted(3)
    wall.unix_s += 60
    recent.accepted(2)
    recent.ended("DEADLINE", late=True)
    recent.ended("ALL_ANSWERED", late=False)
    found = recent.activity()
    assert sum(found.series["accepted"]) == 5
    assert (found.series["accepted"][-1], found.series["accepted"][-7]) == (2, 3)
    assert (found.ended, found.late) == ({"DEADLINE": 1, "ALL_ANSWERED": 1}, 1)
    wall.unix_s += WINDOW_S - 10
    assert sum(recent.activity().series["accepted"]) == 2
    wall.unix_s += WINDOW_S
    assert sum(recent.activity().series["accepted"]) == 0
    assert recent.activity().ended == {}


def test_a_clock_that_goes_back_loses_nothing() -> None:
    """It counts into the newest slot."""
    wall = Wall()
    recent = RecentActivity(wall)
    recent.accepted(1)
    wall.unix_s -= 3600
    recent.accepted(1)
    assert sum(recent.activity().series["accepted"]) == 2


def test_windows_of_several_processes_are_added_slot_by_slot() -> None:
    """One that reported earlier is shifted; of one recorder that two reports hold, one counts."""
    wall = Wall()
    first, second = RecentActivity(wall), RecentActivity(wall)
    first.accepted(1)
    first.asked("sever", "OFFERED", 1.0)
    early = first.activity()
    wall.unix_s += 20
    second.accepted(10)
    second.asked("sever", "OFFERED", 1.0)
    second.asked("sever", "FAILED", 8.0)
    sums = merged([early, second.activity(), early])
    assert (sums.series["accepted"][-1], sums.series["accepted"][-3], len(sums.series["accepted"])) == (10, 1, SLOTS)
    assert sums.insurers["sever"].answers == {"OFFERED": 2, "FAILED": 1}


@pytest.mark.parametrize("seconds", [0.0005, 0.02, 0.7, 5.0, 59.0])
def test_a_quantile_is_exact_to_an_eighth(seconds: float) -> None:
    """The bound holds for short and long times."""
    recent = RecentActivity(Wall())
    for _ in range(99):
        recent.asked("sever", "OFFERED", seconds)
    recent.asked("sever", "OFFERED", 240.0)
    asking = recent.activity().insurers["sever"].asking
    found = quantile(asking, 0.5)
    assert found is not None
    assert seconds / 1.13 <= max(found, 0.0005) <= max(seconds * 1.13, 0.001)
    assert quantile(asking, 1.0) == pytest.approx(240.0, rel=0.13)
    assert quantile({}, 0.5) is None


def test_the_share_within_a_time_is_that_of_whole_buckets() -> None:
    """The share is None where there is nothing to share."""
    recent = RecentActivity(Wall())
    recent.pushed([0.01] * 9 + [3.0])
    assert share_within(recent.activity().pushed, 0.5) == 0.9
    assert share_within({}, 0.5) is None
