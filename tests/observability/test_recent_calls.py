"""Calls of the last minute stand beside what calls usually take; what is too few to say anything says nothing."""

import pytest

from app.observability.recent_calls import RecentCalls, StepCalls, merged_calls


class Moments:
    """A clock that the test moves, seconds."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def called(calls: RecentCalls, times: int, seconds: float, why: str = "ok") -> StepCalls:
    for _ in range(times):
        calls.called("sever", "create", why, seconds)
    return calls.calls()["sever"]["create"]


def test_calls_are_slow_beside_what_was_usual_before_their_minute() -> None:
    """Three times as long, and more than a second; with nothing to compare there is no judgement."""
    moments = Moments()
    calls = RecentCalls(moments)
    first = called(calls, 10, 1.5)
    assert (first.mean_s, first.usual_mean_s, first.is_slow) == (1.5, None, False)
    moments.now_s += 70
    assert not called(calls, 10, 4.0).is_slow, "four seconds of one and a half"
    moments.now_s += 70
    slow = called(calls, 10, 9.0)
    assert slow.usual_mean_s is not None
    assert 1.5 < slow.usual_mean_s < 4.0
    moments.now_s += 70
    assert called(calls, 10, 9.0).usual_mean_s == pytest.approx(slow.usual_mean_s, rel=1e-5), "slow calls are not usual"
    assert (slow.mean_s, slow.is_slow) == (9.0, True)


def test_few_calls_and_fast_ones_are_not_slow() -> None:
    """Four in a minute say little, and half a second hurts no customer."""
    moments = Moments()
    calls = RecentCalls(moments)
    called(calls, 10, 0.01)
    moments.now_s += 70
    assert not called(calls, 4, 9.0).is_slow
    moments.now_s += 70
    assert not called(calls, 10, 0.5).is_slow


def test_what_was_slow_for_long_becomes_usual() -> None:
    """An insurer that has changed for good needs no hand for ever."""
    moments = Moments()
    calls = RecentCalls(moments)
    called(calls, 10, 0.5)
    found: list[bool] = []
    for _ in range(90):
        moments.now_s += 60
        found.append(called(calls, 10, 2.0).is_slow)
    assert found[2:59] == [True] * 57, "not even a new process takes slowness for usual before"
    assert not any(found[65:])


def test_time_outs_hang_errors_fail_and_429_is_busy() -> None:
    """By more than half of five or more calls; beside an open circuit by any. No kind is taken for another."""
    hanging = StepCalls({"ok": 2, "timeout_read": 3})
    assert hanging.hangs(is_circuit_open=False)
    assert not hanging.fails(is_circuit_open=True)
    failing = StepCalls({"ok": 2, "5xx": 2, "refused": 1})
    assert failing.fails(is_circuit_open=False)
    assert (failing.worst, failing.hangs(is_circuit_open=True)) == ("5xx", False)
    both = StepCalls({"timeout_read": 2, "5xx": 3})
    assert (both.hangs(is_circuit_open=True), both.fails(is_circuit_open=True)) == (False, True), "the more frequent"
    few = StepCalls({"5xx": 1})
    assert (few.fails(is_circuit_open=False), few.fails(is_circuit_open=True)) == (False, True)
    busy = StepCalls({"ok": 6, "busy": 4})
    assert (busy.is_busy, busy.fails(is_circuit_open=True)) == (True, False)
    ours = StepCalls({"credentials": 9, "4xx": 9, "protocol": 9})
    assert not ours.fails(is_circuit_open=False), "these are no outage"


def test_a_call_that_was_not_answered_takes_no_part_in_what_is_usual() -> None:
    """Else an insurer that hung for an hour would be allowed to be slow for the next one."""
    moments = Moments()
    calls = RecentCalls(moments)
    called(calls, 10, 0.02)
    called(calls, 10, 20.0, "timeout_read")
    moments.now_s += 70
    usual_s = called(calls, 1, 0.02).usual_mean_s
    assert usual_s is not None
    assert round(usual_s, 3) == 0.02


def test_calls_of_several_processes_are_added() -> None:
    """The mean is that of all calls, not of the processes' means."""
    one = {"sever": {"create": StepCalls({"ok": 1}, 3.0, 1.0, 1.0)}}
    other = {
        "sever": {"create": StepCalls({"ok": 2, "busy": 1}, 1.0, 3.0, 1.0)},
        "volga": {"poll": StepCalls({"ok": 1})},
    }
    found = merged_calls([one, other])
    assert (found["sever"]["create"].results, found["sever"]["create"].mean_s) == ({"ok": 3, "busy": 1}, 1.0)
    assert found["sever"]["create"].usual_mean_s == 0.5
    assert found["volga"]["poll"].count == 1
