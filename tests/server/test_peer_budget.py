"""What a peer is granted, by the second and by the message."""

import pytest

from app.server.peer_budget import PeerBudget, PeerCost

BY_SECOND = [cost for cost in PeerCost if cost.value.per_s]
BY_MESSAGE = [cost for cost in PeerCost if not cost.value.per_s]


@pytest.mark.parametrize("cost", list(PeerCost))
def test_as_much_as_is_allowed_at_once_is_granted_and_no_more(cost: PeerCost) -> None:
    """The allowance is a number of units, not a rate that is looked at from time to time."""
    budget = PeerBudget()
    granted = [budget.grants(cost, now_s=1000.0) for _ in range(cost.value.at_once + 10)]
    assert granted == [True] * cost.value.at_once + [False] * 10


@pytest.mark.parametrize("cost", BY_SECOND)
def test_units_come_back_by_the_second_and_are_not_saved_up(cost: PeerCost) -> None:
    """After a long rest the allowance is full, after a short one it has as much as the rest was worth."""
    budget = PeerBudget()
    for _ in range(cost.value.at_once):
        assert budget.grants(cost, now_s=1000.0)
    assert not budget.grants(cost, now_s=1000.0)
    rested = 1000.0 + 2 / cost.value.per_s
    assert budget.grants(cost, now_s=rested)
    assert not budget.grants(cost, now_s=rested)
    granted = [budget.grants(cost, now_s=100_000.0) for _ in range(cost.value.at_once + 1)]
    assert granted == [True] * cost.value.at_once + [False]


@pytest.mark.parametrize("cost", BY_MESSAGE)
def test_a_new_message_has_an_allowance_of_its_own(cost: PeerCost) -> None:
    """What is counted for a message or a request starts again with the next one."""
    budget = PeerBudget()
    assert not budget.grants(cost, cost.value.at_once + 1)
    budget.renew()
    assert budget.grants(cost, cost.value.at_once)


def test_what_is_counted_by_the_second_goes_on_over_messages() -> None:
    """A flood of pings between messages is a flood all the same."""
    budget = PeerBudget()
    assert budget.grants(PeerCost.CONTROL_FRAME, PeerCost.CONTROL_FRAME.value.at_once, now_s=1.0)
    budget.renew()
    assert not budget.grants(PeerCost.CONTROL_FRAME, now_s=1.0)


def test_costs_do_not_share_an_allowance() -> None:
    """A client that has abandoned many operations may still ping."""
    budget = PeerBudget()
    for cost in PeerCost:
        assert budget.grants(cost, cost.value.at_once, now_s=1.0)


def test_the_delay_is_what_the_peer_is_ahead_by() -> None:
    """The delay is nothing within the allowance; then a unit's time for each unit."""
    budget = PeerBudget()
    allowance = PeerCost.ABANDONED_OPERATION.value
    assert budget.delay_s(PeerCost.ABANDONED_OPERATION, allowance.at_once, now_s=5.0) == 0
    delays = [budget.delay_s(PeerCost.ABANDONED_OPERATION, now_s=5.0) for _ in range(3)]
    assert delays == pytest.approx([1 / allowance.per_s, 2 / allowance.per_s, 3 / allowance.per_s])


def test_a_peer_is_late_from_its_moment_on_until_it_is_authenticated() -> None:
    """Before that moment nothing is expected, and after authentication nothing more."""
    budget = PeerBudget()
    assert not budget.is_late(1e9)
    budget.expect_authentication(10.0)
    assert not budget.is_late(9.99)
    assert budget.is_late(10.0)
    budget.authenticated()
    assert not budget.is_late(1e9)
